"""Finds lost checkpoints of a run, and restores those that have a copy."""

import json
from collections.abc import Iterator
from pathlib import Path

from ecg_assets.store.atomic import atomic_path
from ecg_assets.store.fingerprint import sha256_file
from ecg_assets.store.log import Log
from ecg_assets.store.root import DataRoot
from ecg_assets.training.runs.run_folder import RunFolder, RunFolderError
from ecg_assets.training.runs.run_state import EpochScores, RunState, read_state, recorded_fingerprint

# Copies of best weights, and the notes with their hash, below the data root.
_COPIES = {
    "runs/published.safetensors": "runs/published.json",
    "champion/champion.safetensors": "champion/champion.json",
    "champion/previous.safetensors": "champion/previous.json",
}


def what_is_lost(root: DataRoot, run: RunFolder, log: Log) -> str | None:
    """Why a run cannot be resumed; None if it can.

    Missing best weights are restored from the published or promoted copy, if there is one.

    Args:
        root: holds the copies.
        run: prepared with the config, dataset and code with which it would resume.
        log: receives a line for each restored file.

    Raises:
        RunFolderError: the run's state cannot be read; the message says what to do.
    """
    state = read_state(run)
    if state is None or not state.history or state.fingerprint != recorded_fingerprint(run):
        return None
    if not run.best.exists() and not _put_best_back(root, run, state, log):
        return f"{run.best} is gone, and there is no copy of it"
    if not state.finished and not run.last.exists() and not run.previous.exists():
        return f"{run.last} and {run.previous} are gone"
    return None


def require_whole_best(root: DataRoot, run: RunFolder) -> None:
    """Prevents damaged weights from being published over intact ones.

    Raises:
        RunFolderError: the best weights differ from an intact copy that was published or promoted.
    """
    state = read_state(run)
    if state is None or not state.history:
        return
    best = sha256_file(run.best) if run.best.exists() else None
    for copy, sha256 in _whole_copies(root, state):
        if best is not None and sha256 != best:
            raise RunFolderError(
                f"{run.best} has changed since it was published; delete it and materialise trained_checkpoint: it is "
                f"put back from {copy}"
            )


def _put_best_back(root: DataRoot, run: RunFolder, state: RunState, log: Log) -> bool:
    for copy, _ in _whole_copies(root, state):
        with atomic_path(run.best) as temporary:
            temporary.write_bytes(copy.read_bytes())
        log(f"{run.path.name}: {run.best} was gone; it is put back from {copy}")
        return True
    return False


def _whole_copies(root: DataRoot, state: RunState) -> Iterator[tuple[Path, str]]:
    """Files with the weights of the run's best epoch, according to their notes, and their hashes."""
    for name, note in _COPIES.items():
        path, sha256 = root.path / name, _noted_hash(root.path / note)
        if sha256 is None or not path.is_file() or _epoch_of(path) != state.history[state.best_epoch - 1]:
            continue
        if sha256_file(path) == sha256:
            yield path, sha256


def _noted_hash(note: Path) -> str | None:
    """The hash in a note; None if the note is damaged, which is reported where the note is needed."""
    try:
        sha256 = json.loads(note.read_text("utf-8"))["sha256"]
    except (OSError, ValueError, LookupError, TypeError, RecursionError):
        return None
    return sha256 if isinstance(sha256, str) else None


def _epoch_of(path: Path) -> EpochScores | None:
    """The epoch in a checkpoint's header, with losses in full precision, which no two trainings share."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="np") as file:
            return EpochScores.model_validate_json((file.metadata() or {}).get("scores", ""))
    except (SafetensorError, OSError, ValueError):
        return None
