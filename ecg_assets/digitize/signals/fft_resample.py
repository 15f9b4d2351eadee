"""Band-limited resampling of a recovered trace, by FFT."""

import numpy as np
import numpy.typing as npt

Values = npt.NDArray[np.float64]

_PAD_SHARE = 0.15


def resample(values: Values, rate_hz: float, begin_s: float, samples: int, fs_hz: float) -> Values:
    """Values of a trace at other times.

    The trace is continued on both sides by its own point reflection, so that its ends do not ring; its Fourier series
    is then cut at the lower of both Nyquist frequencies and evaluated at the wanted times.

    Args:
        values: (n,) float64, no NaN, at times 0, 1 / rate_hz, ...
        rate_hz: their rate.
        begin_s: time of the first sample that is wanted.
        samples: how many are wanted.
        fs_hz: their rate.

    Returns:
        (samples,) float64.
    """
    count = len(values)
    pad = max(1, min(count - 1, int(count * _PAD_SHARE)))
    before, after = 2 * values[0] - values[pad:0:-1], 2 * values[-1] - values[-2 : -pad - 2 : -1]
    whole = np.concatenate([before, values, after])
    # A slope from end to end would be a step for the periodic series.
    slope = (whole[-1] - whole[0]) / (len(whole) - 1)
    line = whole[0] + slope * np.arange(len(whole))
    spectrum = np.fft.rfft(whole - line)
    frequency_hz = np.arange(len(spectrum)) * rate_hz / len(whole)
    spectrum[frequency_hz > fs_hz / 2] = 0
    times = begin_s + np.arange(samples) / fs_hz
    place = times * rate_hz + pad
    fine = 8
    # Zero-padded eightfold, then straight between: far below the pixel's own error, and no sum over all pairs.
    longer = np.fft.irfft(spectrum, len(whole) * fine) * fine
    detrended = np.interp(place * fine, np.arange(len(longer)), longer)
    return np.asarray(detrended + whole[0] + slope * place)
