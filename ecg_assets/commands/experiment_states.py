"""Each experiment as the next run would find it: trained on the present dataset with the present config, or not."""

import json
from typing import Any

from pydantic import ValidationError

from ecg_assets.store.fingerprint import fingerprint
from ecg_assets.store.root import DataRoot
from ecg_assets.training.champion import read_champion
from ecg_assets.training.config import ConfigError, load_config
from ecg_assets.training.run_folder import CODE_VERSION, RunFolder, Start, is_finished, read_start, read_state
from ecg_assets.training.scorecard import ScorecardMissingError, read_scorecard


def experiment_states(root: DataRoot) -> dict[str, list[str]]:
    """By experiment, what is to be said of it; the first line tells whether it is trained."""
    return {path.parent.name: _said(root, RunFolder(path.parent)) for path in sorted(root.runs.glob("*/config.json"))}


def _said(root: DataRoot, run: RunFolder) -> list[str]:
    lines = ["trained" if is_finished(run) else _unfinished(run)]
    try:
        start = read_start(run)
    except ValidationError:
        return [*lines, "started by another version: the next run trains it anew"]
    lines += [f"stale: {reason}" for reason in _changes(root, start)]
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
    digest = _dataset_digest(root)
    if digest != start.dataset_digest:
        reasons.append("the dataset has changed since" if digest else "its dataset is gone")
    config = start.config.model_dump(mode="json")
    if fingerprint(CODE_VERSION, config, start.dataset_digest) != start.fingerprint:
        reasons.append("the training's code version has changed")
    return reasons + _config_changes(start.config.experiment, config)


def _config_changes(experiment: str, config: dict[str, Any]) -> list[str]:
    """Against the config of that name that comes with the package; of a config from elsewhere nothing is known."""
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


def _dataset_digest(root: DataRoot) -> str | None:
    path = root.dataset / "dataset.json"
    return str(json.loads(path.read_text("utf-8"))["digest"]) if path.exists() else None
