"""Finds the collection and licence of records, which are passed with each record to its samples."""

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path, PurePosixPath

import yaml

UNKNOWN_LICENCE = "unknown"
SYNTHETIC_LICENCE = "synthetic, nobody's data"
NAME_PATTERN = r"[A-Za-z0-9][A-Za-z0-9_]{0,23}"

_TABLE = Path(__file__).parent / "tables" / "collections.yaml"


@dataclass(frozen=True)
class Collection:
    """A published collection of recordings.

    Attributes:
        folder: regular expression for its folder's whole name, case-insensitive.
        collection: its full name.
        licence: as its publishers name it.
    """

    folder: str
    collection: str
    licence: str


@cache
def _collections() -> tuple[Collection, ...]:
    return tuple(Collection(**row) for row in yaml.safe_load(_TABLE.read_text("utf-8")))


def collection_in(folder_name: str) -> Collection | None:
    """The collection whose folder usually has this name."""
    fits = (one for one in _collections() if re.fullmatch(one.folder, folder_name, re.IGNORECASE))
    return next(fits, None)


def licence_of(address: str) -> str:
    """The licence of the records at a folder or bucket address, by its last two parts; or `unknown`."""
    for name in reversed(PurePosixPath(address).parts[-2:]):
        known = collection_in(name)
        if known is not None:
            return known.licence
    return UNKNOWN_LICENCE


def name_of(address: str) -> str:
    """A source's name from the last part of its address: letters, digits and _, at most 24; may be empty."""
    return re.sub(r"[^A-Za-z0-9]+", "_", PurePosixPath(address).name)[:24].strip("_")
