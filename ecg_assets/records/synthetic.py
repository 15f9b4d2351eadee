"""Synthetic 12-lead ECGs: a moving heart dipole, projected to the leads, recorded with noise."""

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np

from ecg_assets.records.synthetic_leads import Array, project, twelve_leads
from ecg_assets.records.synthetic_morphology import Conduction, Heart, Territory, draw_heart
from ecg_assets.records.synthetic_noise import add_noise
from ecg_assets.records.synthetic_rhythm import (
    Beat,
    Breathing,
    fibrillation_beats,
    fibrillatory_waves,
    sinus_beats,
    with_atrial_beats,
    with_ventricular_beats,
)
from ecg_assets.store.rng import rng_for

Kind = Literal[
    "sinus",
    "ventricular_ectopic",
    "atrial_ectopic",
    "atrial_fibrillation",
    "st_elevation",
    "left_bundle_branch_block",
    "right_bundle_branch_block",
]

# How many records are of each kind.
KIND_SHARES: dict[Kind, float] = {
    "sinus": 0.60,
    "ventricular_ectopic": 0.09,
    "atrial_ectopic": 0.05,
    "atrial_fibrillation": 0.08,
    "st_elevation": 0.07,
    "left_bundle_branch_block": 0.05,
    "right_bundle_branch_block": 0.06,
}

_CONDUCTION: dict[Kind, Conduction] = {
    "left_bundle_branch_block": "left_bundle",
    "right_bundle_branch_block": "right_bundle",
}


@dataclass(frozen=True)
class SyntheticEcg:
    """A record, and what is true of it.

    Attributes:
        id: the record's id.
        fs_hz: sampling rate.
        signal_mv: (12, n) float64, in the order of `LEADS`, no NaN.
        kind: rhythm or disease.
        territory: where ST is lifted, for kind "st_elevation".
        beats: those whose R peak lies in the record.
        heart: its waves and intervals.
    """

    id: str
    fs_hz: int
    signal_mv: Array
    kind: Kind
    territory: Territory | None
    beats: tuple[Beat, ...]
    heart: Heart


def synthesize(
    record_id: str,
    fs_hz: int,
    seed: int,
    duration_s: float = 10.0,
    *,
    kind: Kind | None = None,
    noise: bool = True,
) -> SyntheticEcg:
    """One record; the same arguments give the same record, whatever else was made.

    Args:
        record_id: draws heart, rhythm and noise, together with the seed.
        fs_hz: sampling rate; `duration_s` * `fs_hz` samples come out.
        seed: of the source.
        duration_s: length.
        kind: instead of one drawn by `KIND_SHARES`.
        noise: False leaves out wander, muscle and mains, and nothing else changes.
    """
    kind = kind or _draw_kind(rng_for(seed, record_id, "synthetic.kind"))
    heart_rng = rng_for(seed, record_id, "synthetic.heart")
    territory: Territory | None = None
    if kind == "st_elevation":
        places: tuple[Territory, ...] = get_args(Territory)
        territory = places[int(heart_rng.integers(len(places)))]
    heart = draw_heart(heart_rng, _CONDUCTION.get(kind, "normal"), territory)
    rhythm_rng = rng_for(seed, record_id, "synthetic.rhythm")
    breathing = Breathing(rhythm_rng.uniform(0.17, 0.33), rhythm_rng.uniform(0, 2 * np.pi))
    beats = _draw_beats(rhythm_rng, kind, heart, duration_s, breathing)

    time_s = np.arange(round(duration_s * fs_hz)) / fs_hz
    dipole_mv = _dipole(rhythm_rng, heart, beats, time_s)
    if kind == "atrial_fibrillation":
        dipole_mv += fibrillatory_waves(rhythm_rng, time_s)
    independent_mv = project(_breathe(rhythm_rng, dipole_mv, breathing.at(time_s)))
    if noise:
        independent_mv = add_noise(rng_for(seed, record_id, "synthetic.noise"), independent_mv, fs_hz, breathing)
    inside = tuple(beat for beat in beats if 0 <= beat.time_s < duration_s)
    return SyntheticEcg(record_id, fs_hz, twelve_leads(independent_mv), kind, territory, inside, heart)


def _draw_kind(rng: np.random.Generator) -> Kind:
    kinds = list(KIND_SHARES)
    return kinds[int(rng.choice(len(kinds), p=list(KIND_SHARES.values())))]


def _draw_beats(
    rng: np.random.Generator, kind: Kind, heart: Heart, duration_s: float, breathing: Breathing
) -> list[Beat]:
    if kind == "atrial_fibrillation":
        return fibrillation_beats(rng, duration_s)
    beats = sinus_beats(rng, duration_s, breathing)
    if kind == "ventricular_ectopic":
        qt_ms = heart.qt_ms(beats[0].rr_s)
        return with_ventricular_beats(rng, beats, duration_s, qt_ms, often=rng.random() < 0.2)
    return with_atrial_beats(rng, beats, duration_s) if kind == "atrial_ectopic" else beats


def _dipole(rng: np.random.Generator, heart: Heart, beats: list[Beat], time_s: Array) -> Array:
    """(n, 3) sum of all beats' waves, each beat's own a little taller or smaller."""
    dipole_mv = np.zeros((len(time_s), 3))
    for beat in beats:
        waves = heart.beat(beat.origin, beat.rr_s).scaled(1 + 0.015 * float(np.clip(rng.normal(), -2, 2)))
        first_ms, last_ms = waves.span_ms()
        start, stop = np.searchsorted(time_s, [beat.time_s + first_ms / 1000, beat.time_s + last_ms / 1000])
        dipole_mv[start:stop] += waves.at((time_s[start:stop] - beat.time_s) * 1000)
    return dipole_mv


def _breathe(rng: np.random.Generator, dipole_mv: Array, breath: Array) -> Array:
    """Breathing turns the heart by up to 4 degrees in the frontal plane, and makes it look larger and smaller."""
    angle = np.deg2rad(rng.uniform(0.5, 4)) * breath
    size = 1 + rng.uniform(0.005, 0.05) * breath
    x, y, z = dipole_mv.T
    turned = [x * np.cos(angle) - y * np.sin(angle), x * np.sin(angle) + y * np.cos(angle), z]
    return np.stack(turned, axis=1) * size[:, None]
