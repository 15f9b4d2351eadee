"""Reads the rows of a record's CSV below its header as numbers."""

import csv
import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.csv as pa_csv

from ecg_assets.records.csv_header import CsvHeader
from ecg_assets.records.rejection import RecordRejected

# The characters of nearly all files below their header. Files with others are read line by line, with exact errors.
_PLAIN = b"0123456789.,-eE\r\n"
_NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?", re.ASCII)
_INFINITE = re.compile(r"[+-]?inf(?:inity)?", re.ASCII | re.IGNORECASE)
_DECIMAL_COMMA = re.compile(r"[+-]?\d*,\d+(?:[eE][+-]?\d+)?", re.ASCII)
_EMPTY_CELLS = {"", "nan", "na", "n/a", "null", "none"}
_MOST_LINE_BYTES = 1 << 16
_SHOWN = 40


@dataclass(frozen=True)
class Cells:
    """The numbers of a table.

    Attributes:
        values: (rows, columns) float64, NaN in empty cells.
        decimal_commas: some cells have a comma where others have a point.
    """

    values: npt.NDArray[np.float64]
    decimal_commas: bool


def read_cells(path: Path, body: bytes, header: CsvHeader, first_line: int, names: tuple[str, ...]) -> Cells:
    """Reads all rows.

    Args:
        path: for messages.
        body: the file's bytes below its header, without empty lines at the end.
        header: of the table.
        first_line: the number of the body's first line in the file, from 1.
        names: of the columns, for messages.

    Raises:
        RecordRejected: rows of another length than the header's, or a cell that is not a number; it says where.
    """
    plain = plain_cells(body, header.columns) if header.separator == "," else None
    return Cells(plain, False) if plain is not None else any_cells(path, body, header, first_line, names)


def plain_cells(body: bytes, columns: int) -> npt.NDArray[np.float64] | None:
    """(rows, columns); ten times faster than `any_cells`; None if the body has other characters."""
    if not body or body.translate(None, _PLAIN) or b"\n\n" in body or b"\n\r" in body or body[:1] in b"\r\n":
        return None
    names = [str(number) for number in range(columns)]
    try:
        table = pa_csv.read_csv(
            pa.BufferReader(body),
            pa_csv.ReadOptions(use_threads=False, block_size=len(body) + 1, column_names=names),
            pa_csv.ParseOptions(ignore_empty_lines=False),
            pa_csv.ConvertOptions(column_types=dict.fromkeys(names, pa.float64()), null_values=[""]),
        )
    except pa.ArrowInvalid:
        return None
    return np.stack([table[name].to_numpy() for name in names], axis=1)


def any_cells(path: Path, body: bytes, header: CsvHeader, first_line: int, names: tuple[str, ...]) -> Cells:
    """Reads any body line by line, with memory for little more than the numbers."""
    lines = body.split(b"\n") if body else []
    values = np.empty((len(lines), header.columns))
    commas = False
    for row, line in enumerate(lines):
        cells = _split(path, line, header, first_line + row)
        for place, cell in enumerate(cells):
            value, comma = _number(cell.strip())
            if value is None:
                raise RecordRejected(
                    "not_a_number",
                    f"{path.name} row {first_line + row}, lead {names[place]}: {cell.strip()[:_SHOWN]!r} is no number; "
                    "expected millivolts or an empty cell: correct it",
                )
            values[row, place] = value
            commas |= comma
    return Cells(values, commas)


def _split(path: Path, line: bytes, header: CsvHeader, number: int) -> list[str]:
    if len(line) > _MOST_LINE_BYTES:
        raise RecordRejected(
            "unreadable",
            f"{path.name} line {number} has {len(line) >> 10} KiB, expected {header.columns} cells: export it again as "
            "a plain CSV",
        )
    text = line.decode("utf-8").rstrip("\r")
    cells = text.split(header.separator)
    if '"' in text:
        try:
            cells = next(csv.reader([text], strict=True, delimiter=header.separator), [])
        except csv.Error as error:
            raise RecordRejected(
                "unreadable",
                f"{path.name} line {number} cannot be read as cells ({error}); export it as a plain CSV",
            ) from error
    if len(cells) != header.columns:
        found = f"has {len(cells)} cells" if text.strip() else "is empty"
        raise RecordRejected(
            "unreadable",
            f"{path.name} line {number} {found}, expected {header.columns}: the file is damaged or cut off; fetch it "
            "again",
        )
    return cells


def _number(cell: str) -> tuple[float | None, bool]:
    """A cell's number, NaN for an empty one, None for anything else; and whether it has a decimal comma."""
    if _NUMBER.fullmatch(cell):
        return float(cell), False
    if _DECIMAL_COMMA.fullmatch(cell):
        return float(cell.replace(",", ".")), True
    if cell.casefold() in _EMPTY_CELLS:
        return np.nan, False
    return (float(cell), False) if _INFINITE.fullmatch(cell) else (None, False)
