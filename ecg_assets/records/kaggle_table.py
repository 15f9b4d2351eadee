"""The cells of a record's CSV as columns of numbers."""

import csv
import io
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.csv as pa_csv

from ecg_assets.records.rejection import RecordRejected

if TYPE_CHECKING:  # it takes 70 MB, which the code server need not have
    import pandas as pd

_EMPTY_CELLS = ["", "nan", "NaN"]
# What nearly all files are made of below their header. Anything else is for the reader that knows how to complain.
_PLAIN = b"0123456789.,-eE\r\n"

Columns = dict[str, npt.NDArray[np.float64]]


def columns_of(path: Path, text: str) -> Columns:
    """The columns by name, (rows,) float64 each, NaN in empty cells.

    Args:
        path: for messages.
        text: the whole file, header first.

    Raises:
        RecordRejected: rows of another length than the header's, or a cell that is no number; says where.
    """
    names = [name.strip() for name in next(csv.reader([text.partition("\n")[0].rstrip("\r")]))]
    plain = _plain_columns(text, names)
    return _any_columns(path, text, names) if plain is None else plain


def _plain_columns(text: str, names: list[str]) -> Columns | None:
    """Three times as fast as the careful way; None where there is anything to be careful with."""
    content = text.encode("utf-8")
    if content[content.find(b"\n") + 1 :].translate(None, _PLAIN):
        return None
    try:
        table = pa_csv.read_csv(
            pa.BufferReader(content),
            pa_csv.ReadOptions(use_threads=False, block_size=len(content) + 1, column_names=names, skip_rows=1),
            pa_csv.ParseOptions(ignore_empty_lines=False),
            pa_csv.ConvertOptions(column_types=dict.fromkeys(names, pa.float64()), null_values=[""]),
        )
    except pa.ArrowInvalid:
        return None
    return {name: table[name].to_numpy() for name in names}


def _any_columns(path: Path, text: str, names: list[str]) -> Columns:
    import pandas as pd

    lines = text.splitlines()
    commas = lines[0].count(",")
    for number, line in enumerate(lines, start=1):
        if line.count(",") != commas:
            raise RecordRejected(
                "unreadable",
                f"{path.name} line {number} has {line.count(',') + 1} cells, expected {commas + 1}: the file is "
                "damaged or cut off; fetch it again",
            )
    cells: dict[str, Any] = {
        "names": names,
        "skiprows": 1,
        "header": None,
        "skip_blank_lines": False,
        "keep_default_na": False,
    }
    try:
        table = pd.read_csv(io.StringIO(text), dtype=np.float64, na_values=_EMPTY_CELLS, **cells)
    except pd.errors.ParserError as error:
        raise RecordRejected(
            "unreadable", f"{path.name} cannot be read as a table ({_first_line(error)}); export it as a plain CSV"
        ) from error
    except ValueError as error:
        # Only now worth the time: read as text to tell which cell it was.
        raise _not_a_number(path, pd.read_csv(io.StringIO(text), dtype=str, **cells)) from error
    return {name: table[name].to_numpy(dtype=np.float64) for name in names}


def _first_line(error: Exception) -> str:
    return str(error).strip().partition("\n")[0]


def _not_a_number(path: Path, table: "pd.DataFrame") -> RecordRejected:
    import pandas as pd

    for lead in table.columns:
        cells = table[lead].str.strip()
        wrong = pd.to_numeric(cells, errors="coerce").isna() & ~cells.isin(_EMPTY_CELLS)
        for row in np.flatnonzero(wrong.to_numpy())[:1]:
            return RecordRejected(
                "not_a_number",
                f"{path.name} row {row + 2}, lead {lead}: {cells.iloc[row][:40]!r} is no number; expected millivolts "
                "or an empty cell",
            )
    return RecordRejected("unreadable", f"{path.name} cannot be read as a table of numbers; export it again")
