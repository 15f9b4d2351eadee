"""Reports for each experiment whether it is trained on the present dataset with the present config."""

from typing import Any

from ecg_assets.store.root import DataRoot
from ecg_assets.training.config import ConfigError, load_config
from ecg_assets.training.evaluation.champion_store import read_champion
from ecg_assets.training.evaluation.scorecard import ScorecardMissingError, read_scorecard
from ecg_assets.training.runs.prepare import start_fingerprint
from ecg_assets.training.runs.run_folder import RunFolder, RunFolderError, dataset_digest
from ecg_assets.training.runs.run_state import Start, is_finished, read_start, read_state


def experiment_states(root: DataRoot) -> dict[str, list[str]]:
    """Lines on each experiment; the first one says whether it is trained."""
    return {path.parent.name: _said(root, RunFolder(path.parent)) for path in sorted(root.runs.glob("*/config.json"))}


def _said(root: DataRoot, run: RunFolder) -> list[str]:
    try:
        lines = ["trained" if is_finished(run) else _unfinished(run)]
        lines += [f"stale: {reason}" for reason in _changes(root, read_start(run))]
    except RunFolderError as error:
        return [f"of another version, or damaged: {error}"]
    champion = read_champion(root)
    if champion is not None and champion.experiment == run.path.name:
        lines.append("champion")
    if is_finished(run) and not _evaluated(run):
        lines.append("not evaluated yet")
    return lines


def _unfinished(run: RunFolder) -> str:
    state = read_state(run)
    return f"not finished: {state.epochs_done if state else 0} epochs are done; the next run goes on from there"


def _changes(root: DataRoot, start: Start) -> list[str]:
    reasons = []
    if not (root.dataset / "dataset.json").exists():
        reasons.append("its dataset is gone")
    elif dataset_digest(root) != start.dataset_digest:
        reasons.append("the dataset has changed since")
    return (
        reasons + _own_changes(start) + _config_changes(start.config.experiment, start.config.model_dump(mode="json"))
    )


def _own_changes(start: Start) -> list[str]:
    """Changes that make the next run train the same config on the same dataset again."""
    try:
        same = start_fingerprint(start.config, start.dataset_digest) == start.fingerprint
    except RunFolderError as error:
        return [str(error)]
    weights = start.config.start_from is not None or start.config.encoder_weights is not None
    changed = "code version has" if not weights else "code version, or the weights that it begins with, have"
    return [] if same else [f"the training's {changed} changed"]


def _config_changes(experiment: str, config: dict[str, Any]) -> list[str]:
    """Differences from the package's config of that name; unknown for other configs."""
    try:
        now = load_config(experiment).model_dump(mode="json")
    except ConfigError:
        return []
    names = sorted(name for name in {*config, *now} if config.get(name) != now.get(name))
    return [f"config changed: {name} {config.get(name)} is now {now.get(name)}" for name in names]


def _evaluated(run: RunFolder) -> bool:
    try:
        read_scorecard(run)
    except ScorecardMissingError:
        return False
    return True
