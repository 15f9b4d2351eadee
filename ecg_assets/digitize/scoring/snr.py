"""Computes the competition's score of a digitised record: a signal-to-noise ratio that tolerates a shift and an offset.

For each lead of a record, y the truth where it is printed, p the prediction there:

1. y and p, each minus its mean, are cross-correlated; p is shifted by the lag k, |k| <= int(0.2 fs), of the largest
   value (of equal ones the smallest |k|); samples shifted in are NaN;
2. the constant that minimises the squared error is subtracted from p;
3. NaN in p becomes 0; S += sum y^2 (y keeps its mean), N += sum (y - p)^2.

A record's ratio is S / N over its leads, at most 384 (and 384 if N = 0, else 0 if S = 0). The score is
10 log10 of the mean ratio, at least -384 dB; all perfect is 25.8433 dB.

Source: the evaluation of the Kaggle competition physionet-ecg-image-digitization (2025-26).
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import fft

from ecg_assets.records.record import LEADS

MAX_SHIFT_S = 0.2
HIGHEST_RATIO = 384.0
LOWEST_DB = -384.0
# Correlations that differ by less than this share of the largest possible one are equal up to rounding.
_EQUAL = 1e-11

Values = npt.NDArray[np.floating]


class ShapeError(ValueError):
    """Truth and prediction do not fit each other; the message says how."""


@dataclass(frozen=True)
class Aligned:
    """A prediction aligned with its truth.

    Attributes:
        values_mv: (n,) float64, shifted and with the offset subtracted; NaN where unknown.
        shift: in samples; positive if the prediction is early.
        offset_mv: the constant that was subtracted.
    """

    values_mv: npt.NDArray[np.float64]
    shift: int
    offset_mv: float


@dataclass(frozen=True)
class Power:
    """Sums of squares in mV^2 over samples: of the truth, and of the error."""

    signal: float = 0.0
    noise: float = 0.0

    def __add__(self, other: "Power") -> "Power":
        return Power(self.signal + other.signal, self.noise + other.noise)

    @property
    def ratio(self) -> float:
        """S / N between 0 and 384, linear: the competition's value of a record."""
        if self.noise == 0:
            return HIGHEST_RATIO
        return min(self.signal / self.noise, HIGHEST_RATIO)

    @property
    def db(self) -> float:
        """10 log10 S / N without the cap: infinite without noise, minus infinite without signal."""
        if self.noise == 0:
            return float("inf")
        return float(10 * np.log10(self.signal / self.noise)) if self.signal else float("-inf")


def align(truth_mv: Values, predicted_mv: Values, fs_hz: int) -> Aligned:
    """Steps 1 and 2.

    Args:
        truth_mv: (n,), one lead where it is printed; NaN samples are ignored.
        predicted_mv: (n,), the same samples; NaN where unknown, which the correlation replaces by the mean.
        fs_hz: sampling rate of both.

    Raises:
        ShapeError: their lengths differ.
    """
    if truth_mv.shape != predicted_mv.shape or truth_mv.ndim != 1:
        raise ShapeError(f"truth has shape {truth_mv.shape}, prediction {predicted_mv.shape}; expected (n,) for both")
    truth = truth_mv.astype(np.float64)
    predicted = np.where(np.isfinite(predicted_mv), predicted_mv, np.nan).astype(np.float64)
    shift = _best_shift(truth, predicted, int(MAX_SHIFT_S * fs_hz))
    shifted = np.full_like(predicted, np.nan)
    if shift >= 0:
        shifted[shift:] = predicted[: len(predicted) - shift]
    else:
        shifted[:shift] = predicted[-shift:]
    known = np.isfinite(shifted) & np.isfinite(truth)
    offset = float((shifted[known] - truth[known]).mean()) if known.any() else 0.0
    return Aligned(shifted - offset, shift, offset)


def lead_power(truth_mv: Values, predicted_mv: Values, fs_hz: int) -> Power:
    """S and N of one lead: steps 1 to 3. Arguments and errors are those of `align`."""
    values = _or_0(align(truth_mv, predicted_mv, fs_hz).values_mv)
    truth = truth_mv[np.isfinite(truth_mv)].astype(np.float64)
    error = truth - values[np.isfinite(truth_mv)]
    return Power(float(truth @ truth), float(error @ error))


def lead_powers(truth_mv: Values, predicted_mv: Values, fs_hz: int) -> dict[str, Power]:
    """S and N of each lead that the truth prints, by its name.

    Args:
        truth_mv: (12, n) mV, leads in the order of `LEADS`; NaN where nothing is printed.
        predicted_mv: (12, n) mV; samples outside the printed window are ignored.
        fs_hz: sampling rate of both.

    Raises:
        ShapeError: the shapes are not equal, or not (12, n).
    """
    if truth_mv.shape != predicted_mv.shape or truth_mv.ndim != 2 or len(truth_mv) != len(LEADS):
        raise ShapeError(
            f"truth has shape {truth_mv.shape}, prediction {predicted_mv.shape}; expected (12, n) for both"
        )
    powers = {}
    for lead, truth, predicted in zip(LEADS, truth_mv, predicted_mv, strict=True):
        window = printed_window(truth)
        if window.start < window.stop:
            powers[lead] = lead_power(truth[window], predicted[window], fs_hz)
    return powers


def total(powers: Iterable[Power]) -> Power:
    """The sum of several powers; that of a record's leads is the record's power."""
    return sum(powers, Power())


def score_db(ratios: Iterable[float]) -> float:
    """The competition's score of records' ratios, in dB; -384 for an empty list."""
    listed = list(ratios)
    mean = sum(listed) / len(listed) if listed else 0.0
    return max(float(10 * np.log10(mean)), LOWEST_DB) if mean > 0 else LOWEST_DB


def printed_window(values: Values) -> slice:
    """The slice from the first to the last finite sample of (n,) values; empty if none is finite."""
    filled = np.flatnonzero(np.isfinite(values))
    return slice(int(filled[0]), int(filled[-1]) + 1) if len(filled) else slice(0, 0)


def _best_shift(truth: npt.NDArray[np.float64], predicted: npt.NDArray[np.float64], farthest: int) -> int:
    """The lag k of the largest sum over i of truth[i] * predicted[i - k], both less their means."""
    count = len(truth)
    farthest = min(farthest, count - 1)
    if count == 0:
        return 0
    one, other = _centred(truth), _centred(predicted)
    # Long enough that lags within reach do not wrap around.
    size = fft.next_fast_len(count + farthest, real=True)
    circular = fft.irfft(fft.rfft(one, size) * np.conj(fft.rfft(other, size)), size)
    lags = np.arange(-farthest, farthest + 1)
    correlation = circular[lags]
    rounding = _EQUAL * np.linalg.norm(one) * np.linalg.norm(_or_0(predicted))
    equal = lags[correlation >= correlation.max() - rounding]
    return int(equal[np.argmin(np.abs(equal))])


def _or_0(values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    return np.where(np.isnan(values), 0.0, values)


def _centred(values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    known = np.isfinite(values)
    mean = values[known].mean() if known.any() else 0.0
    return np.where(known, values - mean, 0.0)
