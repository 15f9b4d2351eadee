"""Reads train.csv: each record's id, sampling rate, and optional labels."""

import csv
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from ecg_assets.records.csv_header import SEPARATORS
from ecg_assets.records.sources.base import SourceError
from ecg_assets.store.log import Log

_MOST_BYTES = 256 << 20
_SHOWN = 8
_WHOLE = re.compile(r"([0-9]{1,20})[.,]0*", re.ASCII)
_RATE = re.compile(r"([0-9]{1,9})(?:[.,]0*)?(?:\s*hz)?", re.ASCII | re.IGNORECASE)


@dataclass(frozen=True)
class Line:
    """One line of train.csv.

    Attributes:
        id, fs, labels: as written, except that integers written with decimals ("250.0") lose them.
    """

    id: str
    fs: str
    labels: str


@dataclass
class _Oddities:
    """Deviations that were corrected: how often, and the first case."""

    path: Path
    seen: dict[str, list[str]] = field(default_factory=dict)

    def note(self, kind: str, case: str) -> None:
        cases = self.seen.setdefault(kind, [case, "0"])
        cases[1] = str(int(cases[1]) + 1)

    def tell(self, log: Log) -> None:
        for kind, (case, count) in self.seen.items():
            log(f"raw_csvs: {self.path}: {kind} ({count} times, first {case}); read as meant")


def plain_number(text: str) -> str:
    """An integer that a spreadsheet wrote with decimals ("123.0") without them; any other text unchanged."""
    found = _WHOLE.fullmatch(text)
    return found.group(1) if found else text


def read_table(path: Path, log: Log) -> Iterator[Line]:
    """Every line once; each kind of corrected deviation is reported once.

    Raises:
        SourceError: it cannot be read as a table with columns id and fs.
    """
    if path.stat().st_size > _MOST_BYTES:
        raise SourceError(
            f"{path} has {path.stat().st_size >> 20} MiB, more than {_MOST_BYTES >> 20}; expected a line a record with "
            "columns id, fs, sig_len: is it the right file?"
        )
    odd = _Oddities(path)
    seen: dict[str, set[Line]] = {}
    try:
        with path.open(encoding="utf-8-sig", newline="") as handle:
            for line in _lines(path, handle, odd):
                same = seen.setdefault(line.id, set())
                if line in same:
                    odd.note("the same line again", f"id {line.id[:40]!r}")
                else:
                    same.add(line)
                    yield line
    except (csv.Error, UnicodeDecodeError) as error:
        raise SourceError(
            f"{path} cannot be read as a table ({error}); expected columns id, fs, sig_len: export it again as a plain "
            "CSV in UTF-8"
        ) from error
    odd.tell(log)


def _lines(path: Path, handle: Iterable[str], odd: _Oddities) -> Iterator[Line]:
    lines = iter(handle)
    first = next((line for line in lines if line.strip() and not line.lower().startswith("sep=")), "")
    separator = max(SEPARATORS, key=first.count)
    if separator != ",":
        odd.note(f"{separator!r} between cells", "the header")
    header = [cell.strip() for cell in next(csv.reader([first], skipinitialspace=True, delimiter=separator), [])]
    places = _places(path, header)
    for number, cells in enumerate(csv.reader(lines, skipinitialspace=True, strict=True, delimiter=separator), start=2):
        if any(cells[len(header) :]):
            raise SourceError(
                f"{path} cannot be read as a table (row {number} has {len(cells)} cells, expected {len(header)}): put "
                "texts with commas into quotes"
            )
        if cells:
            yield _line([cells[place].strip() if place < len(cells) else "" for place in places], odd)


def _places(path: Path, header: list[str]) -> list[int]:
    """Columns of id, fs and labels; an index beyond the last column for a missing one."""
    names = [name.casefold() for name in header]
    missing = [name for name in ("id", "fs") if name not in names]
    if missing:
        raise SourceError(
            f"{path} lacks column {missing[0]!r}; it has {header[:_SHOWN]}, expected id, fs, sig_len: write these "
            "names into its first line"
        )
    return [names.index(name) if name in names else 1 << 30 for name in ("id", "fs", "labels")]


def _line(cells: list[str], odd: _Oddities) -> Line:
    record_id, fs, labels = cells
    plain_id, rate = plain_number(record_id), _RATE.fullmatch(fs)
    plain_fs = rate.group(1) if rate else fs
    if plain_id != record_id:
        odd.note("ids with decimals", repr(record_id))
    if plain_fs != fs:
        odd.note("fs with decimals or a unit", repr(fs))
    return Line(plain_id, plain_fs, labels)
