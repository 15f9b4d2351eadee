"""Writes WFDB recordings whose signals are known, as tests need them."""

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ecg_assets.records.record import LEADS

Signal = npt.NDArray[np.float64]


def sines_mv(fs_hz: float, seconds: float = 10.0, leads: int = len(LEADS)) -> Signal:
    """(leads, n) float64: lead k is a sine of 1 + k/4 Hz, 0.5 mV high, about (k - 5) / 10 mV, in whole microvolts."""
    time_s = np.arange(round(seconds * fs_hz)) / fs_hz
    return np.stack([np.round(0.5 * np.sin(2 * np.pi * (1 + k / 4) * time_s) + (k - 5) / 10, 3) for k in range(leads)])


def write_recording(
    folder: Path,
    name: str,
    signal: Signal,
    fs_hz: float = 500,
    leads: tuple[str, ...] = LEADS,
    units: str = "mV",
    gain: float = 1000.0,
    baseline: int = 0,
    **more: Any,
) -> Path:
    """Writes `signal` (leads, n), in `units`, as `<name>.hea` and `<name>.dat`; returns the header's path."""
    import wfdb

    folder.mkdir(parents=True, exist_ok=True)
    counts = len(leads)
    wfdb.wrsamp(
        name,
        fs=fs_hz,
        units=[units] * counts,
        sig_name=list(leads),
        p_signal=np.ascontiguousarray(signal.T),
        fmt=["16"] * counts,
        adc_gain=[gain] * counts,
        baseline=[baseline] * counts,
        write_dir=str(folder),
        **more,
    )
    return folder / f"{name}.hea"


def rewrite(path: Path, *changes: tuple[str, str]) -> None:
    """Replaces text in a header."""
    text = path.read_text("utf-8")
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    path.write_text(text, "utf-8")
