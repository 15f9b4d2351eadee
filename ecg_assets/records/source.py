"""A source of records: a folder with train.csv, and the CSVs packed (`train-csvs.tar.gz`) or unpacked (`train/`)."""

import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd

from ecg_assets.records.archive import unpack
from ecg_assets.store.fingerprint import fingerprint, sha256_file
from ecg_assets.store.stage import Log

ARCHIVE_NAME = "train-csvs.tar.gz"
TABLE_NAME = "train.csv"

_PLAIN_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")


class SourceError(ValueError):
    """A source cannot be read at all; the message names what is missing and what to set."""


@dataclass(frozen=True)
class Listed:
    """One record as the source lists it.

    Attributes:
        id: as written in train.csv or as the file's name.
        files: its CSVs; none when it is listed only, several when it is there more than once.
        fs_texts: its sampling rates as written in train.csv; none when it is not listed there.
    """

    id: str
    files: list[Path] = field(default_factory=list)
    fs_texts: list[str] = field(default_factory=list)

    @property
    def plain(self) -> bool:
        """Whether the id is a plain number or name, fit to be a file's name."""
        return bool(_PLAIN_ID.fullmatch(self.id))


def source_fingerprint(folder: Path) -> str:
    """Hash of all that a source holds: the table, and the archive or each CSV."""
    _require(folder)
    archive = folder / ARCHIVE_NAME
    files = [archive] if archive.exists() else sorted((folder / "train").rglob("*.csv"))
    hashes = {path.relative_to(folder).as_posix(): sha256_file(path) for path in [folder / TABLE_NAME, *files]}
    return fingerprint(hashes)


@contextmanager
def open_source(folder: Path, scratch: Path, log: Log) -> Iterator[list[Listed]]:
    """Yields every record that the source lists or holds, sorted by id; unpacks an archive into `scratch` first.

    `scratch` is removed at the end. An archive and an unpacked folder side by side: the archive is used.

    Raises:
        SourceError: the folder, train.csv, or both CSVs and archive are missing, or train.csv has no id and fs.
        ArchiveError: the archive is damaged or not safe.
    """
    _require(folder)
    shutil.rmtree(scratch, ignore_errors=True)  # of a run that was killed
    try:
        archive, base, repeated = folder / ARCHIVE_NAME, folder, []
        if archive.exists():
            log(f"raw_csvs: unpacking {archive.name} ({archive.stat().st_size >> 10} KiB)")
            repeated, base = unpack(archive, scratch), scratch
        yield _list_records(folder / TABLE_NAME, base, repeated)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def _require(folder: Path) -> None:
    if not folder.is_dir():
        raise SourceError(
            f"the source {folder} is no folder; set ECG_SOURCE (or `source`) to one that holds {TABLE_NAME}"
        )
    if not (folder / TABLE_NAME).is_file():
        raise SourceError(f"{folder} has no {TABLE_NAME} (columns id, fs, sig_len); put the competition's table there")
    if not (folder / ARCHIVE_NAME).is_file() and not (folder / "train").is_dir():
        raise SourceError(f"{folder} has neither {ARCHIVE_NAME} nor a folder train/ with <id>/<id>.csv; put one there")


def _list_records(table_path: Path, base: Path, repeated: list[str]) -> list[Listed]:
    records: dict[str, Listed] = {}
    for record_id, fs_text in _read_table(table_path):
        records.setdefault(record_id, Listed(record_id)).fs_texts.append(fs_text)
    train = base / "train" if (base / "train").is_dir() else base
    for path in sorted(train.rglob("*.csv")):
        records.setdefault(path.stem, Listed(path.stem)).files.append(path)
    for name in repeated:
        path = base / name
        if path.suffix == ".csv":
            records.setdefault(path.stem, Listed(path.stem)).files.append(path)
    return [records[record_id] for record_id in sorted(records)]


def _read_table(path: Path) -> list[tuple[str, str]]:
    try:
        table = pd.read_csv(path, dtype=str, keep_default_na=False, skipinitialspace=True)
    except (ValueError, UnicodeDecodeError) as error:
        raise SourceError(f"{path} cannot be read as a table ({error}); expected columns id, fs, sig_len") from error
    missing = [name for name in ("id", "fs") if name not in table.columns]
    if missing:
        raise SourceError(f"{path} lacks column {missing[0]!r}; it has {list(table.columns)}, expected id, fs, sig_len")
    return [(record_id.strip(), fs.strip()) for record_id, fs in zip(table["id"], table["fs"], strict=True)]
