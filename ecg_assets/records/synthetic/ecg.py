"""Generates synthetic 12-lead ECGs: a moving heart dipole, projected to the leads, with recording noise."""

from dataclasses import dataclass, replace

import numpy as np

from ecg_assets.records.synthetic.atrial_activity import fibrillatory_waves, flutter_waves
from ecg_assets.records.synthetic.conduction import Course, dissociated, flutter, paced, regular, wenckebach
from ecg_assets.records.synthetic.dower import Array, project, twelve_leads
from ecg_assets.records.synthetic.gaussian_waves import Gaussians
from ecg_assets.records.synthetic.mix import Rhythm, choose
from ecg_assets.records.synthetic.morphology import Heart, draw_heart
from ecg_assets.records.synthetic.noise import add_noise
from ecg_assets.records.synthetic.rhythm import (
    Beat,
    Breathing,
    fibrillation_beats,
    sinus_beats,
    with_atrial_beats,
    with_ventricular_beats,
)
from ecg_assets.store.rng import rng_for


@dataclass(frozen=True)
class SyntheticEcg:
    """A record and its ground truth.

    Attributes:
        id: the record's id.
        fs_hz: sampling rate.
        signal_mv: (12, n) float64, in the order of `LEADS`, no NaN.
        rhythm: its name in the table.
        morphology: its name in the table; None if the rhythm defines the QRS.
        beats: those whose R peak lies in the record.
        heart: its waves and intervals.
    """

    id: str
    fs_hz: int
    signal_mv: Array
    rhythm: str
    morphology: str | None
    beats: tuple[Beat, ...]
    heart: Heart

    @property
    def labels(self) -> str:
        """Rhythm and morphology, as in the index."""
        return self.rhythm if self.morphology is None else f"{self.rhythm}; {self.morphology}"


def synthesize(
    record_id: str,
    fs_hz: int,
    seed: int,
    duration_s: float = 10.0,
    *,
    mix: str = "default",
    rhythm: str | None = None,
    morphology: str | None = None,
    noise: bool = True,
) -> SyntheticEcg:
    """One record; the same arguments give the same record, independent of other records.

    Args:
        record_id: determines heart, rhythm and noise, together with the seed.
        fs_hz: sampling rate; the result has `duration_s` * `fs_hz` samples.
        seed: of the source.
        duration_s: length.
        mix: frequencies of rhythms and morphologies; see `mix.choose`.
        rhythm, morphology: names of the table, instead of drawn ones.
        noise: False omits wander, muscle and mains noise, and changes nothing else.

    Raises:
        SyntheticTableError: the mix, rhythm or morphology does not exist.
    """
    chosen = choose(rng_for(seed, record_id, "synthetic.kind"), mix, rhythm, morphology)
    heart_rng = rng_for(seed, record_id, "synthetic.heart")
    heart = draw_heart(heart_rng, chosen.morphology, chosen.rhythm.beats == "paced")
    if chosen.rhythm.pr_ms is not None:
        heart = replace(heart, pr_ms=float(heart_rng.uniform(*chosen.rhythm.pr_ms)))
    rhythm_rng = rng_for(seed, record_id, "synthetic.rhythm")
    breathing = Breathing(rhythm_rng.uniform(0.17, 0.33), rhythm_rng.uniform(0, 2 * np.pi))
    course = _course(rhythm_rng, chosen.rhythm, heart, duration_s, breathing)

    time_s = np.arange(round(duration_s * fs_hz)) / fs_hz
    dipole_mv = _dipole(rhythm_rng, heart, course, time_s) + _atria(rhythm_rng, course, time_s)
    independent_mv = project(_breathe(rhythm_rng, dipole_mv, breathing.at(time_s)), heart.torso)
    if noise:
        independent_mv = add_noise(rng_for(seed, record_id, "synthetic.noise"), independent_mv, fs_hz, breathing)
    inside = tuple(beat for beat in course.beats if 0 <= beat.time_s < duration_s)
    signal_mv = twelve_leads(independent_mv)
    return SyntheticEcg(record_id, fs_hz, signal_mv, chosen.rhythm_name, chosen.morphology_name, inside, heart)


def _course(rng: np.random.Generator, rhythm: Rhythm, heart: Heart, duration_s: float, breathing: Breathing) -> Course:
    rate = rhythm.rate_per_min.draw(rng)
    match rhythm.beats:
        case "sinus":
            beats = sinus_beats(rng, duration_s, breathing, rate, rhythm.respiratory)
            return Course(_with_early(rng, rhythm, beats, heart, duration_s))
        case "wenckebach":
            return wenckebach(rng, duration_s, rate, heart.pr_ms)
        case "escape":
            return dissociated(rng, duration_s, rate, "ventricular")
        case "fibrillation":
            return Course(fibrillation_beats(rng, duration_s, rate), atria="fibrillation")
        case "flutter":
            return flutter(rng, duration_s, rate)
        case "paced":
            return paced(rng, duration_s, rate)
        case "ventricular" | "conducted" as origin:
            return Course(regular(rng, duration_s, rate, origin))


def _with_early(
    rng: np.random.Generator, rhythm: Rhythm, beats: list[Beat], heart: Heart, duration_s: float
) -> list[Beat]:
    if rhythm.early == "ventricular":
        return with_ventricular_beats(rng, beats, duration_s, heart.qt_ms(beats[0].rr_s), rhythm.every)
    return with_atrial_beats(rng, beats, duration_s, rhythm.every) if rhythm.early == "atrial" else beats


def _atria(rng: np.random.Generator, course: Course, time_s: Array) -> Array:
    if course.atria == "fibrillation":
        return fibrillatory_waves(rng, time_s)
    if course.atria == "flutter":
        return flutter_waves(rng, time_s, course.atrial_rate_hz, course.atrial_start_s)
    return np.zeros((len(time_s), 3))


def _dipole(rng: np.random.Generator, heart: Heart, course: Course, time_s: Array) -> Array:
    """(n, 3) sum of all beats' waves, each beat with slightly varied amplitude, and of P waves without a beat."""
    dipole_mv = np.zeros((len(time_s), 3))
    for beat in course.beats:
        waves = heart.beat(beat).scaled(1 + 0.015 * float(np.clip(rng.normal(), -2, 2)))
        _add(dipole_mv, waves, beat.time_s, time_s)
    for onset_s in course.p_times_s:
        _add(dipole_mv, heart.p, onset_s, time_s)
    return dipole_mv


def _add(dipole_mv: Array, waves: Gaussians, at_s: float, time_s: Array) -> None:
    first_ms, last_ms = waves.span_ms()
    start, stop = np.searchsorted(time_s, [at_s + first_ms / 1000, at_s + last_ms / 1000])
    dipole_mv[start:stop] += waves.at((time_s[start:stop] - at_s) * 1000)


def _breathe(rng: np.random.Generator, dipole_mv: Array, breath: Array) -> Array:
    """Applies breathing, which turns the heart by up to 4 degrees in the frontal plane and varies the amplitude."""
    angle = np.deg2rad(rng.uniform(0.5, 4)) * breath
    size = 1 + rng.uniform(0.005, 0.05) * breath
    x, y, z = dipole_mv.T
    turned = [x * np.cos(angle) - y * np.sin(angle), x * np.sin(angle) + y * np.cos(angle), z]
    return np.stack(turned, axis=1) * size[:, None]
