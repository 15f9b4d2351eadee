"""The checkpoint that was published last: its weights and a note of them, kept apart from run folders.

A retraining that is cancelled leaves a half-trained checkpoint in its run folder, or one of another config: only what
is kept here is evaluated and promoted.
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
    """No checkpoint was published in this data root, the note of it cannot be read, or its weights are gone."""


@dataclass(frozen=True)
class PublishedCheckpoint:
    """The checkpoint to evaluate.

    Attributes:
        run: the experiment's run folder, as it is now.
        checkpoint: the weights as they were published.
        sha256: of that file.
    """

    run: RunFolder
    checkpoint: Path
    sha256: str

    @property
    def difference(self) -> str | None:
        """A sentence when the run folder holds other weights than were published; None when they are the same."""
        best = self.run.best
        if best.is_file() and sha256_file(best) == self.sha256:
            return None
        return (
            f"{self.run.path} holds a training that was not published (unfinished, or of another config); evaluated is "
            f"the published checkpoint {self.sha256[:12]}. To evaluate the other one, materialise trained_checkpoint"
        )


def note_published(root: DataRoot, experiment: str, checkpoint: Path, sha256: str) -> None:
    """Keeps `checkpoint` as the one to evaluate, with the experiment's name and the hash of the file."""
    with atomic_path(root.runs / _WEIGHTS) as temporary:
        shutil.copyfile(checkpoint, temporary)
    # The note comes last: without it the weights beside it are nobody's.
    write_sealed_json(root.runs / _NOTE, {"experiment": experiment, "sha256": sha256})


def published_note(root: DataRoot) -> Path:
    """Where the note of what was published lies."""
    return root.runs / _NOTE


def published_experiment(root: DataRoot) -> str:
    """The experiment that was published last.

    Raises:
        NothingPublishedError: there is none, or the note is damaged.
    """
    return _read(root)["experiment"]


def read_published(root: DataRoot) -> PublishedCheckpoint:
    """What was published last.

    Raises:
        NothingPublishedError: there is nothing, the note is damaged, or no file has the hash that it tells.
    """
    note = _read(root)
    run, sha256 = RunFolder(root.runs / note["experiment"]), note["sha256"]
    # Earlier versions left the weights in the run folder alone.
    for path in (root.runs / _WEIGHTS, run.best):
        with suppress(OSError):
            if sha256_file(path) == sha256:
                return PublishedCheckpoint(run, path, sha256)
    raise NothingPublishedError(
        f"{root.runs / _WEIGHTS} and {run.best} are missing or another file than was published ({sha256[:12]}); "
        "materialise trained_checkpoint again"
    )


def _found_again(root: DataRoot) -> dict[str, str] | None:
    """The note that is lost, of the weights beside it, when a run folder holds the same."""
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
