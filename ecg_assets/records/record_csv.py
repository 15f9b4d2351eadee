"""Reads and writes a record's CSV in (nearly) the competition's format: header of 12 leads, millivolts, empty cells."""

import codecs
import io
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.csv as pa_csv

from ecg_assets.records.csv_cells import read_cells
from ecg_assets.records.csv_header import CsvHeader, read_csv_header
from ecg_assets.records.notes import Note
from ecg_assets.records.record import LEADS, SAMPLING_RATES_HZ, Record
from ecg_assets.records.rejection import RecordRejected
from ecg_assets.store.regular_files import is_regular, what_else

MAX_ABS_MV = 20.0
SECONDS = 10
DECIMALS = 3
# Published records of "10 s" may last, for example, 9.98 s. Rates that could be confused differ by 2.4 %.
LACKING_S = 0.1

# 10 s of 12 leads at 2000 Hz are 5 MB.
_MOST_BYTES = 64 << 20
_CHUNK_BYTES = 1 << 20
_BOM = codecs.BOM_UTF8
_MINUS_SIGN = "\u2212".encode()


@dataclass(frozen=True)
class CsvReading:
    """The content of a CSV.

    Attributes:
        record: the record.
        cells_mv: (12, n) float64, the values as in the file.
        notes: deviations of the file from the competition's format; empty for nearly all.
    """

    record: Record
    cells_mv: npt.NDArray[np.float64]
    notes: tuple[Note, ...]

    @property
    def csv(self) -> bytes:
        """The record in the competition's format, with all decimals."""
        return _csv(self.cells_mv + 0.0)


def read_record(path: Path, record_id: str, fs_hz: int) -> Record:
    """Reads the record only, see `read_csv`.

    Raises:
        RecordRejected: with a code and a reason that a person can act on.
    """
    return read_csv(path, record_id, fs_hz).record


def read_csv(path: Path, record_id: str, fs_hz: int) -> CsvReading:
    """Reads and validates one CSV, in memory of a few times its size.

    Usual deviations are accepted: leads in any order and by any usual name, `;`, tabs or `|` between cells, decimal
    commas, empty lines at the end, a column that counts the rows, up to 0.1 s too few rows (left empty) or too many.

    Args:
        path: the file.
        record_id: the record's id.
        fs_hz: its sampling rate, from train.csv.

    Raises:
        RecordRejected: with a code and a reason that a person can act on.
    """
    content, notes = _lines(path)
    first_line, line, body = _parts(content)
    del content
    header = read_csv_header(path, line)
    rows = body.count(b"\n") + 1 if body else 0
    if rows > (SECONDS + LACKING_S) * fs_hz:  # rejected at once, because the file may be large
        raise _wrong_length(path, rows, fs_hz)
    names = _column_names(header)
    cells = read_cells(path, body, header, first_line, names)
    notes += [*_separated(path, header, cells.decimal_commas), *_counted(path, header, cells.values)]
    if rows < (SECONDS - LACKING_S) * fs_hz:
        raise _wrong_length(path, rows, fs_hz)
    values = cells.values[:, header.places].T
    for lead, numbers in zip(LEADS, values, strict=True):
        _check(path, lead, numbers, first_line)
    signs = np.array(header.signs, dtype=np.float64)[:, None]
    signal_mv = _ten_seconds(values * signs if (signs < 0).any() else values, fs_hz)
    notes += [*header.notes, *_length_notes(path, values.shape[1], fs_hz)]
    return CsvReading(Record(record_id, fs_hz, signal_mv.astype(np.float32)), signal_mv, tuple(notes))


def csv_of(signal_mv: npt.NDArray[np.float64]) -> bytes:
    """The CSV of a full signal, with the competition's 3 decimals: rounding moves a value by at most 0.5 uV.

    That is below the step of usual recorders, and 0.04 px on a page of 200 dpi at 10 mm/mV.

    Args:
        signal_mv: (12, n) float64 in the order of `LEADS`, millivolts; NaN becomes an empty cell.
    """
    # Adding 0.0 turns -0.0 into 0.0, which would be written "-0".
    return _csv(np.round(signal_mv, DECIMALS) + 0.0)


def _csv(signal_mv: npt.NDArray[np.float64]) -> bytes:
    cells = [pa.array(values, from_pandas=True) for values in signal_mv]
    target = io.BytesIO((",".join(LEADS) + "\n").encode("ascii"))
    target.seek(0, io.SEEK_END)
    pa_csv.write_csv(pa.table(dict(zip(LEADS, cells, strict=True))), target, pa_csv.WriteOptions(include_header=False))
    return target.getvalue()


def _lines(path: Path) -> tuple[bytes, list[Note]]:
    """The file's bytes, checked as UTF-8, without byte order mark and trailing empty lines."""
    if not is_regular(path):
        raise RecordRejected("missing_file", f"{path.name} is {what_else(path) or 'not there'}: put a file there")
    size = path.stat().st_size
    if size > _MOST_BYTES:
        raise RecordRejected(
            "unreadable",
            f"{path.name} has {size >> 20} MiB, more than {_MOST_BYTES >> 20}; expected 10 s of 12 leads: is it a CSV?",
        )
    content = path.read_bytes()
    _check_text(path, content)
    content = content.removeprefix(_BOM)
    whole = content.rstrip(b"\r\n ")
    if not whole.strip():
        raise RecordRejected(
            "unreadable", f"{path.name} is empty; expected a header of 12 leads and rows; fetch it again"
        )
    notes = []
    if content.count(b"\n", len(whole)) > 1:
        notes.append(Note("odd_table", f"{path.name} has empty lines at its end; they are left out"))
    if _MINUS_SIGN in whole:
        notes.append(Note("odd_table", f"{path.name} has minus signs of typesetters; they are read as minus"))
        whole = whole.replace(_MINUS_SIGN, b"-")
    return whole, notes


