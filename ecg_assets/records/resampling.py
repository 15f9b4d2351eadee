"""Resamples signals: complete ones by Fourier transform, those with gaps piece by piece."""

from fractions import Fraction

import numpy as np
import numpy.typing as npt

Signal = npt.NDArray[np.float64]

# Half length of the low-pass filter in zero crossings, and the shape of its Kaiser window.
_CROSSINGS, _KAISER = 16, 6.0


def resample_fft(signal: Signal, count: int) -> Signal:
    """Resamples the same time span to `count` samples by band-limited interpolation.

    The straight line through the first and the last sample is subtracted before and added after, because the transform
    treats the signal as periodic, and a step from its end to its begin would ring at both.

    Args:
        signal: (leads, n) float64, n from 2 up, no NaN.
        count: from 2 up.

    Returns:
        (leads, count) float64.
    """
    n = signal.shape[1]
    begin, rise = signal[:, :1], (signal[:, -1:] - signal[:, :1]) / (n - 1)
    spectrum = np.fft.rfft(signal - begin - rise * np.arange(n), axis=1)
    kept = min(n, count)
    spectrum = spectrum[:, : kept // 2 + 1]
    if kept % 2 == 0 and n != count:  # half of the highest frequency belongs to its mirror image
        spectrum[:, -1] *= 2.0 if count < n else 0.5
    periodic = np.fft.irfft(spectrum, count, axis=1) * (count / n)
    return np.asarray(periodic + begin + rise * (np.arange(count) * (n / count)))


def resampled(signal_mv: npt.NDArray[np.floating], from_hz: int, to_hz: int) -> Signal:
    """(12, n * to_hz // from_hz) float64 of (12, n): each unbroken piece through a polyphase low-pass; NaN stays NaN.

    Sample j of the result lies at j / to_hz seconds, wherever a piece begins.
    """
    if from_hz == to_hz:
        return signal_mv.astype(np.float64)
    longer = np.full((len(signal_mv), signal_mv.shape[1] * to_hz // from_hz), np.nan)
    for row, values in zip(longer, signal_mv.astype(np.float64), strict=True):
        known = np.concatenate([[False], np.isfinite(values), [False]]).astype(np.int8)
        for begin, end in np.flatnonzero(np.diff(known)).reshape(-1, 2).tolist():
            _lay(row, values[begin:end], begin, Fraction(to_hz, from_hz))
    return longer


def _lay(row: Signal, piece: Signal, begin: int, ratio: Fraction) -> None:
    """Writes the samples of `row` that lie within a piece, which begins at sample `begin` of its own rate."""
    from scipy.signal import firwin, upfirdn  # half a second, which the code server does not need

    up, down = ratio.numerator, ratio.denominator
    slower = max(up, down)
    low_pass = firwin(2 * _CROSSINGS * slower + 1, 1 / slower, window=("kaiser", _KAISER)) * up
    pad = 2 * _CROSSINGS * -(-slower // up)
    fine = upfirdn(low_pass, _continued(piece, pad), up)
    # A sample covers the time until the next one, so that quarters at one rate are quarters at the other.
    first, end = -(-begin * up // down), -(-(begin + len(piece)) * up // down)
    places = np.arange(first, min(end, len(row)))
    row[places] = fine[places * down - begin * up + pad * up + _CROSSINGS * slower]


def _continued(piece: Signal, pad: int) -> Signal:
    """A piece with `pad` samples more on each side: its point reflection at its ends, then flat."""
    reach = min(pad, len(piece) - 1)
    before, after = 2 * piece[0] - piece[reach:0:-1], 2 * piece[-1] - piece[-2 : -2 - reach : -1]
    return np.pad(np.concatenate([before, piece, after]), pad - reach, mode="edge")
