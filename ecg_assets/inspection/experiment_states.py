"""State of each experiment: whether it is trained with the current config on the current dataset."""

from ecg_assets.store.root import DataRoot
from ecg_assets.training.config import ConfigError, load_config
from ecg_assets.training.evaluation.champion_store import read_champion
from ecg_assets.training.evaluation.scorecard import ScorecardMissingError, read_scorecard
from ecg_assets.training.runs.prepare import start_fingerprint
from ecg_assets.training.runs.run_folder import RunFolder, RunFolderError, dataset_digest
from ecg_assets.training.runs.run_state import Start, is_finished, read_start, read_state
from ecg_assets.training.runs.same_training import differences


def experiment_states(root: DataRoot) -> dict[str, list[str]]:
    """Lines for each experiment; the first line states whether it is trained."""
    return {path.parent.name: _said(root, RunFolder(path.parent)) for path in sorted(root.runs.glob("*/config.json"))}


def _said(root: DataRoot, run: RunFolder) -> list[str]:
    try:
        lines = ["trained" if is_finished(run) else _unfinished(run)]
        lines += [f"stale: {reason}" for reason in _changes(root, read_start(run), _epochs_done(run))]
    except RunFolderError as error:
        return [f"from another version, or damaged: {error}"]
    champion = read_champion(root)
    if champion is not None and champion.experiment == run.path.name:
        lines.append("champion")
    if is_finished(run) and not _evaluated(run):
        lines.append("not evaluated yet")
    return lines


def _epochs_done(run: RunFolder) -> int:
    state = read_state(run)
    return state.epochs_done if state else 0


def _unfinished(run: RunFolder) -> str:
    return f"not finished: {_epochs_done(run)} epochs are done; the next run continues from there"


def _changes(root: DataRoot, start: Start, epochs_done: int) -> list[str]:
    reasons = []
    if not (root.dataset / "dataset.json").exists():
        reasons.append("its dataset is missing")
    elif dataset_digest(root) != start.dataset_digest:
        reasons.append("the dataset has changed")
    return reasons + _own_changes(start) + _config_changes(start, epochs_done)


def _own_changes(start: Start) -> list[str]:
    """Reasons why the same config on the same dataset would be trained again."""
    try:
        same = start_fingerprint(start.begun, start.dataset_digest) == start.fingerprint
    except RunFolderError as error:
        return [str(error)]
    weights = start.config.start_from is not None or start.config.encoder_weights is not None
    changed = "code version has" if not weights else "code version or initial weights have"
    return [] if same else [f"the training's {changed} changed"]


def _config_changes(start: Start, epochs_done: int) -> list[str]:
    """Changes against the package's config of that name; empty for configs that are not in the package."""
    try:
        now = load_config(start.config.experiment)
    except ConfigError:
        return []
    return [f"config changed: {difference}" for difference in differences(start.begun, now, epochs_done)]


def _evaluated(run: RunFolder) -> bool:
    try:
        read_scorecard(run)
    except ScorecardMissingError:
        return False
    return True
