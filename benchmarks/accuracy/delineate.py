"""Measures of one record as it is printed, by a simple method: the same for recorded and synthetic ones.

Beats are where the leads move most; each lead's median beat is measured. It is meant for comparing many records with
many others, not for one patient.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ecg_assets.records.record import LEADS, Record

Array = npt.NDArray[np.float64]
FS_HZ = 500
_BEFORE, _AFTER = 180, 300  # samples of a beat before and after its R peak
_NONE = float("nan")


@dataclass(frozen=True)
class Beats:
    """Where beats are, and the median one.

    Attributes:
        places: (k,) samples at 500 Hz.
        median_mv: (12, 480) each lead's median beat, from 360 ms before R.
        onset, end: of QRS, samples from the beat's begin.
    """

    places: npt.NDArray[np.int64]
    median_mv: Array
    onset: int
    end: int


def measures(record: Record) -> dict[str, float]:
    """Rate in /min, intervals in ms, axis in degrees, amplitudes in mV by lead; NaN where there is none."""
    signal_mv = _at_500_hz(record)
    places = _places(signal_mv)
    if len(places) < 4:
        return {}
    beats = _beats(signal_mv, places)
    rr_ms = np.diff(places) / FS_HZ * 1000
    base_mv = beats.median_mv[:, max(0, beats.onset - 8) : beats.onset].mean(axis=1, keepdims=True)
    level = Beats(places, beats.median_mv - base_mv, beats.onset, beats.end)
    return {
        "heart rate": 60_000 / float(rr_ms.mean()),
        "RR variation": float(rr_ms.std() / rr_ms.mean()),
        **_intervals(level, float(rr_ms.mean())),
        **_amplitudes(level),
    }


def _at_500_hz(record: Record) -> Array:
    n = record.signal_mv.shape[1]
    now, wanted = np.arange(n) / record.fs_hz, np.arange(10 * FS_HZ) / FS_HZ
    return np.stack([np.interp(wanted, now, lead.astype(np.float64)) for lead in record.signal_mv])


def _smooth(values: Array, width: int) -> Array:
    return np.convolve(values, np.ones(width) / width, "same")


def _places(signal_mv: Array) -> npt.NDArray[np.int64]:
    """Samples where the leads that are printed there move most, at least 240 ms apart."""
    slow = np.stack([_smooth(np.nan_to_num(lead), 8) for lead in signal_mv])
    speed = np.abs(np.gradient(slow, axis=1))
    edges = np.isnan(signal_mv)
    speed[edges | np.roll(edges, 12, axis=1) | np.roll(edges, -12, axis=1)] = np.nan
    size = np.nanpercentile(speed, 98, axis=1, keepdims=True)
    share = np.minimum(np.nan_to_num(np.nanmean((speed / np.maximum(size, 1e-4)) ** 2, axis=0)), 3.0)
    motion = np.sqrt(_smooth(share, 40))
    found: list[int] = []
    for place in np.flatnonzero(motion > 0.4 * np.percentile(motion, 95)):
        window = motion[max(0, place - 60) : place + 60]
        # A T wave is slower than the QRS before it.
        is_t = bool(found) and place - found[-1] < 200 and motion[place] < 0.6 * motion[found[-1]]
        if motion[place] >= window.max() and not is_t and (not found or place - found[-1] > 120):
            found.append(int(place))
    return np.array(found, dtype=np.int64)


def _beats(signal_mv: Array, places: npt.NDArray[np.int64]) -> Beats:
    """Beats laid over each other by lead II, then each lead's median of those that lie in what is printed of it."""
    whole = places[(places >= _BEFORE + 20) & (places + _AFTER + 20 < signal_mv.shape[1])]
    two = signal_mv[LEADS.index("II")]
    model = np.median([two[at - 60 : at + 60] for at in whole], axis=0)
    aligned = [at + _best_shift(two, at, model - model.mean()) for at in whole]
    cuts = np.stack([signal_mv[:, at - _BEFORE : at + _AFTER] for at in aligned])
    with np.errstate(all="ignore"):
        median_mv = np.nan_to_num(np.nanmedian(cuts, axis=0))
    speed = _smooth(np.sqrt((np.gradient(median_mv, axis=1) ** 2).sum(axis=0)), 4)
    limit = 0.10 * speed[_BEFORE - 60 : _BEFORE + 60].max()
    fast = np.flatnonzero(speed[_BEFORE - 60 : _BEFORE + 75] > 2.5 * limit) + _BEFORE - 60
    onset = int(fast[0]) - _until_quiet(speed[: fast[0]][::-1], limit)
    return Beats(places, median_mv, onset, int(fast[-1]) + _until_quiet(speed[fast[-1] :], limit))


