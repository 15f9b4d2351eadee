"""Stores the checkpoint that was published last: its weights and a note, outside the run folders.

A cancelled retraining leaves a half-trained checkpoint, or one of another config, in its run folder. Therefore only the
checkpoint stored here is evaluated and promoted.
"""

import json
import shutil
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from ecg_assets.store.atomic import atomic_path
from ecg_assets.store.fingerprint import sha256_file
from ecg_assets.store.root import DataRoot
from ecg_assets.store.sealed import read_unsealed, write_sealed_json
from ecg_assets.training.runs.run_folder import RunFolder

_NOTE, _WEIGHTS = "published.json", "published.safetensors"


class NothingPublishedError(ValueError):
    """No checkpoint was published in this data root, its note cannot be read, or its weights are missing."""


@dataclass(frozen=True)
class PublishedCheckpoint:
    """The checkpoint to evaluate.

    Attributes:
        run: the experiment's present run folder.
        checkpoint: the published weights.
        sha256: of that file.
    """

    run: RunFolder
    checkpoint: Path
    sha256: str

    @property
    def difference(self) -> str | None:
        """A sentence if the run folder holds other weights than the published ones; None if they are the same."""
        best = self.run.best
        if best.is_file() and sha256_file(best) == self.sha256:
            return None
        return (
            f"{self.run.path} holds a training that was not published (unfinished, or of another config); evaluated is "
            f"the published checkpoint {self.sha256[:12]}. To evaluate the other one, materialise trained_checkpoint"
        )


def note_published(root: DataRoot, experiment: str, checkpoint: Path, sha256: str) -> None:
    """Stores `checkpoint` as the one to evaluate, with the experiment's name and the file's hash."""
    with atomic_path(root.runs / _WEIGHTS) as temporary:
        shutil.copyfile(checkpoint, temporary)
    # The note is written last: weights without a note do not count as published.
    write_sealed_json(root.runs / _NOTE, {"experiment": experiment, "sha256": sha256})


def published_note(root: DataRoot) -> Path:
    """Path of the note of the published checkpoint."""
    return root.runs / _NOTE


def published_experiment(root: DataRoot) -> str:
    """The experiment that was published last.

    Raises:
        NothingPublishedError: there is none, or the note is damaged.
    """
    return _read(root)["experiment"]


def read_published(root: DataRoot) -> PublishedCheckpoint:
    """The checkpoint that was published last.

    Raises:
        NothingPublishedError: there is none, the note is damaged, or no file has the hash in it.
    """
    note = _read(root)
    run, sha256 = RunFolder(root.runs / note["experiment"]), note["sha256"]
    # Earlier versions kept the weights in the run folder only.
    for path in (root.runs / _WEIGHTS, run.best):
        with suppress(OSError):
            if sha256_file(path) == sha256:
                return PublishedCheckpoint(run, path, sha256)
    raise NothingPublishedError(
        f"{root.runs / _WEIGHTS} and {run.best} are missing or another file than was published ({sha256[:12]}); "
        "materialise trained_checkpoint again"
    )


def _found_again(root: DataRoot) -> dict[str, str] | None:
    """Restores a lost note for the weights beside it, if a run folder holds the same weights."""
    weights = root.runs / _WEIGHTS
    if not weights.is_file():
        return None
    sha256 = sha256_file(weights)
    for best in sorted(root.runs.glob("*/checkpoints/best.safetensors")):
        if best.is_file() and sha256_file(best) == sha256:
            note = {"experiment": best.parent.parent.name, "sha256": sha256}
            write_sealed_json(root.runs / _NOTE, note)
            return note
    return None


def _read(root: DataRoot) -> dict[str, str]:
    note = root.runs / _NOTE
    if not note.exists():
        found = _found_again(root)
        if found is not None:
            return found
        raise NothingPublishedError(f"{note} is not there; materialise trained_checkpoint first")
    try:
        content = json.loads(read_unsealed(note))
    except (ValueError, RecursionError):
        content = None
    if not isinstance(content, dict) or not all(
        isinstance(content.get(name), str) for name in ("experiment", "sha256")
    ):
        raise NothingPublishedError(
            f"{note} is damaged (it names no experiment and no sha256); delete it and materialise trained_checkpoint"
        )
    return content
