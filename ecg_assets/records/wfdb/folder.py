"""A folder of WFDB recordings: `.hea` headers at any depth, with their signal files beside them."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from ecg_assets.records.record_csv import csv_of
from ecg_assets.records.rejection import RecordRejected
from ecg_assets.records.sources.base import Listed, SourceError, Taken
from ecg_assets.records.wfdb.header import signal_files
from ecg_assets.records.wfdb.record import Window, read_recording
from ecg_assets.store.fingerprint import fingerprint, sha256_file
from ecg_assets.store.log import Log
from ecg_assets.store.safe_paths import leads_out


@dataclass(frozen=True)
class Recording:
    """One recording.

    Attributes:
        headers: its `.hea` files; more than one when folders hold the same name.
        window: which 10 s are read.
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
        """Headers say nothing of it in a common form."""
        return None

    @cached_property
    def hashes(self) -> list[list[str]]:
        """Name and hash of each of its files, as they were when first asked for."""
        files = [path for header in self.headers for path in (header, *signal_files(header))]
        return [[path.name, sha256_file(path)] for path in files]

    def inputs(self) -> list[Any]:
        """Hashes of its files, and the window."""
        return [self.hashes, self.window.start_s, self.window.checksums]

    def take(self) -> Taken:
        """Its window as a CSV.

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
        for path in (self.headers[0], *signal_files(self.headers[0])):
            if leads_out(path, self.base):
                raise RecordRejected(
                    "unreadable", f"{path.name} is a link out of the source: copy the file itself there"
                )
        fs_hz, signal_mv = read_recording(self.headers[0], self.window)
        return Taken(fs_hz, signal_mv.shape[1], csv_of(signal_mv))


@dataclass(frozen=True)
class WfdbFolder:
    """All recordings below a folder, or those that lie directly in it."""

    folder: Path
    window: Window
    deep: bool = True
    kind: str = "wfdb"

    @cached_property
    def recordings(self) -> list[Recording]:
        """Sorted by id.

        PTB-XL holds each recording twice, as `<number>_hr` and, at 100 Hz, `<number>_lr`. Where both are there the
        second is left out: it would be the same recording under another id, and perhaps in another split.

        Raises:
            SourceError: there is none.
        """
        by_id: dict[str, list[Path]] = {}
        for path in sorted(self.folder.rglob("*.hea") if self.deep else self.folder.glob("*.hea")):
            if path.is_file():  # and no pipe, whose reading need not end
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
            SourceError: there is none.
        """
        yield list(self.recordings)


def _is_coarser(name: str, by_id: dict[str, list[Path]]) -> bool:
    return name.endswith("_lr") and name.removesuffix("_lr") + "_hr" in by_id
