"""A digitised record as a CSV in the competition's shape: twelve leads in mV, cells empty outside what is printed."""

import io
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from ecg_assets.records.record import LEADS
from ecg_assets.store.atomic import write_bytes
from ecg_assets.store.plain_file import read_plain

SECONDS = 10
# The competition writes 3. Of 120 real records, rounding to 3 leaves the flattest lead 40 dB and the worst record 50,
# which takes 0.43 and 0.05 dB off a reading of 30 dB; 4 leaves them 60 and 70 dB, and takes less than 0.005 dB.
DECIMALS = 4

Signal = npt.NDArray[np.float32]


class SignalsError(ValueError):
    """A CSV of signals cannot be used; the message names the file, the column and what was expected."""


def signals_csv(signal_mv: npt.NDArray[np.floating], fs_hz: int, windows: Mapping[str, slice] | None = None) -> bytes:
    """The file's bytes: a header I to V6 and 10 * fs_hz rows.

    Args:
        signal_mv: (12, 10 * fs_hz) mV, leads in the order of `LEADS`; what is not finite becomes an empty cell.
        fs_hz: sampling rate.
        windows: by lead, the rows in which it is printed; cells outside are empty, those of a lead that is not named
            too. None: every finite value is written.

    Raises:
        SignalsError: the signal has another shape.
    """
    expected = (len(LEADS), SECONDS * fs_hz)
    if signal_mv.shape != expected:
        raise SignalsError(
            f"the signal has shape {signal_mv.shape}, expected {expected}: 12 leads of 10 s at {fs_hz} Hz"
        )
    cells = [_cells(values, windows.get(lead, slice(0)) if windows is not None else slice(None))
             for lead, values in zip(LEADS, signal_mv, strict=True)]  # fmt: skip
    lines = [",".join(LEADS), *(",".join(row) for row in zip(*cells, strict=True))]
    return ("\n".join(lines) + "\n").encode("ascii")


def write_signals(
    path: Path, signal_mv: npt.NDArray[np.floating], fs_hz: int, windows: Mapping[str, slice] | None = None
) -> None:
    """Writes `signals_csv` atomically; arguments and errors are those of it."""
    write_bytes(path, signals_csv(signal_mv, fs_hz, windows))


def read_signals(path: Path) -> tuple[Signal, int]:
    """Reads such a CSV, of this program or of the competition.

    Returns:
        (12, n) float32 mV, leads in the order of `LEADS`, NaN in empty cells; and the sampling rate n / 10 in Hz.

    Raises:
        SignalsError: it is missing or no table of twelve leads, a cell is no number, or it does not last 10 s.
    """
    table = _table(path)
    missing = [lead for lead in LEADS if lead not in table.columns]
    extra = [str(name) for name in table.columns if name not in LEADS]
    if missing or extra:
        raise SignalsError(
            f"{path} has the wrong columns: missing are {', '.join(missing) or 'none'}, unknown are "
            f"{', '.join(extra)[:200] or 'none'}; expected {','.join(LEADS)}"
        )
    if not len(table) or len(table) % SECONDS:
        raise SignalsError(f"{path} has {len(table)} rows, expected 10 s: ten times a sampling rate in whole Hz")
    signal_mv = np.stack([_numbers(path, table, lead) for lead in LEADS])
    return signal_mv.astype(np.float32), len(table) // SECONDS


def _cells(values_mv: npt.NDArray[np.floating], window: slice) -> list[str]:
    shown = np.zeros(len(values_mv), dtype=np.bool_)
    shown[window] = True
    # Adding 0.0 turns -0.0 into 0.0, which would be written "-0.0000".
    rounded = np.round(values_mv.astype(np.float64), DECIMALS) + 0.0
    finite = np.isfinite(rounded) & shown
    return [f"{value:.{DECIMALS}f}" if is_shown else "" for value, is_shown in zip(rounded, finite, strict=True)]


def _table(path: Path) -> pd.DataFrame:
    try:
        text = read_plain(path).decode("utf-8-sig")
        table = pd.read_csv(io.StringIO(text), index_col=False, skip_blank_lines=False, skipinitialspace=True)
    except FileNotFoundError as error:
        raise SignalsError(f"{path} is not there") from error
    except (OSError, UnicodeDecodeError, ValueError) as error:
        raise SignalsError(f"{path} is no table of signals ({error}); expected a header {','.join(LEADS)}") from error
    lines, commas = len(text.splitlines()), text.partition("\n")[0].count(",")
    # pandas fills up a line that is cut off, and drops a cell too many.
    if text.count(",") != lines * commas:
        raise SignalsError(f"{path} has lines with more or fewer than {commas + 1} cells: it is damaged or cut off")
    return table


def _numbers(path: Path, table: pd.DataFrame, lead: str) -> npt.NDArray[np.float64]:
    column = table[lead]
    numbers = pd.to_numeric(column, errors="coerce").to_numpy(dtype=np.float64)
    wrong = np.flatnonzero(
        (np.isnan(numbers) & column.notna().to_numpy()) | (np.abs(numbers) > np.finfo(np.float32).max)
    )
    if len(wrong):
        row = int(wrong[0])
        found = str(column.iloc[row])[:40]
        raise SignalsError(
            f"{path}, column {lead}, line {row + 2}: {found!r} is no number; expected mV or an empty cell"
        )
    return numbers