def _check_text(path: Path, content: bytes) -> None:
    decoder = codecs.getincrementaldecoder("utf-8")()
    for start in range(0, 0 if content.isascii() else len(content), _CHUNK_BYTES):
        chunk = content[start : start + _CHUNK_BYTES]
        held = len(decoder.getstate()[0])
        try:
            decoder.decode(chunk, final=start + _CHUNK_BYTES >= len(content))
        except UnicodeDecodeError as error:
            place = start - held + error.start
            raise RecordRejected(
                "unreadable",
                f"{path.name} is not text: byte {content[place]:#04x} at position {place} is no UTF-8; export it again "
                "as a plain CSV",
            ) from error
    if b"\x00" in content:
        place = content.index(b"\x00")
        raise RecordRejected(
            "unreadable", f"{path.name} holds NUL bytes at position {place}; export it again as a plain CSV"
        )


def _parts(content: bytes) -> tuple[int, bytes, bytes]:
    """Number of the first line below the header, the header, and the rest."""
    start, number = 0, 2
    while True:
        end = content.find(b"\n", start)
        end = len(content) if end < 0 else end
        line = content[start:end].strip(b"\r ")
        # Excel may write the separator in a first line.
        if (line and not line.lower().startswith(b"sep=")) or end == len(content):
            return number, line, content[end + 1 :]
        start, number = end + 1, number + 1


def _column_names(header: CsvHeader) -> tuple[str, ...]:
    """For messages."""
    named = dict(zip(header.places, LEADS, strict=True)) | {
        place: repr(name) for place, name in header.counters.items()
    }
    return tuple(named[place] for place in range(header.columns))


def _wrong_length(path: Path, rows: int, fs_hz: int) -> RecordRejected:
    meant = rows // SECONDS if rows % SECONDS == 0 and rows // SECONDS in SAMPLING_RATES_HZ else None
    advice = f"if it is a record of {meant} Hz, correct its fs in train.csv" if meant else "export all 10 s of it again"
    said = f"{path.name} has {rows} rows, expected {SECONDS * fs_hz} ({SECONDS} s at {fs_hz} Hz)"
    return RecordRejected("wrong_length", f"{said}: {advice}")


def _ten_seconds(values: npt.NDArray[np.float64], fs_hz: int) -> npt.NDArray[np.float64]:
    count = SECONDS * fs_hz
    lacking = max(0, count - values.shape[1])
    return np.pad(values[:, :count], ((0, 0), (0, lacking)), constant_values=np.nan) if lacking else values[:, :count]


def _length_notes(path: Path, rows: int, fs_hz: int) -> list[Note]:
    expected = SECONDS * fs_hz
    if rows == expected:
        return []
    rest = f"the last {expected - rows} stay empty" if rows < expected else f"the last {rows - expected} are left out"
    return [Note("odd_length", f"{path.name} has {rows} rows for {expected} of 10 s; {rest}")]


def _separated(path: Path, header: CsvHeader, decimal_commas: bool) -> list[Note]:
    between = {",": "", ";": "semicolons", "\t": "tabs", "|": "bars"}[header.separator]
    told = [*([f"{between} between its cells"] if between else []), *(["decimal commas"] if decimal_commas else [])]
    return [Note("odd_table", f"{path.name} has {' and '.join(told)}; they are read as meant")] if told else []


def _counted(path: Path, header: CsvHeader, values: npt.NDArray[np.float64]) -> list[Note]:
    """Removes columns that count rows or time.

    Raises:
        RecordRejected: a column of that name holds something else.
    """
    notes = []
    for place, name in header.counters.items():
        column = values[:, place]
        if not (np.isnan(column).all() or (np.diff(column) > 0).all()):
            raise RecordRejected("extra_lead", f"{path.name} has a column {name!r}, which is no lead: remove it")
        notes.append(Note("odd_table", f"{path.name} has a column {name!r} beside the leads; it is left out"))
    return notes


def _check(path: Path, lead: str, values: npt.NDArray[np.float64], first_line: int) -> None:
    rows = np.flatnonzero(~np.isnan(values))
    if not len(rows):
        raise RecordRejected(
            "no_number",
            f"{path.name}: lead {lead} holds no number at all; expected at least its printed window: export it again",
        )
    _check_range(path, lead, rows + first_line, values[rows])


def _check_range(path: Path, lead: str, rows: npt.NDArray[np.int64], numbers: npt.NDArray[np.float64]) -> None:
    for row in rows[np.isinf(numbers)][:1]:
        raise RecordRejected(
            "infinite_value",
            f"{path.name} row {row}, lead {lead}: the value is infinite; expected millivolts: correct it",
        )
    absurd = np.abs(numbers) > MAX_ABS_MV
    if absurd.any():
        worst = int(np.argmax(np.abs(numbers)))
        raise RecordRejected(
            "absurd_value",
            f"{path.name} row {rows[worst]}, lead {lead}: {numbers[worst]:g} is beyond ±{MAX_ABS_MV:g} mV; are "
            "these microvolts? convert to millivolts",
        )
