"""Draws QRS complexes around their R peak: normal, with bundle branch block, with a scar."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from ecg_assets.records.synthetic.dower import Array, project, twelve_leads
from ecg_assets.records.synthetic.gaussian_waves import Gaussians, about, about_y, about_z
from ecg_assets.records.synthetic.mix import Conduction, Morphology
from ecg_assets.records.synthetic.repolarisation import t_wave

_DURATION_MS = {
    "normal": (81.0, 8.0, 71.0, 105.0),
    "left_bundle": (142.0, 9.0, 130.0, 160.0),
    "right_bundle": (134.0, 7.0, 124.0, 148.0),
}
_RIGHTMOST = 78.0
_TRIES = 60
# Direction of the initial forces after an infarction: away from the dead wall.
_SCAR = {"anterior": (-0.08, 0.02, 0.42), "inferior": (0.06, -0.36, 0.02)}


def draw_qrs(rng: np.random.Generator, form: Morphology, torso: Array) -> tuple[Gaussians, float, float]:
    """The QRS, its axis in degrees (in right bundle branch block of the left ventricular part) and duration in ms."""
    axis = form.axis_degrees.draw(rng)
    shapes: dict[Conduction, Callable[..., Gaussians]] = {
        "normal": _normal_qrs,
        "left_bundle": _left_bundle_qrs,
        "right_bundle": _right_bundle_qrs,
    }
    # Shapes are drawn for axes to the left of straight down; those further right are rotated.
    made_for = min(axis, _RIGHTMOST)
    qrs = shapes[form.conduction](rng, made_for, torso).turned(about_z(np.deg2rad(axis - made_for)))
    qrs = _with_height(rng, qrs, form, torso)
    median, spread, low, high = _DURATION_MS[form.conduction]
    duration_ms = float(np.clip(rng.normal(median, spread), low, high))
    if form.scar is not None:
        qrs = qrs + _q_wave(rng, form.scar, qrs)
    qrs = with_duration(qrs, duration_ms)
    if form.j_wave_mv is not None:
        x, y, z = np.array([0.8, 0.45, -0.25]) * rng.uniform(*form.j_wave_mv)
        qrs = qrs + Gaussians.of((qrs.visible_ms()[1], 7.0, x, y, z))
    return qrs, axis, duration_ms


def _normal_qrs(rng: np.random.Generator, axis: float, torso: Array) -> Gaussians:
    """A QRS that a reader calls normal; if Gaussians and axis are incompatible, another is drawn."""
    best = _any_qrs(rng, axis)
    least = _oddness(best, axis, torso)
    for _ in range(_TRIES - 1):
        if least == 0:
            break
        qrs = _any_qrs(rng, axis)
        oddness = _oddness(qrs, axis, torso)
        if oddness < least:
            best, least = qrs, oddness
    return best


def _oddness(qrs: Gaussians, axis_degrees: float, torso: Array) -> int:
    """Deviation from a normal QRS, apart from the axis: 0 is normal.

    aVR down, S in V1, R in V5 and V6, both limb peaks near the axis, no limb lead deep and tall at once.
    """
    leads_mv = _leads(qrs, torso)
    tall, deep = leads_mv.max(axis=1), -leads_mv.min(axis=1)
    net, share = tall - deep, tall / (tall + deep)
    off = np.degrees(np.arctan2(net[5] * 2 / np.sqrt(3), net[0])) - axis_degrees
    usual_axis = -30 <= axis_degrees <= 90
    wanted = [
        abs((off + 180) % 360 - 180) < 25,
        deep[3] > 2 * tall[3] or not usual_axis,
        deep[6] > 1.3 * tall[6],
        tall[10] > 1.4 * deep[10],
        tall[11] > 2 * deep[11] or not usual_axis,
        0.5 < tall[9] / tall[10] < 2.2,
        share[6] + 0.04 < share[8] < share[10] - 0.04,
        not usual_axis or bool(np.all(np.minimum(tall, deep)[:6] < 0.3 * (tall + deep)[:6].max())),
    ]
    return wanted.count(False)


def _leads(qrs: Gaussians, torso: Array) -> Array:
    """(12, ms) of a QRS alone."""
    first, last = qrs.span_ms()
    return twelve_leads(project(qrs.at(np.arange(first, last, 1.0)), torso))


def _any_qrs(rng: np.random.Generator, axis: float) -> Gaussians:
    """Septum to the front and right, free walls to the left, base to the back and up."""
    rows = [
        (-19 + about(rng, 0, 1.5), 6.5, about(rng, -0.11, 0.05), about(rng, -0.04, 0.04), about(rng, -0.08, 0.04)),
        (-9 + about(rng, 0, 1.5), about(rng, 7, 0.7), about(rng, 0.05, 0.08), 0.0, about(rng, -0.35, 0.14)),
        (0, about(rng, 8.5, 0.8), about(rng, 1.25, 0.15), about(rng, 0.75, 0.1), about(rng, 0.12, 0.1)),
        (17 + about(rng, 0, 2), about(rng, 9.5, 1), about(rng, -0.15, 0.1), about(rng, 0.1, 0.1), 0.85),
        (33 + about(rng, 0, 2), about(rng, 8, 1), about(rng, -0.12, 0.07), about(rng, -0.08, 0.09), 0.1),
    ]
    # Slurs and notches, each heart's own.
    for _ in range(int(rng.integers(0, 3))):
        rows.append((rng.uniform(-16, 34), about(rng, 4.5, 0.7), *(0.11 * rng.normal(size=3)).clip(-0.2, 0.2)))
    turn = np.deg2rad(about(rng, 0, 9))
    return _with_axis(Gaussians.of(*rows).turned(about_y(turn)), axis)


def _left_bundle_qrs(rng: np.random.Generator, axis: float, torso: Array) -> Gaussians:
    """Right to left and slow: QS or rS in V1, broad notched R without q in I and V6."""
    qrs = Gaussians.of(
        (-40, 11, 0.12, 0.1, about(rng, -0.16, 0.08)),
        (-16, about(rng, 16, 1.5), about(rng, 0.85, 0.12), 0.45, about(rng, 0.95, 0.12)),
        (11, 15, about(rng, 0.72, 0.1), 0.1, about(rng, 1.25, 0.15)),
        (36, about(rng, 15, 1.5), about(rng, 0.85, 0.12), -0.1, about(rng, 0.75, 0.1)),
        (60, 12, 0.15, -0.05, 0.1),
    )
    return _with_axis(qrs, axis, along_x=1.0)


def _right_bundle_qrs(rng: np.random.Generator, axis: float, torso: Array) -> Gaussians:
    """A normal left ventricle, which determines the axis, then a slow right one: rSR' in V1, broad S in I, V6."""
    early = _normal_qrs(rng, axis, torso)
    left = replace(early, dipole_mv=early.dipole_mv * np.array([1, 1, 0.72]))
    late = Gaussians.of(
        (54, about(rng, 13, 1), about(rng, -0.32, 0.06), about(rng, 0.06, 0.08), about(rng, -0.62, 0.12)),
        (76, 14, about(rng, -0.28, 0.06), 0.03, about(rng, -0.35, 0.08)),
    )
    return left + late


