"""Reads a folder of WFDB recordings: `.hea` headers at any depth, with their signal files beside them."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from ecg_assets.records.lead_names import lead_named
from ecg_assets.records.record_csv import csv_of
from ecg_assets.records.rejection import RecordRejected
from ecg_assets.records.sources.base import Listed, SourceError, Taken, hash_of
from ecg_assets.records.wfdb.header import signal_files
from ecg_assets.records.wfdb.record import Window, read_noted
from ecg_assets.records.wfdb.written_header import written
from ecg_assets.store.fingerprint import fingerprint
from ecg_assets.store.log import Log
from ecg_assets.store.regular_files import is_regular, what_else
from ecg_assets.store.safe_paths import leads_out


@dataclass(frozen=True)
class Recording:
    """One recording.

    Attributes:
        headers: its `.hea` files; more than one if several folders hold the same name.
        window: the 10 s to read.
        base: the folder that its files must not lead out of.
    """

    headers: tuple[Path, ...]
    window: Window
    base: Path

    @property
    def id(self) -> str:
        """The header's name without its ending."""
        return self.headers[0].stem

    @property
    def labels(self) -> str | None:
        """Empty, because headers have no common form of labels."""
        return None

    @cached_property
    def hashes(self) -> list[list[str]]:
        """Name and hash of each of its files at the time of the first call."""
        files = [path for header in self.headers for path in (header, *self._signal_files(header))]
        return [[path.name, hash_of(path, self.base)] for path in files]

    def inputs(self) -> list[Any]:
        """Hashes of its files, the window, and the ways in which the reader differs from its first version."""
        return [self.hashes, self.window.start_s, self.window.checksums, *self._read_otherwise]

    @cached_property
    def _read_otherwise(self) -> list[str]:
        """Names of later changes of the reader that apply to this recording, so that only such ones are read again."""
        headers = [written(path) for path in self.headers if not leads_out(path, self.base)]
        named = [lead_named(name) for header in headers for name in header.names]
        framed = any(header.frames_of(place) > 1 for header in headers for place in range(len(header.signals)))
        signed = any(lead is not None and lead[1] < 0 for lead in named)
        return [*(["frames"] if framed else []), *(["signs"] if signed else [])]

    def _signal_files(self, header: Path) -> list[Path]:
        return [] if leads_out(header, self.base) else signal_files(header)

    def take(self) -> Taken:
        """Reads its window as a CSV.

        Raises:
            RecordRejected: it cannot be used.
        """
        if len(self.headers) > 1:
            folders = " and ".join(sorted(header.parent.name for header in self.headers))
            raise RecordRejected(
                "duplicate_id",
                f"{self.id}.hea is there {len(self.headers)} times, in {folders}: give each folder as a source of "
                "its own",
            )
        for path in (self.headers[0], *self._signal_files(self.headers[0])):
            if leads_out(path, self.base):
                raise RecordRejected(
                    "unreadable", f"{path.name} is a link out of the source: copy the file itself there"
                )
        reading = read_noted(self.headers[0], self.window)
        signal_mv = reading.signal_mv
        return Taken(reading.fs_hz, signal_mv.shape[1], csv_of(signal_mv), signal_mv, reading.notes)


@dataclass(frozen=True)
class WfdbFolder:
    """All recordings below a folder, or only those directly in it."""

    folder: Path
    window: Window
    deep: bool = True
    kind: str = "wfdb"

    @cached_property
    def recordings(self) -> list[Recording]:
        """All recordings, sorted by id.

        PTB-XL holds each recording twice, as `<number>_hr` and, at 100 Hz, `<number>_lr`. If both exist the second is
        left out, because it is the same recording under another id and perhaps in another split.

        Raises:
            SourceError: there is no recording.
        """
        by_id: dict[str, list[Path]] = {}
        for path in sorted(self.folder.rglob("*.hea") if self.deep else self.folder.glob("*.hea")):
            if is_regular(path):
                by_id.setdefault(path.stem, []).append(path)
        if not by_id:
            raise SourceError(f"{self.folder} holds no WFDB headers (*.hea); set `path` to a folder that does")
        named = (name for name in sorted(by_id) if not _is_coarser(name, by_id))
        return [Recording(tuple(by_id[name]), self.window, self.folder) for name in named]

    def fingerprint(self) -> str:
        """Hash of all headers and their signal files, and of the window.

        Raises:
            SourceError: there is no recording.
        """
        return fingerprint([[recording.id, recording.inputs()] for recording in self.recordings])

    @contextmanager
    def opened(self, scratch: Path, log: Log) -> Iterator[list[Listed]]:
        """Every recording.

        Raises:
            SourceError: there is no recording.
        """
        for path in sorted(self.folder.rglob("*.hea") if self.deep else self.folder.glob("*.hea")):
            other = what_else(path)
            if other is not None:
                log(f"raw_csvs: {path} is {other}, no header: left out; put a file there")
        yield list(self.recordings)


def _is_coarser(name: str, by_id: dict[str, list[Path]]) -> bool:
    return name.endswith("_lr") and name.removesuffix("_lr") + "_hr" in by_id
