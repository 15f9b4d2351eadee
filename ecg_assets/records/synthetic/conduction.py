"""Times beats that do not follow sinus rhythm one to one: blocks, flutter, tachycardias, a pacemaker."""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from ecg_assets.records.synthetic.rhythm import LEAD_IN_S, Beat, Origin, as_beats

# Time from QRS onset to the R peak.
_R_AFTER_ONSET_S = 0.04


@dataclass(frozen=True)
class Course:
    """The electrical events of a record.

    Attributes:
        beats: of the ventricles.
        p_times_s: onsets of P waves that are not conducted.
        atria: continuous atrial activity.
        atrial_rate_hz, atrial_start_s: of flutter.
    """

    beats: list[Beat]
    p_times_s: tuple[float, ...] = ()
    atria: Literal["quiet", "fibrillation", "flutter"] = "quiet"
    atrial_rate_hz: float = 0.0
    atrial_start_s: float = 0.0


def regular(rng: np.random.Generator, duration_s: float, rate_per_min: float, origin: Origin) -> list[Beat]:
    """Beats at equal intervals, with a variation of a hundredth."""
    rr_s = 60 / rate_per_min
    times = [-LEAD_IN_S - rng.uniform(0, rr_s)]
    while times[-1] < duration_s + LEAD_IN_S:
        times.append(times[-1] + rr_s * (1 + 0.006 * float(np.clip(rng.normal(), -2, 2))))
    return as_beats(times, origin)


def dissociated(rng: np.random.Generator, duration_s: float, rate_per_min: float, origin: Origin) -> Course:
    """Independent ventricular beats, and P waves at the sinus node's own rate."""
    beats = regular(rng, duration_s, rate_per_min, origin)
    sinus = regular(rng, duration_s, float(rng.uniform(70, 96)), "sinus")
    return Course(beats, tuple(beat.time_s for beat in sinus))


def wenckebach(rng: np.random.Generator, duration_s: float, atrial_rate_per_min: float, pr_ms: float) -> Course:
    """PR grows from beat to beat, less each time, until a P wave is not conducted.

    Args:
        rng: draws the groups' lengths and begins.
        duration_s: of the record.
        atrial_rate_per_min: of the P waves.
        pr_ms: the shortest PR.
    """
    group = int(rng.integers(3, 6))  # P waves; one beat fewer
    steps_ms = float(rng.uniform(55, 80)) * 0.6 ** np.arange(group)
    pp_s, number = 60 / atrial_rate_per_min, int(rng.integers(group))
    rr_s = pp_s * group / (group - 1)
    at_s, beats, dropped = -LEAD_IN_S, list[Beat](), list[float]()
    while at_s < duration_s + LEAD_IN_S:
        if number % group == group - 1:
            dropped.append(at_s)
        else:
            own_ms = pr_ms + float(steps_ms[: number % group].sum())
            beats.append(Beat(at_s + own_ms / 1000 + _R_AFTER_ONSET_S, "sinus", rr_s, own_ms))
        at_s, number = at_s + pp_s, number + 1
    return Course(beats, tuple(dropped))


def flutter(rng: np.random.Generator, duration_s: float, atrial_rate_per_min: float) -> Course:
    """Every second to fourth wave is conducted, at a fixed or varying ratio."""
    period_s = 60 / atrial_rate_per_min
    fixed = int(rng.choice([2, 3, 4, 4, 0]))
    start_s = -LEAD_IN_S - float(rng.uniform(0, 1))
    times = [start_s + 0.6 * period_s]
    while times[-1] < duration_s + LEAD_IN_S:
        times.append(times[-1] + (fixed or int(rng.integers(2, 5))) * period_s)
    return Course(as_beats(times, "conducted"), (), "flutter", 1 / period_s, start_s)


def paced(rng: np.random.Generator, duration_s: float, rate_per_min: float) -> Course:
    """A pacemaker in the right ventricle; in half of the records with atrial fibrillation, otherwise after P waves."""
    beats = regular(rng, duration_s, rate_per_min, "paced")
    if rng.random() < 0.5:
        return Course(beats, (), "fibrillation")
    return Course(beats, tuple(beat.time_s - 0.2 for beat in beats))