def _with_axis(qrs: Gaussians, axis_degrees: float, along_x: float = 0.5) -> Gaussians:
    """The QRS with y added so that its net areas in I and aVF give the axis: a part along x, the rest at the R peak.

    The axis is atan2(2 aVF / sqrt(3), I): I and aVF differ in scale (Goldberger's leads are 0.87 times Einthoven's).
    """
    x, y, z = qrs.area()
    ratio = np.tan(np.deg2rad(axis_degrees)) * np.sqrt(3) / 2
    # aVF = II - I/2 = -0.081 x + 1.1835 y - 0.1615 z is to be ratio times I = 0.632 x - 0.235 y + 0.059 z.
    wanted = (ratio * (0.632 * x + 0.059 * z) + 0.081 * x + 0.1615 * z) / (1.1835 + 0.235 * ratio)
    dipole_mv = qrs.dipole_mv.copy()
    main = int(np.argmax(dipole_mv[:, 0]))
    dipole_mv[:, 1] += (wanted - y) / x * dipole_mv[:, 0] * along_x
    dipole_mv[main, 1] += (1 - along_x) * (wanted - y) / (qrs.width_ms[main] * np.sqrt(2 * np.pi))
    return replace(qrs, dipole_mv=dipole_mv)


def _with_height(rng: np.random.Generator, qrs: Gaussians, form: Morphology, torso: Array) -> Gaussians:
    """The QRS scaled to a drawn R in V5; with `limits` between low voltage and hypertrophy."""
    leads_mv = _leads(qrs, torso)
    tall, deep = leads_mv.max(axis=1), -leads_mv.min(axis=1)
    limbs = (tall + deep)[:6].max()
    scale = form.height_mv.draw(rng) / tall[10]
    if form.limb_peak_to_peak_mv is not None:
        scale = min(scale, form.limb_peak_to_peak_mv / limbs)
    if not form.limits:
        return qrs.scaled(scale)
    scale = max(scale, 0.65 / limbs)
    highest = [2.1 / tall[9:].max(), 2.3 / limbs, 2.3 / deep[6:].max(), 3.3 / (deep[6] + tall[10])]
    return qrs.scaled(min(scale, *highest))


