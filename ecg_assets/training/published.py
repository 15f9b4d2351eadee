"""Which experiment was published last: a note in the data root, so that nobody has to guess by file times."""

import json

from ecg_assets.store.atomic import write_json
from ecg_assets.store.root import DataRoot

_NOTE = "published.json"


class NothingPublishedError(ValueError):
    """No checkpoint was published in this data root."""


def note_published(root: DataRoot, experiment: str) -> None:
    """Notes `experiment` as the one to evaluate."""
    write_json(root.runs / _NOTE, {"experiment": experiment})


def published_experiment(root: DataRoot) -> str:
    """The experiment that was published last.

    Raises:
        NothingPublishedError: there is none.
    """
    note = root.runs / _NOTE
    if not note.exists():
        raise NothingPublishedError(f"{note} is not there; materialise trained_checkpoint first")
    return str(json.loads(note.read_text("utf-8"))["experiment"])
