"""Measures an ECG in its signal alone, as a reader would: beats, intervals, axis."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ecg_assets.records.record import LEADS

Array = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Measured:
    """Intervals of the mean beat (ms), rate (/min), axis (degrees) and the mean beat itself (12, ms), R at `r_ms`."""

    rate: float
    pr_ms: float
    qrs_ms: float
    qt_ms: float
    axis: float
    beat_mv: Array
    r_ms: int
    qrs: tuple[int, int]

    def qtc_ms(self, power: float) -> float:
        """QT corrected to 60 /min: power 1/3 is Fridericia's, 1/2 Bazett's."""
        return float(self.qt_ms / (60 / self.rate) ** power)

    def lead(self, name: str, start_ms: int, stop_ms: int) -> Array:
        """A piece of one lead's mean beat, times from QRS onset."""
        return self.beat_mv[LEADS.index(name), self.qrs[0] + start_ms : self.qrs[0] + stop_ms]


def r_times(signal_mv: Array, fs_hz: int) -> Array:
    """Seconds of the QRS complexes: where all leads move most."""
    motion = _smooth(np.abs(np.gradient(signal_mv, 1 / fs_hz, axis=1)).sum(axis=0), round(0.09 * fs_hz))
    high = motion > 0.28 * np.sort(motion)[-round(0.2 * fs_hz)]
    found: list[int] = []
    for index in np.flatnonzero(high):
        window = motion[max(0, index - round(0.15 * fs_hz)) : index + round(0.15 * fs_hz)]
        # A T wave moves less than the QRS before it, and comes soon after.
        is_t = bool(found) and index - found[-1] < 0.4 * fs_hz and motion[index] < 0.6 * motion[found[-1]]
        if motion[index] == window.max() and not is_t:
            found.append(int(index))
    return np.array(found) / fs_hz


def mean_beat(signal_mv: Array, fs_hz: int, before_s: float, after_s: float) -> Array:
    """(12, samples) median over all whole beats."""
    n = signal_mv.shape[1]
    first, last = round(before_s * fs_hz), round(after_s * fs_hz)
    places = [round(time * fs_hz) for time in r_times(signal_mv, fs_hz)]
    beats = [signal_mv[:, r - first : r + last] for r in places if r >= first and r + last <= n]
    return np.asarray(np.median(beats, axis=0))


def measure(signal_mv: Array, fs_hz: int) -> Measured:
    """All of one noise-free record at 1000 Hz with P waves."""
    assert fs_hz == 1000, "intervals are counted in samples of 1 ms"
    times = r_times(signal_mv, fs_hz)
    rate = 60 / float(np.diff(times).mean())
    r_ms = 300
    beat = mean_beat(signal_mv, fs_hz, 0.3, min(0.56, 60 / rate - 0.2))
    speed = np.abs(np.gradient(beat, axis=1)).max(axis=0)  # mV per ms, of the fastest lead
    lead_ii = np.abs(beat[LEADS.index("II")])
    fast = np.flatnonzero(speed[r_ms - 100 : r_ms + 130] > 0.01) + r_ms - 100  # P and T are slower
    onset = int(fast[0]) - _quiet_run(speed[: fast[0]][::-1], 0.0045, 6)
    end = int(fast[-1]) + _quiet_run(speed[fast[-1] :], 0.0075, 4)
    beat = beat - beat[:, onset - 8 : onset].mean(axis=1, keepdims=True)
    p_peak = onset - 30 - int(np.argmax(beat[LEADS.index("II"), onset - 170 : onset - 30][::-1]))
    p_onset = p_peak - _quiet_run(lead_ii[:p_peak][::-1], 0.01, 4)
    axis = np.degrees(np.arctan2(2 / np.sqrt(3) * beat[LEADS.index("aVF"), onset:end].sum(), beat[0, onset:end].sum()))
    qt_ms = _t_end(beat[LEADS.index("V5")], end) - onset
    return Measured(rate, onset - p_onset, end - onset, qt_ms, float(axis), beat, r_ms, (onset, end))


def _t_end(lead_mv: Array, qrs_end: int) -> float:
    """Where the tangent at T's steepest fall meets the baseline; NaN when T is not upright."""
    peak = qrs_end + 80 + int(np.argmax(lead_mv[qrs_end + 80 :]))
    slope = np.gradient(lead_mv)
    steepest = peak + int(np.argmin(slope[peak:]))
    if lead_mv[peak] < 0.03:
        return float("nan")  # inverted
    return float(steepest - lead_mv[steepest] / slope[steepest])


def _quiet_run(speed: Array, limit: float, length: int) -> int:
    """The first index from which `length` samples are below the limit."""
    quiet = np.convolve((speed < limit).astype(float), np.ones(length), "valid") > length - 0.5
    found = np.flatnonzero(quiet)
    assert len(found), f"no {length} ms below {limit} mV/ms: nothing to measure from"
    return int(found[0])


def _smooth(values: Array, width: int) -> Array:
    return np.convolve(values, np.ones(width) / width, "same")
