"""Writes and reads a digitised record as CSV in the competition's format: twelve leads in mV, unprinted cells empty."""

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
# The competition writes 3 decimals. In 120 real records, rounding to 3 leaves 40 dB for the flattest lead and 50 dB for
# the worst record, which costs a reading of 30 dB 0.43 and 0.05 dB; 4 leaves 60 and 70 dB and costs under 0.005 dB.
DECIMALS = 4

Signal = npt.NDArray[np.float32]


class SignalsError(ValueError):
    """A CSV of signals cannot be used; the message names the file, the column and what was expected."""


def signals_csv(signal_mv: npt.NDArray[np.floating], fs_hz: int, windows: Mapping[str, slice] | None = None) -> bytes:
    """The file's bytes: a header I to V6 and 10 * fs_hz rows.

    Args:
        signal_mv: (12, 10 * fs_hz) mV, leads in the order of `LEADS`; values that are not finite become empty cells.
        fs_hz: sampling rate.
        windows: by lead, the rows in which it is printed; cells outside them are empty, as are leads without a window.
            None: every finite value is written.

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
    """Writes `signals_csv` atomically; same arguments and errors."""
    write_bytes(path, signals_csv(signal_mv, fs_hz, windows))


def read_signals(path: Path) -> tuple[Signal, int]:
    """Reads such a CSV, written by this program or the competition.

    Returns:
        (12, n) float32 mV, leads in the order of `LEADS`, NaN in empty cells; and the sampling rate n / 10 in Hz.

    Raises:
        SignalsError: it is missing or not a table of twelve leads, a cell is not a number, or it does not last 10 s.
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
    # pandas pads a truncated line and drops surplus cells.
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
