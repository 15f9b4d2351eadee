"""Times the beats of a record: sinus rhythm with its variability, premature beats, atrial fibrillation.

Blocks, flutter, tachycardias and pacing are in `conduction`.
"""

import itertools
from dataclasses import dataclass
from typing import Literal

import numpy as np

from ecg_assets.records.synthetic.dower import Array

Origin = Literal["sinus", "atrial", "conducted", "ventricular", "paced"]

LEAD_IN_S = 2.5


@dataclass(frozen=True)
class Beat:
    """One beat.

    Attributes:
        time_s: of its R peak, from the record's start; may lie outside the record.
        origin: where it arises; a `conducted` beat has no P wave of its own.
        rr_s: the mean RR interval that its QT has adapted to.
        pr_ms: its PR, if it differs from the heart's.
    """

    time_s: float
    origin: Origin
    rr_s: float
    pr_ms: float | None = None


@dataclass(frozen=True)
class Breathing:
    """Respiration, which moves heart rate, axis, amplitudes and baseline together."""

    rate_hz: float
    phase: float

    def at(self, time_s: Array) -> Array:
        """(n,) from -1 (expiration) to 1 (inspiration)."""
        wave: Array = np.sin(2 * np.pi * self.rate_hz * time_s + self.phase)
        return wave


def sinus_beats(
    rng: np.random.Generator,
    duration_s: float,
    breathing: Breathing,
    rate_per_min: float,
    respiratory_range: tuple[float, float],
) -> list[Beat]:
    """Sinus rhythm with respiratory (high), Mayer (0.1 Hz) and random variability."""
    rr_s = 60 / rate_per_min
    respiratory, mayer, jitter = rng.uniform(*respiratory_range), rng.uniform(0.002, 0.015), rng.uniform(0.002, 0.008)
    phase = rng.uniform(0, 2 * np.pi)
    times = [-LEAD_IN_S - rng.uniform(0, rr_s)]
    while times[-1] < duration_s + LEAD_IN_S:
        now = np.array([times[-1]])
        change = respiratory * float(breathing.at(now)[0]) + mayer * float(np.sin(2 * np.pi * 0.1 * now[0] + phase))
        times.append(times[-1] + rr_s * (1 + change + jitter * float(np.clip(rng.normal(), -2.5, 2.5))))
    return as_beats(times, "sinus")


def with_ventricular_beats(
    rng: np.random.Generator, beats: list[Beat], duration_s: float, qt_ms: float, every: int | None
) -> list[Beat]:
    """Replaces sinus beats by premature ventricular ones; the next sinus beat is on time (full compensatory pause).

    Args:
        rng: chooses the beats.
        beats: sinus rhythm.
        duration_s: of the record; it contains at least one.
        qt_ms: QT interval; they do not fall on the preceding T wave.
        every: every n-th beat is premature; without it one to three of all.
    """
    result = list(beats)
    for index in _chosen(rng, beats, duration_s, every):
        before, rr_s = beats[index - 1], beats[index].rr_s
        coupling_s = min(max(rng.uniform(0.56, 0.7) * rr_s, qt_ms / 1000 + 0.06), 0.78 * rr_s)
        result[index] = Beat(before.time_s + coupling_s, "ventricular", rr_s)
    return result


def with_atrial_beats(rng: np.random.Generator, beats: list[Beat], duration_s: float, every: int | None) -> list[Beat]:
    """Replaces sinus beats by premature atrial ones, which reset the sinus node, so the pause is not compensatory."""
    result, shift_s = list(beats), 0.0
    chosen = set(_chosen(rng, beats, duration_s, every))
    for index in range(1, len(beats)):
        beat = beats[index]
        if index in chosen:
            early_s = rng.uniform(0.26, 0.36) * beat.rr_s
            result[index] = Beat(beat.time_s + shift_s - early_s, "atrial", beat.rr_s)
            shift_s += rng.uniform(0.03, 0.1) * beat.rr_s - early_s
        else:
            result[index] = Beat(beat.time_s + shift_s, beat.origin, beat.rr_s)
    return result


def fibrillation_beats(rng: np.random.Generator, duration_s: float, rate_per_min: float) -> list[Beat]:
    """Irregularly irregular beats: intervals are a refractory time plus an exponential rest.

    The rest is drawn in strata of five, so that ten seconds are never regular by chance.
    """
    mean_s = 60 / rate_per_min
    refractory_s = rng.uniform(0.66, 0.74) * mean_s
    times = [-LEAD_IN_S - rng.uniform(0, mean_s)]
    while times[-1] < duration_s + LEAD_IN_S:
        share = (rng.permutation(5) + rng.uniform(0, 1, 5)) / 5
        rests_s = -np.log(1 - 0.95 * share) * (mean_s - refractory_s) * 1.18
        for rest_s in rests_s:
            times.append(times[-1] + refractory_s + float(rest_s))
    return as_beats(times, "conducted")


def as_beats(times: list[float], origin: Origin) -> list[Beat]:
    """Beats with the RR that determines each one's QT, which adapts over many beats."""
    beats, rr_s = [], float(np.mean(np.diff(times)))
    for before, time_s in itertools.pairwise(times):
        rr_s += 0.1 * (time_s - before - rr_s)
        beats.append(Beat(time_s, origin, rr_s))
    return beats


def _chosen(rng: np.random.Generator, beats: list[Beat], duration_s: float, every: int | None) -> list[int]:
    """Indices of premature beats: well inside the record, never two in a row."""
    inside = [i for i, beat in enumerate(beats) if 1.2 < beat.time_s < duration_s - 0.8]
    if every is not None:
        return inside[int(rng.integers(every)) :: every]
    first = int(rng.integers(0, 3))
    spread = inside[first::3]
    count = min(len(spread), int(rng.integers(1, 4)))
    return sorted(int(i) for i in rng.choice(spread, count, replace=False))
