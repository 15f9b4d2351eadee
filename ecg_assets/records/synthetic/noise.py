"""Adds recording noise at each electrode: baseline wander, muscle and mains.

Noise arises at the electrodes, so a noisy right arm affects I, II, aVR and, through Wilson's terminal, a third of it
each chest lead, as on real pages.
"""

import numpy as np

from ecg_assets.records.synthetic.dower import Array
from ecg_assets.records.synthetic.rhythm import Breathing

# Amplitudes (standard deviations in mV: median and log spread), chosen by PTB-XL's 500 Hz records: between T and P, 20
# to 150 Hz, their limb leads have 3 to 19 microvolt and their chest leads 2 to 19; below 0.5 Hz, 10 to 240.
_MUSCLE_ARM_MV = (0.009, 0.5)
_MUSCLE_CHEST_MV = (0.0035, 0.5)
_WANDER_MV = (0.022, 0.75)
_BREATH_MV = (0.014, 0.7)
_MAINS_MV = (0.0025, 0.8)
_MAINS_SHARE = 0.5
_FLOOR_MV = 0.0012


def add_noise(rng: np.random.Generator, independent_mv: Array, fs_hz: int, breathing: Breathing) -> Array:
    """Adds noise to the independent leads (8, n)."""
    n = independent_mv.shape[1]
    electrodes_mv = _wander(rng, n, fs_hz, breathing) + _muscle(rng, n, fs_hz) + _mains(rng, n, fs_hz)
    electrodes_mv += rng.normal(0, _FLOOR_MV, (9, n))
    right, left, foot = electrodes_mv[:3]
    wilson = (right + left + foot) / 3
    recorded: Array = independent_mv + np.stack([left - right, foot - right, *(electrodes_mv[3:] - wilson)])
    return recorded


def _sizes(rng: np.random.Generator, median_and_spread: tuple[float, float], count: int, limit: float = 6.0) -> Array:
    """(count,) amplitudes that share half of their variation, because a restless patient is noisy in all leads."""
    median, spread = median_and_spread
    common, own = rng.normal(), rng.normal(size=count)
    sizes: Array = median * np.clip(np.exp(spread * (0.75 * common + 0.65 * own)), 0.1, limit)
    return sizes


def _band(rng: np.random.Generator, rows: int, n: int, fs_hz: int, low_hz: float, high_hz: float, tilt: float) -> Array:
    """(rows, n) noise of unit standard deviation between two frequencies, falling as frequency ** -tilt."""
    padded = n + 4 * fs_hz  # the FFT's noise is periodic; cutting it makes start and end differ
    hertz = np.fft.rfftfreq(padded, 1 / fs_hz)
    shape = np.where((hertz > 0) & (hertz < high_hz), np.maximum(hertz, 1e-3), np.inf) ** -tilt
    # Smooth band edges, because sharp ones would ring.
    shape *= 1 / np.sqrt(1 + (low_hz / np.maximum(hertz, 1e-3)) ** 4)
    spectrum = np.fft.rfft(rng.normal(size=(rows, padded)), axis=1) * shape
    noise: Array = np.fft.irfft(spectrum, padded, axis=1)
    unit: Array = noise[:, :n] / noise.std(axis=1, keepdims=True)
    return unit


def _wander(rng: np.random.Generator, n: int, fs_hz: int, breathing: Breathing) -> Array:
    """(9, n) skin potentials below 0.6 Hz, and breathing."""
    slow = _band(rng, 9, n, fs_hz, 0.04, 0.6, 1.4) * _sizes(rng, _WANDER_MV, 9)[:, None]
    breath = breathing.at(np.arange(n) / fs_hz)
    wander: Array = slow + breath * (_sizes(rng, _BREATH_MV, 9, 5.0) * rng.choice([-1, 1], 9))[:, None]
    return wander


def _muscle(rng: np.random.Generator, n: int, fs_hz: int) -> Array:
    """(9, n) muscle potentials, which swell and fade; stronger at the arms and legs than on the chest."""
    sizes = np.concatenate([_sizes(rng, _MUSCLE_ARM_MV, 3, 5.0), _sizes(rng, _MUSCLE_CHEST_MV, 6, 5.0)])
    swell = np.exp(0.45 * _band(rng, 9, n, fs_hz, 0.2, 1.5, 0.5) - 0.1)
    muscle: Array = _band(rng, 9, n, fs_hz, 6.0, min(110.0, 0.48 * fs_hz), 0.6) * swell * sizes[:, None]
    return muscle


def _mains(rng: np.random.Generator, n: int, fs_hz: int) -> Array:
    """(9, n) hum of 50 or 60 Hz and a little of its third harmonic, in half of the records."""
    present = rng.random() < _MAINS_SHARE
    hertz = float(rng.choice([50.0, 50.0, 60.0])) + rng.normal(0, 0.02)
    time_s, phase = np.arange(n) / fs_hz, rng.uniform(0, 2 * np.pi)
    hum = np.sin(2 * np.pi * hertz * time_s + phase)
    if 3 * hertz < 0.45 * fs_hz:
        hum = hum + 0.15 * np.sin(2 * np.pi * 3 * hertz * time_s + 2 * phase)
    mains: Array = present * np.outer(_sizes(rng, _MAINS_MV, 9, 5.0), hum)
    return mains
