"""When the beats of a record come: sinus rhythm with its variability, early beats, atrial fibrillation."""

import itertools
from dataclasses import dataclass
from typing import Literal

import numpy as np

from ecg_assets.records.synthetic_leads import Array

Origin = Literal["sinus", "ventricular", "atrial", "fibrillation"]

_LEAD_IN_S = 2.5


@dataclass(frozen=True)
class Beat:
    """One beat.

    Attributes:
        time_s: of its R peak, from the record's start; may lie outside the record.
        origin: where it comes from.
        rr_s: the mean RR interval that its QT has adapted to.
    """

    time_s: float
    origin: Origin
    rr_s: float


@dataclass(frozen=True)
class Breathing:
    """Respiration, which moves heart rate, axis, amplitudes and baseline together."""

    rate_hz: float
    phase: float

    def at(self, time_s: Array) -> Array:
        """(n,) from -1 (expiration) to 1 (inspiration)."""
        wave: Array = np.sin(2 * np.pi * self.rate_hz * time_s + self.phase)
        return wave


def sinus_beats(rng: np.random.Generator, duration_s: float, breathing: Breathing) -> list[Beat]:
    """Sinus rhythm of 54 to 95 /min with respiratory (high), Mayer (0.1 Hz) and random variability."""
    rr_s = 60 / float(np.clip(rng.normal(70, 11), 54, 95))
    respiratory, mayer, jitter = rng.uniform(0.004, 0.04), rng.uniform(0.003, 0.02), rng.uniform(0.002, 0.008)
    phase = rng.uniform(0, 2 * np.pi)
    times = [-_LEAD_IN_S - rng.uniform(0, rr_s)]
    while times[-1] < duration_s + _LEAD_IN_S:
        now = np.array([times[-1]])
        change = respiratory * float(breathing.at(now)[0]) + mayer * float(np.sin(2 * np.pi * 0.1 * now[0] + phase))
        times.append(times[-1] + rr_s * (1 + change + jitter * float(np.clip(rng.normal(), -2.5, 2.5))))
    return _as_beats(times, "sinus")


def with_ventricular_beats(
    rng: np.random.Generator, beats: list[Beat], duration_s: float, qt_ms: float, often: bool
) -> list[Beat]:
    """Replaces sinus beats by early ventricular ones; the next sinus beat stays in time (full compensatory pause).

    Args:
        rng: where they come.
        beats: sinus rhythm.
        duration_s: of the record; at least one comes in it.
        qt_ms: they do not fall on the T wave before.
        often: every second or third beat, rather than one to three of them.
    """
    result = list(beats)
    for index in _chosen(rng, beats, duration_s, often):
        before, rr_s = beats[index - 1], beats[index].rr_s
        coupling_s = min(max(rng.uniform(0.56, 0.7) * rr_s, qt_ms / 1000 + 0.06), 0.78 * rr_s)
        result[index] = Beat(before.time_s + coupling_s, "ventricular", rr_s)
    return result


def with_atrial_beats(rng: np.random.Generator, beats: list[Beat], duration_s: float) -> list[Beat]:
    """Replaces sinus beats by early atrial ones, which reset the sinus node: the pause is not compensatory."""
    result, shift_s = list(beats), 0.0
    chosen = set(_chosen(rng, beats, duration_s, often=False))
    for index in range(1, len(beats)):
        beat = beats[index]
        if index in chosen:
            early_s = rng.uniform(0.26, 0.36) * beat.rr_s
            result[index] = Beat(beat.time_s + shift_s - early_s, "atrial", beat.rr_s)
            shift_s += rng.uniform(0.03, 0.1) * beat.rr_s - early_s
        else:
            result[index] = Beat(beat.time_s + shift_s, beat.origin, beat.rr_s)
    return result


def fibrillation_beats(rng: np.random.Generator, duration_s: float) -> list[Beat]:
    """Irregularly irregular: a refractory time and an exponential rest, mean ventricular rate 62 to 112 /min.

    The rest is drawn in strata of five, so that no ten seconds turn out regular by chance.
    """
    mean_s = 60 / rng.uniform(62, 112)
    refractory_s = rng.uniform(0.66, 0.74) * mean_s
    times = [-_LEAD_IN_S - rng.uniform(0, mean_s)]
    while times[-1] < duration_s + _LEAD_IN_S:
        share = (rng.permutation(5) + rng.uniform(0, 1, 5)) / 5
        rests_s = -np.log(1 - 0.95 * share) * (mean_s - refractory_s) * 1.18
        for rest_s in rests_s:
            times.append(times[-1] + refractory_s + float(rest_s))
    return _as_beats(times, "fibrillation")


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


def _as_beats(times: list[float], origin: Origin) -> list[Beat]:
    """Beats with the RR that each one's QT follows: QT adapts over many beats, not from one to the next."""
    beats, rr_s = [], float(np.mean(np.diff(times)))
    for before, time_s in itertools.pairwise(times):
        rr_s += 0.1 * (time_s - before - rr_s)
        beats.append(Beat(time_s, origin, rr_s))
    return beats


def _chosen(rng: np.random.Generator, beats: list[Beat], duration_s: float, often: bool) -> list[int]:
    """Indices of beats to come early: well inside the record, never two in a row."""
    inside = [i for i, beat in enumerate(beats) if 1.2 < beat.time_s < duration_s - 0.8]
    if often:
        return inside[:: int(rng.integers(2, 4))]
    first = int(rng.integers(0, 3))
    spread = inside[first::3]
    count = min(len(spread), int(rng.integers(1, 4)))
    return sorted(int(i) for i in rng.choice(spread, count, replace=False))