def _best_shift(lead_mv: Array, at: int, model: Array) -> int:
    shifts = range(-12, 13)
    fits = [float(np.nan_to_num(lead_mv[at + shift - 60 : at + shift + 60]) @ model) for shift in shifts]
    return shifts[int(np.argmax(fits))]


def _until_quiet(speed: Array, limit: float) -> int:
    quiet = np.convolve((speed < limit).astype(float), np.ones(4), "valid") > 3.5
    found = np.flatnonzero(quiet)
    return int(found[0]) if len(found) else len(speed) - 1


def _intervals(beats: Beats, rr_ms: float) -> dict[str, float]:
    ms = 1000 / FS_HZ
    two, one, avf = (beats.median_mv[LEADS.index(name)] for name in ("II", "I", "aVF"))
    p_from = max(10, beats.onset - 130)
    p_mv = two[p_from : beats.onset - 10] if beats.onset - 10 > p_from else np.zeros(1)
    peak = int(np.argmax(p_mv))
    p_height = float(p_mv[peak] - np.median(two[max(0, p_from + peak - 45) : max(1, p_from + peak - 30)]))
    pr_ms = _NONE
    if p_height > 0.05:
        under = np.flatnonzero(two[: p_from + peak][::-1] < p_mv[peak] - 0.85 * p_height)
        pr_ms = (beats.onset - (p_from + peak - int(under[0]))) * ms if len(under) else _NONE
    ends = [_t_end(beats.median_mv[LEADS.index(name)], beats.end, rr_ms) for name in ("II", "V5", "V2")]
    known = [end for end in ends if not np.isnan(end)]
    qt_ms = (float(np.median(known)) - beats.onset) * ms if known else _NONE
    span = slice(beats.onset, beats.end)
    axis = np.degrees(np.arctan2(2 / np.sqrt(3) * avf[span].sum(), one[span].sum()))
    qrs_ms = (beats.end - beats.onset) * ms
    return {
        "PR": pr_ms,
        "QRS": qrs_ms if 40 <= qrs_ms <= 240 else _NONE,
        "QT": qt_ms,
        "QTc": qt_ms / float(np.cbrt(rr_ms / 1000)),
        "QRS axis": float(axis),
        "P in II": max(p_height, 0.0),
    }


def _t_end(lead_mv: Array, end: int, rr_ms: float) -> float:
    """Where the tangent at the steepest way back meets the level; NaN for a flat T."""
    last = min(len(lead_mv), end + round(min(0.62 * rr_ms, 480) / 1000 * FS_HZ))
    part = _smooth(lead_mv, 8)[end + 40 : last]
    if len(part) < 40:
        return _NONE
    peak = int(np.argmax(np.abs(part)))
    slope = np.gradient(part) * -np.sign(part[peak])
    if abs(part[peak]) < 0.07 or peak > len(part) - 12:
        return _NONE
    steepest = peak + int(np.argmax(slope[peak : peak + 60]))
    return float(end + 40 + steepest + abs(part[steepest]) / max(slope[steepest], 1e-4))


def _amplitudes(beats: Beats) -> dict[str, float]:
    found = {}
    for name, lead_mv in zip(LEADS, beats.median_mv, strict=True):
        qrs = lead_mv[beats.onset : beats.end]
        after = lead_mv[beats.end + 50 : beats.end + 200]
        found[f"R in {name}"] = max(float(qrs.max()), 0.0)
        found[f"S or Q in {name}"] = max(float(-qrs.min()), 0.0)
        found[f"ST in {name}"] = float(lead_mv[beats.end + 28 : beats.end + 32].mean())
        found[f"T in {name}"] = float(after[np.argmax(np.abs(after))]) if len(after) else _NONE
    return found
