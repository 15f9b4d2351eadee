"""One record's CSV as the competition writes it: a header of 12 leads, millivolts, empty cells."""

import csv
import difflib
import io
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.csv as pa_csv

from ecg_assets.records.kaggle_table import columns_of
from ecg_assets.records.record import LEADS, Record
from ecg_assets.records.rejection import RecordRejected

MAX_ABS_MV = 20.0
SECONDS = 10
DECIMALS = 3

_ALIKE = 0.8  # a lead's name of three letters with one too many
# 10 s of 12 leads at 2000 Hz are 5 MB.
_MOST_BYTES = 64 << 20
_SHOWN = 8


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
