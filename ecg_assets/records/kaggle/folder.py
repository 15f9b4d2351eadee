"""Reads a folder in the competition's format: train.csv, and CSVs in `train-csvs.tar.gz` or unpacked in `train/`."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ecg_assets.records.kaggle.table import plain_number, read_table
from ecg_assets.records.record import MAX_FS_HZ, MIN_FS_HZ
from ecg_assets.records.record_csv import read_csv
from ecg_assets.records.rejection import RecordRejected
from ecg_assets.records.sources.archive import unpack
from ecg_assets.records.sources.base import ARCHIVE_NAME, TABLE_NAME, Listed, SourceError, Taken, hash_of
from ecg_assets.store.fingerprint import fingerprint
from ecg_assets.store.log import Log
from ecg_assets.store.regular_files import is_regular, what_else
from ecg_assets.store.safe_paths import leads_out

_SHOWN = 8
_WHOLE_NUMBER = re.compile(r"[0-9]{1,9}")


@dataclass(frozen=True)
class ListedCsv:
    """One record according to train.csv and the files.

    Attributes:
        id: as written in train.csv or in the file's name.
        files: its CSVs; empty if it is only listed, several if it exists more than once.
        lines: (fs, labels) as written in train.csv; empty if it is not listed there.
        base: the folder that the files must not lead out of.
    """

    id: str
    files: list[Path] = field(default_factory=list)
    lines: list[tuple[str, str]] = field(default_factory=list)
    base: Path | None = None

    @property
    def labels(self) -> str | None:
        """The value of train.csv's optional column `labels`."""
        return self.lines[0][1] or None if self.lines else None

    def inputs(self) -> list[Any]:
        """Hashes of its files, and its lines."""
        return [[hash_of(path, self.base) for path in self.files], self.lines]

    def take(self) -> Taken:
        """Reads the CSV and returns it unchanged.

        Raises:
            RecordRejected: it cannot be used.
        """
        fs_hz = self._listed_fs()
        path = self.files[0]
        if not is_regular(path):
            raise RecordRejected("missing_file", f"{path.name} is {what_else(path) or 'no file'}: put the CSV there")
        if self.base is not None and leads_out(path, self.base):
            raise RecordRejected("unreadable", f"{path.name} is a link out of the source: copy the file itself there")
        reading = read_csv(path, self.id, fs_hz)
        # Files nearly in the competition's format are converted to it, so that later code sees one format.
        content = reading.csv if reading.notes else path.read_bytes()
        signal_mv = reading.record.signal_mv
        return Taken(fs_hz, signal_mv.shape[1], content, signal_mv, reading.notes)

    def _listed_fs(self) -> int:
        """The record's sampling rate, if it has exactly one file and one line in train.csv."""
        if len(self.lines) > 1:
            said = " and ".join(f"fs {fs!r}" + (f", labels {labels!r}" if labels else "") for fs, labels in self.lines)
            raise RecordRejected(
                "duplicate_id", f"train.csv has {len(self.lines)} lines for id {self.id} ({said}): keep the right one"
            )
        if len(self.files) > 1:
            said = " and ".join(str(path) for path in self.files[:_SHOWN])
            raise RecordRejected(
                "duplicate_id", f"id {self.id} has {len(self.files)} files ({said}): keep the right one"
            )
        if not self.files:
            raise RecordRejected("missing_file", f"train.csv lists {self.id}, but there is no {self.id}.csv: fetch it")
        fs_text = self.lines[0][0] if self.lines else ""
        if not _WHOLE_NUMBER.fullmatch(fs_text) or not MIN_FS_HZ <= int(fs_text) <= MAX_FS_HZ:
            raise RecordRejected("unknown_fs", self._no_fs(fs_text))
        return int(fs_text)

    def _no_fs(self, fs_text: str) -> str:
        rate = f"a whole number of {MIN_FS_HZ} to {MAX_FS_HZ} Hz"
        if self.lines:
            return f"train.csv gives fs {fs_text!r} for id {self.id}; expected {rate}: write its own there"
        return f"train.csv has no line for id {self.id}; expected one with its fs, {rate}: add it"


@dataclass(frozen=True)
class KaggleFolder:
    """A folder with train.csv (columns id, fs, optionally labels), and an archive or a folder of CSVs.

    If there are both an archive and an unpacked folder, the archive is used.
    """

    folder: Path
    kind: str = "kaggle"

    def fingerprint(self) -> str:
        """Hash of the table, and of the archive or each CSV.

        Raises:
            SourceError: one of them is missing.
        """
        self._require()
        archive = self.folder / ARCHIVE_NAME
        files = [archive] if archive.exists() else _csvs(self.folder / "train")
        named = [self.folder / TABLE_NAME, *files]
        return fingerprint({path.relative_to(self.folder).as_posix(): hash_of(path, self.folder) for path in named})

    @contextmanager
    def opened(self, scratch: Path, log: Log) -> Iterator[list[Listed]]:
        """Every record that the table lists or the folder holds, sorted by id; an archive is unpacked into `scratch`.

        Raises:
            SourceError: the folder, train.csv, or both CSVs and archive are missing, or train.csv lacks id or fs.
            ArchiveError: the archive is damaged or not safe.
        """
        self._require()
        archive, base, repeated = self.folder / ARCHIVE_NAME, self.folder, []
        if archive.exists():
            log(f"raw_csvs: unpacking {archive.name} ({archive.stat().st_size >> 10} KiB)")
            repeated, base = unpack(archive, scratch), scratch
        yield _list_records(self.folder / TABLE_NAME, base, repeated, log)

    def _require(self) -> None:
        folder = self.folder
        if not folder.is_dir():
            raise SourceError(
                f"the source {folder} is no folder; set what names it (ECG_SOURCE, `source` or, in a list, `path`) to "
                f"one that holds {TABLE_NAME} or WFDB headers (*.hea)"
            )
        for path in (folder / TABLE_NAME, folder / ARCHIVE_NAME, folder / "train"):
            if leads_out(path, folder):
                raise SourceError(
                    f"{path} is a link out of the source and was not followed; copy what it leads to there"
                )
        for path in (folder / TABLE_NAME, folder / ARCHIVE_NAME):
            other = what_else(path)
            if other is not None:
                raise SourceError(f"{path} is {other}, expected a file; put the competition's file there")
        if not is_regular(folder / TABLE_NAME):
            raise SourceError(
                f"{folder} has no {TABLE_NAME} (columns id, fs, sig_len); put the competition's table there"
            )
        if not is_regular(folder / ARCHIVE_NAME) and not (folder / "train").is_dir():
            raise SourceError(
                f"{folder} has neither {ARCHIVE_NAME} nor a folder train/ with <id>/<id>.csv; put one there"
            )


def _list_records(table_path: Path, base: Path, repeated: list[str], log: Log) -> list[Listed]:
    records: dict[str, ListedCsv] = {}
    train = base / "train" if (base / "train").is_dir() else base

    def record(record_id: str) -> ListedCsv:
        return records.setdefault(record_id, ListedCsv(record_id, base=train))

    for line in read_table(table_path, log):
        record(line.id).lines.append((line.fs, line.labels))
    for path in _csvs(train):
        record(plain_number(path.stem)).files.append(path)
    for name in repeated:
        path = base / name
        if path.suffix == ".csv":
            record(plain_number(path.stem)).files.append(path)
    return [records[record_id] for record_id in sorted(records)]


def _csvs(folder: Path) -> list[Path]:
    """All CSVs below a folder. Linked folders are not entered; pipes and devices are listed but never opened."""
    return sorted(path for path in folder.rglob("*.csv") if not path.is_dir())
