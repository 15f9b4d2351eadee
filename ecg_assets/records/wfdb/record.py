"""Reads 10 s of a 12-lead WFDB recording in millivolts, or says why not."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ecg_assets.records.record import LEADS, MAX_FS_HZ
from ecg_assets.records.record_csv import MAX_ABS_MV, SECONDS
from ecg_assets.records.rejection import RecordRejected
from ecg_assets.records.resampling import resample_fft
from ecg_assets.records.wfdb.header import check_fs, lead_places, mv_per_unit, read_header, say

# A rate that is no whole number, or beyond what is kept, is resampled to the lower of these up to 1000 Hz.
RESAMPLED_HZ = (500, 1000)

Signal = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Window:
    """Which part of a recording is read, and how strictly.

    Attributes:
        start_s: where the 10 s begin.
        checksums: a recording that is read as a whole must match the checksums of its header.
    """

    start_s: float = 0.0
    checksums: bool = True


def read_recording(header_path: Path, window: Window) -> tuple[int, Signal]:
    """Sampling rate in Hz, and the 12 leads in the order of `LEADS`: (12, 10 s) float64, millivolts, no NaN.

    Leads are known by their names in any case, with or without "lead" or "ECG" in front, MLII as II; signals of other
    names are passed over. Gain, baseline and unit are the header's. A whole sampling rate of 100 to 2000 Hz is kept,
    another one from 100 Hz up resampled: to 500 Hz below 1000 Hz, to 1000 Hz from there on.

    Args:
        header_path: the `.hea` file; the signal files lie beside it.
        window: which 10 s.

    Raises:
        RecordRejected: with a code and a reason that a person can act on.
    """
    header = read_header(header_path)
    places = lead_places(header_path, header)
    factors = [mv_per_unit(header_path, place) for place in places]
    fs_hz = check_fs(header_path, float(header.fs))
    first, count = _span(header_path, header, fs_hz, window)
    signal, sums = _read_samples(header_path, header, places, first, first + count)
    if window.checksums and header.sig_len == count:
        _check_checksums(header_path, header, sums, places)
    signal_mv = signal * np.array(factors)[:, None]
    _check_values(header_path, signal_mv, first, fs_hz)
    if fs_hz.is_integer() and fs_hz <= MAX_FS_HZ:
        return int(fs_hz), signal_mv
    rate_hz = RESAMPLED_HZ[int(fs_hz >= RESAMPLED_HZ[1])]
    resampled_mv = resample_fft(signal_mv, SECONDS * rate_hz)
    # Between samples the curve may be higher than at any.
    _check_values(header_path, resampled_mv, round(window.start_s * rate_hz), rate_hz)
    return rate_hz, resampled_mv


def _span(path: Path, header: Any, fs_hz: float, window: Window) -> tuple[int, int]:
    """First sample and number of samples of the window."""
    first, count = round(window.start_s * fs_hz), round(SECONDS * fs_hz)
    held = header.sig_len or 0
    if held < first + count:
        begin = f" from {window.start_s:g} s on" if window.start_s else ""
        raise RecordRejected(
            "wrong_length",
            f"{path.name} holds {held} samples, {held / fs_hz:.1f} s at {fs_hz:g} Hz; expected at least {SECONDS} "
            f"s{begin}: leave it out, or take a longer recording",
        )
    return first, count


def _read_samples(path: Path, header: Any, places: list[int], first: int, end: int) -> tuple[Signal, list[int]]:
    """The signals in their units, (12, n) float64, and the sum of each one's samples."""
    import wfdb

    try:
        found = wfdb.rdrecord(
            str(path.with_suffix("")), sampfrom=first, sampto=end, channels=places, physical=False, smooth_frames=True
        )
        signal, sums = np.asarray(found.dac().T, dtype=np.float64), [int(one) for one in found.calc_checksum()]
    except Exception as error:  # as above: a signal file that is cut off shows as one of many errors
        names = ", ".join(sorted(set(header.file_name)))
        raise RecordRejected(
            "unreadable", f"{names} does not hold what {path.name} says ({say(error)}): fetch it again"
        ) from error
    if signal.shape != (len(places), end - first):
        raise RecordRejected("unreadable", f"{path.name}: its signal file is cut off; fetch it again")
    return signal, sums


def _check_checksums(path: Path, header: Any, sums: list[int], places: list[int]) -> None:
    """The sum of a signal's samples modulo 65536 (header(5) of WFDB), where there is one and none were averaged."""
    for lead, place, is_there in zip(LEADS, places, sums, strict=True):
        wanted = header.checksum[place]
        if wanted is not None and header.samps_per_frame[place] == 1 and (int(wanted) - is_there) % 65536:
            raise RecordRejected(
                "wrong_checksum",
                f"{path.name}: the samples of lead {lead} add up to {is_there}, expected {wanted}: the signal file is "
                "damaged; fetch it again (or set `checksums: false` for a source whose headers are known to be wrong)",
            )


def _check_values(path: Path, signal_mv: Signal, first: int, fs_hz: float) -> None:
    for lead, values in zip(LEADS, signal_mv, strict=True):
        lost = np.flatnonzero(~np.isfinite(values))
        if len(lost):
            raise RecordRejected(
                "missing_value",
                f"{path.name}: lead {lead} has no value at {len(lost)} of {len(values)} samples, the first at "
                f"{(first + lost[0]) / fs_hz:.3f} s; expected none missing: choose another window, or leave it out",
            )
        worst = int(np.argmax(np.abs(values)))
        if abs(values[worst]) > MAX_ABS_MV:
            raise RecordRejected(
                "absurd_value",
                f"{path.name}: lead {lead} is {values[worst]:g} mV at {(first + worst) / fs_hz:.3f} s, beyond "
                f"±{MAX_ABS_MV:g} mV; are gain and unit in the header right?",
            )
