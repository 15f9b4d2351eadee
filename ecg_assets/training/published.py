"""Which experiment was published last: a note in the data root, so that nobody has to guess by file times."""

import json

from ecg_assets.store.atomic import write_json
from ecg_assets.store.root import DataRoot

_NOTE = "published.json"


class NothingPublishedError(ValueError):
    """No checkpoint was published in this data root, or the note of it cannot be read."""


def note_published(root: DataRoot, experiment: str, sha256: str) -> None:
    """Notes `experiment` as the one to evaluate, and the hash of its checkpoint."""
    write_json(root.runs / _NOTE, {"experiment": experiment, "sha256": sha256})


def published_experiment(root: DataRoot) -> str:
    """The experiment that was published last.

    Raises:
        NothingPublishedError: there is none, or the note is damaged.
    """
    return _read(root)["experiment"]


def published_sha256(root: DataRoot) -> str:
    """The hash that its checkpoint had when it was published.

    Raises:
        NothingPublishedError: there is none, or the note is damaged.
    """
    return _read(root)["sha256"]


def _read(root: DataRoot) -> dict[str, str]:
    note = root.runs / _NOTE
    if not note.exists():
        raise NothingPublishedError(f"{note} is not there; materialise trained_checkpoint first")
    try:
        content = json.loads(note.read_text("utf-8"))
    except (ValueError, RecursionError):
        content = None
    if not isinstance(content, dict) or not all(
        isinstance(content.get(name), str) for name in ("experiment", "sha256")
    ):
        raise NothingPublishedError(
            f"{note} is damaged (it names no experiment and no sha256); delete it and materialise trained_checkpoint"
        )
    return content
