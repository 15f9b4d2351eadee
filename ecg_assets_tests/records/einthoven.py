"""Signals whose limb leads fit together, as tests need them."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ecg_assets.records.record_csv import csv_of

Signal = npt.NDArray[np.float64]


def beats_mv(fs_hz: float, seconds: float = 10.0) -> Signal:
    """(12, n) float64, whole microvolts: limb leads by Einthoven and Goldberger, chest leads 0.1 to 0.6 of lead II."""
    time_s = np.arange(round(seconds * fs_hz)) / fs_hz
    one = 0.8 * np.exp(-(((time_s % 0.8) - 0.40) ** 2) / 0.0008) + 0.1 * np.sin(2 * np.pi * time_s)
    three = 0.5 * np.exp(-(((time_s % 0.8) - 0.43) ** 2) / 0.0012) - 0.2 * np.exp(
        -(((time_s % 0.8) - 0.6) ** 2) / 0.004
    )
    two = one + three
    limbs = [one, two, three, -(one + two) / 2, (one - three) / 2, (two + three) / 2]
    signal_mv = np.stack([*limbs, *(0.1 * k * two for k in range(1, 7))])
    return np.round(signal_mv, 3).astype(np.float64)


def write_source(folder: Path, ids: Sequence[str], fs_hz: int = 250) -> Path:
    """A folder in the competition's shape, each of whose records is `beats_mv`."""
    for record_id in ids:
        path = folder / "train" / record_id / f"{record_id}.csv"
        path.parent.mkdir(parents=True)
        path.write_bytes(csv_of(beats_mv(fs_hz)))
    lines = [f"{record_id},{fs_hz},{10 * fs_hz}" for record_id in ids]
    (folder / "train.csv").write_text("\n".join(["id,fs,sig_len", *lines, ""]))
    return folder
