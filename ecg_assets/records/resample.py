"""Another sampling rate for a signal, by its Fourier transform."""

import numpy as np
import numpy.typing as npt

Signal = npt.NDArray[np.float64]


def resample_fft(signal: Signal, count: int) -> Signal:
    """The same stretch of time in `count` samples: band-limited interpolation.

    The straight line through the first and the last sample is taken off before and added after, since the transform
    takes the signal for periodic: a step from its end to its begin would ring at both.

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
