"""The interface of sources: they list records, each of which can be hashed and read."""

import re
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from ecg_assets.records.notes import Note
from ecg_assets.store.fingerprint import sha256_file
from ecg_assets.store.log import Log
from ecg_assets.store.regular_files import is_regular, what_else
from ecg_assets.store.safe_paths import leads_out

ARCHIVE_NAME = "train-csvs.tar.gz"
TABLE_NAME = "train.csv"

PLAIN_ID = r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}"


class SourceError(ValueError):
    """A source cannot be read at all; the message says what is missing and what to set."""


@dataclass(frozen=True)
class Taken:
    """A record that was read and validated.

    Attributes:
        fs_hz: its sampling rate.
        samples: its length.
        csv: the file to store, readable by `read_record`.
        signal_mv: (12, samples), millivolts, the file's values; NaN where unknown.
        notes: its peculiarities.
    """

    fs_hz: int
    samples: int
    csv: bytes
    signal_mv: npt.NDArray[np.floating]
    notes: tuple[Note, ...] = ()


class Listed(Protocol):
    """One record as a source lists it."""

    @property
    def id(self) -> str:
        """Its id within the source."""
        ...

    @property
    def labels(self) -> str | None:
        """The source's labels of its rhythm or findings."""
        ...

    def inputs(self) -> list[Any]:
        """Hashes of all that the record is read from, as JSON values; equal inputs give an equal `take`."""
        ...

    def take(self) -> Taken:
        """Reads and validates it.

        Raises:
            RecordRejected: with a code and a reason that a person can act on.
        """
        ...


class Reader(Protocol):
    """One place with records."""

    @property
    def kind(self) -> str:
        """kaggle, wfdb or synthetic."""
        ...

    def fingerprint(self) -> str:
        """Hash of the source's content.

        Raises:
            SourceError: it cannot be read at all.
        """
        ...

    def opened(self, scratch: Path, log: Log) -> AbstractContextManager[list[Listed]]:
        """All records that it lists or holds, sorted by id; may write to `scratch` until it is closed.

        Raises:
            SourceError, ArchiveError: it cannot be read at all.
        """
        ...


def is_plain_id(record_id: str) -> bool:
    """Whether an id is a plain number or name that is valid as a file name."""
    return bool(re.fullmatch(PLAIN_ID, record_id))


def hash_of(path: Path, base: Path | None) -> str:
    """A file's SHA-256, or why there is none: it cannot be read, or is a link out of the folder `base` and not opened.

    Only that record is then refused, when it is read.
    """
    if base is not None and leads_out(path, base):
        return "a link out of the source"
    if not is_regular(path):
        return f"no file but {what_else(path) or 'nothing'}"
    try:
        return sha256_file(path)
    except OSError as error:
        return f"cannot be read: {error.strerror}"
