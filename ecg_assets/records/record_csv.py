"""One record's CSV as the competition writes it: a header of 12 leads, millivolts, empty cells."""

import csv
import difflib
import io
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.csv as pa_csv

from ecg_assets.records.record import LEADS, Record
from ecg_assets.records.rejection import RecordRejected

if TYPE_CHECKING:
    import pandas as pd

MAX_ABS_MV = 20.0
SECONDS = 10
DECIMALS = 3

_ALIKE = 0.8  # a lead's name of three letters with one too many
# 10 s of 12 leads at 2000 Hz are 5 MB.
_MOST_BYTES = 64 << 20
_SHOWN = 8

_EMPTY_CELLS = ["", "nan", "NaN"]
# What nearly all files are made of below their header. Anything else is for the reader that knows how to complain.
_PLAIN = b"0123456789.,-eE\r\n"
Columns = dict[str, npt.NDArray[np.float64]]


def read_record(path: Path, record_id: str, fs_hz: int) -> Record:
    """Reads and validates one CSV.

    Args:
        path: the file; its header names the 12 leads in any order.
        record_id: the record's id.
        fs_hz: its sampling rate, from train.csv.

    Raises:
        RecordRejected: with a code and a reason that a person can act on.
    """
    text = _read_text(path)
    _check_header(path, text.partition("\n")[0].rstrip("\r"))
    columns = columns_of(path, text)
    rows, expected = len(columns[LEADS[0]]), SECONDS * fs_hz
    if rows != expected:
        raise RecordRejected(
            "wrong_length",
            f"{path.name} has {rows} rows, expected {expected} ({SECONDS} s at {fs_hz} Hz): correct fs in "
            "train.csv or export the whole record",
        )
    signal_mv = np.stack([_checked(path, lead, columns[lead]) for lead in LEADS])
    return Record(id=record_id, fs_hz=fs_hz, signal_mv=signal_mv.astype(np.float32))


def csv_of(signal_mv: npt.NDArray[np.float64]) -> bytes:
    """The CSV of a full signal, with the competition's 3 decimals: rounding moves a value by at most 0.5 uV.

    That is below the step of usual recorders, and 0.04 px on a page of 200 dpi at 10 mm/mV.

    Args:
        signal_mv: (12, n) float64 in the order of `LEADS`, millivolts, no NaN.
    """
    # Adding 0.0 turns -0.0 into 0.0, which would be written "-0".
    cells = np.round(signal_mv, DECIMALS) + 0.0
    target = io.BytesIO((",".join(LEADS) + "\n").encode("ascii"))
    target.seek(0, io.SEEK_END)
    pa_csv.write_csv(pa.table(dict(zip(LEADS, cells, strict=True))), target, pa_csv.WriteOptions(include_header=False))
    return target.getvalue()


def _read_text(path: Path) -> str:
    size = path.stat().st_size
    if size > _MOST_BYTES:
        raise RecordRejected(
            "unreadable",
            f"{path.name} has {size >> 20} MiB, more than {_MOST_BYTES >> 20}; expected 10 s of 12 leads: is it a CSV?",
        )
    content = path.read_bytes()
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise RecordRejected(
            "unreadable",
            f"{path.name} is not text: byte {content[error.start]:#04x} at position {error.start} is no UTF-8; export "
            "it again as a plain CSV",
        ) from error
    if "\x00" in text:
        raise RecordRejected(
            "unreadable",
            f"{path.name} holds NUL bytes at position {text.index(chr(0))}; export it again as a plain CSV",
        )
    if not text.strip():
        raise RecordRejected(
            "unreadable", f"{path.name} is empty; expected a header of 12 leads and rows; fetch it again"
        )
    return text


def _check_header(path: Path, line: str) -> None:
    try:
        names = [name.strip() for name in next(csv.reader([line], strict=True), [])]
    except csv.Error as error:
        raise RecordRejected(
            "unreadable", f"{path.name} has a first line that is no header ({error}); export it again as a plain CSV"
        ) from error
    missing = [lead for lead in LEADS if lead not in names]
    extra = [name for name in names if name not in LEADS]
    repeated = sorted({name for name in names if name in LEADS and names.count(name) > 1})
    if repeated:
        raise RecordRejected("extra_lead", f"{path.name} has lead {repeated[0]} twice; keep one column a lead")
    misspelt = _misspelt(missing, extra)
    if misspelt:
        found, meant = misspelt
        raise RecordRejected("misspelt_lead", f"{path.name} has a column {found!r}, expected {meant!r}: rename it")
    if missing:
        raise RecordRejected(
            "missing_lead",
            f"{path.name} lacks {', '.join(missing)}; expected all of {', '.join(LEADS)}: export all leads",
        )
    if extra:
        raise RecordRejected("extra_lead", f"{path.name} has columns {extra[:_SHOWN]}, which are no leads: remove them")


def _misspelt(missing: list[str], extra: list[str]) -> tuple[str, str] | None:
    """The first unknown column that is a missing lead in other letters, with the lead that was meant."""
    for found in extra:
        for meant in missing:
            squeezed = found.lower().replace(" ", "").replace("_", "").replace("-", "").removeprefix("lead")
            alike = difflib.SequenceMatcher(None, squeezed, meant.lower()).ratio() >= _ALIKE
            if sorted(squeezed) == sorted(meant.lower()) or (len(meant) > 1 and alike):
                return found, meant
    return None


def _checked(path: Path, lead: str, values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    rows = np.flatnonzero(~np.isnan(values))
    if not len(rows):
        raise RecordRejected(
            "no_number", f"{path.name}: lead {lead} holds no number at all; expected at least its printed window"
        )
    _check_range(path, lead, rows, values[rows])
    return values


def _check_range(path: Path, lead: str, rows: npt.NDArray[np.int64], numbers: npt.NDArray[np.float64]) -> None:
    for row in rows[np.isinf(numbers)][:1]:
        raise RecordRejected(
            "infinite_value", f"{path.name} row {row + 2}, lead {lead}: the value is infinite; expected millivolts"
        )
    absurd = np.abs(numbers) > MAX_ABS_MV
    if absurd.any():
        worst = int(np.argmax(np.abs(numbers)))
        raise RecordRejected(
            "absurd_value",
            f"{path.name} row {rows[worst] + 2}, lead {lead}: {numbers[worst]:g} is beyond ±{MAX_ABS_MV:g} mV; are "
            "these microvolts? convert to millivolts",
        )


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