def _q_wave(rng: np.random.Generator, scar: str, qrs: Gaussians) -> Gaussians:
    """The first 40 ms with an infarcted wall: forces that point away from it, wide enough for a Q of 30 ms."""
    size = about(rng, 1.0, 0.2) * float(np.abs(qrs.dipole_mv).max()) / 0.9
    x, y, z = size * np.array(_SCAR[scar])
    return Gaussians.of((-20, 11, x, y, z), (-4, 9, 0.8 * x, 0.8 * y, 0.8 * z))


def with_duration(qrs: Gaussians, duration_ms: float) -> Gaussians:
    """The same QRS with this duration as read on paper."""
    first, last = qrs.visible_ms()
    return qrs.stretched(duration_ms / (last - first))


def draw_ventricular(rng: np.random.Generator, paced: bool) -> tuple[Gaussians, Gaussians]:
    """QRS and T of an early ventricular beat: wide, and T against it; from the right (V1 down) or left (V1 up)."""
    from_right = rng.random() < 0.6 or paced
    x, y, z = (0.55, 1.0, 0.95) if from_right else (-0.6, about(rng, -0.2, 0.6), -0.85)
    # A pacemaker's lead is in the apex, so the forces point upwards.
    x, y = about(rng, x, 0.2), -abs(about(rng, y, 0.25)) if paced else about(rng, y, 0.25)
    rows = [
        (-34, 17, 0.25 * x, 0.35 * y, -0.12 * z),
        (-8, 21, 0.85 * x, 0.8 * y, 0.6 * z),
        (24, about(rng, 21, 2), 0.55 * x, 0.45 * y, 0.75 * z),
        (58, 17, -0.12 * x, -0.1 * y, 0.2 * z),
        (rng.uniform(-25, 35), 8, *(0.16 * rng.normal(size=3)).clip(-0.3, 0.3)),
    ]
    size = rng.uniform(1.1, 1.6)
    qrs = with_duration(Gaussians.of(*rows).scaled(size), float(rng.uniform(132, 168)))
    st = Gaussians.of((480, 100, -0.12 * x, -0.12 * y, -0.12 * z))
    return qrs, (st + t_wave(-0.32 * x, -0.36 * y, -0.36 * z, tail=0.09)).scaled(size)
