"""Generates continuous atrial activity without P waves: fibrillation and flutter."""

import numpy as np

from ecg_assets.records.synthetic.dower import Array


def flutter_waves(rng: np.random.Generator, time_s: Array, rate_hz: float, start_s: float) -> Array:
    """(n, 3) dipole in mV of typical flutter: a sawtooth, slowly down and quickly up in II, III and aVF, upright in V1.

    Args:
        rng: draws the amplitude.
        time_s: (n,).
        rate_hz: of the atria.
        start_s: begin of a wave.
    """
    phase = 2 * np.pi * rate_hz * (time_s - start_s)
    saw = np.sum([np.sin(k * phase) / k for k in (1, 2, 3, 4)], axis=0)
    saw_mv: Array = rng.uniform(0.07, 0.13) * saw[:, None] * np.array([0.05, 1.0, 0.25])
    return saw_mv


def fibrillatory_waves(rng: np.random.Generator, time_s: Array) -> Array:
    """(n, 3) dipole in mV of atrial fibrillation: 5 to 7.5 /s, wandering, largest in V1, coarse to fine."""
    coarse_mv = rng.uniform(0.02, 0.065)
    rate_hz = rng.uniform(5.0, 7.5)
    dipole_mv = np.zeros((len(time_s), 3))
    for direction, share in (((0.1, 0.35, -1.0), 1.0), ((0.4, 0.6, -0.2), 0.6), ((-0.3, 0.4, -0.6), 0.5)):
        hertz = rate_hz * rng.uniform(0.8, 1.2)
        phase = 2 * np.pi * hertz * time_s + _wander(rng, time_s, 2.4)
        swell = 1 + 0.5 * _wander(rng, time_s, 1.0)
        wave = np.sin(phase) + 0.3 * np.sin(2 * phase + rng.uniform(0, 2 * np.pi))
        dipole_mv += coarse_mv * share * (swell * wave)[:, None] * np.array(direction)
    return dipole_mv


def _wander(rng: np.random.Generator, time_s: Array, size: float) -> Array:
    """(n,) a slow random curve of about `size`."""
    hertz, phase = rng.uniform(0.1, 1.8, 4), rng.uniform(0, 2 * np.pi, 4)
    curve: Array = np.sin(2 * np.pi * np.outer(time_s, hertz) + phase).sum(axis=1) * size / 2
    return curve
