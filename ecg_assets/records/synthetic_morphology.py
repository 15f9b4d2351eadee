"""The waves of one heart: P, QRS, ST and T as Gaussians of a dipole, in milliseconds, drawn per record.

Times are relative to the R peak. P, PR and QRS keep their milliseconds at any rate; QT follows it.
Axes: x to the left, y to the feet, z to the back.
"""

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from ecg_assets.records.synthetic_gaussians import Gaussians
from ecg_assets.records.synthetic_leads import Array, project, twelve_leads
from ecg_assets.records.synthetic_rhythm import Origin

Conduction = Literal["normal", "left_bundle", "right_bundle"]
Territory = Literal["anterior", "inferior", "lateral"]

# Which way the injury current points: up in V1-V4; in II, III, aVF (down in aVL); in I, aVL, V4-V6 (down in III).
_INJURY: dict[Territory, tuple[float, float, float]] = {
    "anterior": (0.30, -0.15, -0.85),
    "inferior": (-0.25, 1.00, 0.05),
    "lateral": (0.95, -0.45, 0.10),
}

_PR_MS = (134.0, 196.0)
_QRS_MS = {"normal": (74.0, 101.0), "left_bundle": (130.0, 158.0), "right_bundle": (124.0, 146.0)}
_QTC_MS = (372.0, 412.0)
_T_TAIL = 0.08  # of QT: the standard deviation of T's end; the tangent there meets zero at two of them


@dataclass(frozen=True)
class Heart:
    """One record's heart.

    Attributes:
        p: its P wave, from P onset.
        atrial_p: the P wave of an early atrial beat, from P onset.
        qrs: its QRS, from the R peak.
        t: its ST segment and T wave for a QT of 1000 ms, from QRS onset.
        ventricular_qrs, ventricular_t: the same of an early ventricular beat.
        pr_ms: from P onset to QRS onset.
        qrs_ms: from QRS onset to end, as read on paper.
        qtc_ms: QT at 60 /min.
        axis_degrees: of the net area of QRS in I and aVF; in right bundle branch block, of its left ventricular part.
    """

    p: Gaussians
    atrial_p: Gaussians
    qrs: Gaussians
    t: Gaussians
    ventricular_qrs: Gaussians
    ventricular_t: Gaussians
    pr_ms: float
    qrs_ms: float
    qtc_ms: float
    axis_degrees: float

    def qt_ms(self, rr_s: float) -> float:
        """QT at a rate: Fridericia's cube root (Acta Med Scand 1920; 53:469-486), QT = QTc (RR / 1 s) ** (1/3)."""
        return float(self.qtc_ms * np.cbrt(rr_s))

    def beat(self, origin: Origin, rr_s: float) -> Gaussians:
        """All waves of one beat, from its R peak.

        Args:
            origin: a ventricular beat has no P and its own QRS and T, fibrillation has no P.
            rr_s: the RR interval that QT has adapted to.
        """
        qt_ms = self.qt_ms(rr_s)
        if origin == "ventricular":
            onset, _ = self.ventricular_qrs.visible_ms()
            return self.ventricular_qrs + self.ventricular_t.stretched(1.1 * qt_ms / 1000).shifted(onset)
        onset, _ = self.qrs.visible_ms()
        ventricles = self.qrs + self.t.stretched(qt_ms / 1000).shifted(onset)
        if origin == "fibrillation":
            return ventricles
        return (self.atrial_p if origin == "atrial" else self.p).shifted(onset - self.pr_ms) + ventricles


def draw_heart(rng: np.random.Generator, conduction: Conduction, territory: Territory | None) -> Heart:
    """A heart within normal adult ranges, but for what is asked: a bundle branch's block, or an injured territory."""
    axis = float(np.clip(rng.normal(42, 24), -18, 78))
    qrs_ms = float(rng.uniform(*_QRS_MS[conduction]))
    shapes = {"normal": _normal_qrs, "left_bundle": _left_bundle_qrs, "right_bundle": _right_bundle_qrs}
    qrs = _with_duration(_with_height(rng, shapes[conduction](rng, axis)), qrs_ms)
    t = {"normal": _normal_t, "left_bundle": _left_bundle_t, "right_bundle": _right_bundle_t}[conduction](rng, axis)
    if territory is not None:
        t = t + _injury(rng, territory)
    p = _p_wave(rng)
    ventricular_qrs, ventricular_t = _ventricular(rng)
    return Heart(
        p=p,
        atrial_p=p.turned(np.diag([0.9, rng.uniform(-0.6, 0.5), rng.uniform(0.3, 1.2)])),
        qrs=qrs,
        t=t,
        ventricular_qrs=ventricular_qrs,
        ventricular_t=ventricular_t,
        pr_ms=float(np.clip(rng.normal(162, 16), *_PR_MS)),
        qrs_ms=qrs_ms,
        qtc_ms=float(rng.uniform(*_QTC_MS)) + (0.0 if conduction == "normal" else 0.5 * (qrs_ms - 90)),
        axis_degrees=axis,
    )


def _about(rng: np.random.Generator, value: float, spread: float) -> float:
    """A draw around a value, its tails cut at two standard deviations."""
    return float(value + spread * np.clip(rng.normal(), -2, 2))


def _p_wave(rng: np.random.Generator) -> Gaussians:
    """Right atrium to the front and down, then left atrium to the left and back: biphasic in V1, upright in II."""
    width = _about(rng, 1.0, 0.07)
    size = _about(rng, 0.78, 0.2)
    right = (36 * width, 15 * width, 0.035, _about(rng, 0.095, 0.015), _about(rng, -0.055, 0.02))
    left = (67 * width, 15 * width, _about(rng, 0.06, 0.012), _about(rng, 0.075, 0.015), _about(rng, 0.03, 0.02))
    return Gaussians.of(right, left).scaled(size)


def _normal_qrs(rng: np.random.Generator, axis: float) -> Gaussians:
    """A QRS that a reader calls normal; where Gaussians and axis do not go together, another is drawn."""
    while True:
        qrs = _any_qrs(rng, axis)
        if _looks_normal(qrs, axis):
            return qrs


def _looks_normal(qrs: Gaussians, axis_degrees: float) -> bool:
    """aVR down, S in V1, R in V5 and V6, both limb peaks near the axis, no limb lead deep and tall at once."""
    first, last = qrs.span_ms()
    leads_mv = twelve_leads(project(qrs.at(np.arange(first, last, 1.0))))
    tall, deep = leads_mv.max(axis=1), -leads_mv.min(axis=1)
    net = tall - deep
    off = np.degrees(np.arctan2(net[5] * 2 / np.sqrt(3), net[0])) - axis_degrees
    limbs_simple = bool(np.all(np.minimum(tall, deep)[:6] < 0.3 * (tall + deep)[:6].max()))
    return bool(
        abs(off) < 25
        and deep[3] > 2 * tall[3]
        and deep[6] > 1.3 * tall[6]
        and tall[10] > 1.4 * deep[10]
        and tall[11] > 2 * deep[11]
        and 0.5 < tall[9] / tall[10] < 2.2
        and limbs_simple
    )


def _any_qrs(rng: np.random.Generator, axis: float) -> Gaussians:
    """Septum to the front and right, free walls to the left, base to the back and up."""
    rows = [
        (-19 + _about(rng, 0, 1.5), 6.5, _about(rng, -0.11, 0.05), _about(rng, -0.04, 0.04), _about(rng, -0.10, 0.04)),
        (-9 + _about(rng, 0, 1.5), _about(rng, 7, 0.7), _about(rng, 0.05, 0.08), 0.0, _about(rng, -0.42, 0.14)),
        (0, _about(rng, 8.5, 0.8), _about(rng, 1.25, 0.15), _about(rng, 0.75, 0.1), _about(rng, 0.12, 0.1)),
        (17 + _about(rng, 0, 2), _about(rng, 9.5, 1), _about(rng, -0.15, 0.1), _about(rng, 0.1, 0.1), 0.85),
        (33 + _about(rng, 0, 2), _about(rng, 8, 1), _about(rng, -0.12, 0.07), _about(rng, -0.08, 0.09), 0.1),
    ]
    # Slurs and notches, each heart's own.
    for _ in range(int(rng.integers(0, 3))):
        rows.append((rng.uniform(-16, 34), _about(rng, 4.5, 0.7), *(0.11 * rng.normal(size=3)).clip(-0.2, 0.2)))
    turn = np.deg2rad(_about(rng, 0, 9))
    return _with_axis(Gaussians.of(*rows).turned(_about_y(turn)), axis)


def _left_bundle_qrs(rng: np.random.Generator, axis: float) -> Gaussians:
    """Right to left and slow: QS or rS in V1, broad notched R without q in I and V6."""
    qrs = Gaussians.of(
        (-40, 11, 0.12, 0.1, _about(rng, -0.16, 0.08)),
        (-16, _about(rng, 16, 1.5), _about(rng, 0.85, 0.12), 0.45, _about(rng, 0.95, 0.12)),
        (11, 15, _about(rng, 0.72, 0.1), 0.1, _about(rng, 1.25, 0.15)),
        (36, _about(rng, 15, 1.5), _about(rng, 0.85, 0.12), -0.1, _about(rng, 0.75, 0.1)),
        (60, 12, 0.15, -0.05, 0.1),
    )
    return _with_axis(qrs, axis, along_x=1.0)


def _right_bundle_qrs(rng: np.random.Generator, axis: float) -> Gaussians:
    """The left ventricle as always, which makes the axis, then the right one, slow: rSR' in V1, broad S in I, V6."""
    early = _normal_qrs(rng, axis)
    left = replace(early, dipole_mv=early.dipole_mv * np.array([1, 1, 0.72]))
    late = Gaussians.of(
        (54, _about(rng, 13, 1), _about(rng, -0.32, 0.06), _about(rng, 0.06, 0.08), _about(rng, -0.62, 0.12)),
        (76, 14, _about(rng, -0.28, 0.06), 0.03, _about(rng, -0.35, 0.08)),
    )
    return left + late


def _with_axis(qrs: Gaussians, axis_degrees: float, along_x: float = 0.5) -> Gaussians:
    """The QRS with y added so that its net areas in I and aVF make the axis: a part along x, the rest at the R peak.

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


def _with_height(rng: np.random.Generator, qrs: Gaussians) -> Gaussians:
    """The QRS scaled to a drawn R in V5, but neither to low voltage nor beyond the limits of hypertrophy."""
    first, last = qrs.span_ms()
    leads_mv = twelve_leads(project(qrs.at(np.arange(first, last, 1.0))))
    tall, deep = leads_mv.max(axis=1), -leads_mv.min(axis=1)
    scale = float(np.clip(rng.lognormal(np.log(1.25), 0.25), 0.7, 2.0)) / tall[10]
    scale = max(scale, 0.65 / (tall + deep)[:6].max())
    limits = [2.1 / tall[9:].max(), 2.3 / (tall + deep)[:6].max(), 2.3 / deep[6:].max(), 3.3 / (deep[6] + tall[10])]
    return qrs.scaled(min(scale, *limits))


def _with_duration(qrs: Gaussians, duration_ms: float) -> Gaussians:
    first, last = qrs.visible_ms()
    return qrs.stretched(duration_ms / (last - first))


def _t_wave(x: float, y: float, z: float, tail: float = _T_TAIL) -> Gaussians:
    """A slow rise and a faster fall, ending (by the tangent) at QT; z, the chest leads' T, peaks earlier."""
    peak = 1000 - 2 * 1000 * tail
    return Gaussians.of(
        (peak - 370, 100, 0.07 * x, 0.05 * y, 0.2 * z),
        (peak - 210, 105, 0.24 * x, 0.2 * y, 0.42 * z),
        (peak - 80, 85, 0.46 * x, 0.42 * y, 0.6 * z),
        (peak, 1000 * tail, 0.58 * x, 0.64 * y, 0.38 * z),
    )


def _normal_t(rng: np.random.Generator, axis: float) -> Gaussians:
    """T along QRS in the frontal plane and to the front: upright in I, II and V3-V6, either way in V1."""
    x = _about(rng, 0.28, 0.065)
    t_axis = np.deg2rad(np.clip(_about(rng, 0.5 * axis + 22, 10), 12, 66))
    z = -_about(rng, 0.25, 0.10)
    wave = _t_wave(x, x * float(np.tan(t_axis)) * 0.62, z)
    u_wave = Gaussians.of((1190, 75, 0.012, 0.008, -0.022 * rng.uniform(0, 1)))
    # Early repolarisation lifts the J point of V2 and V3 a little.
    st = Gaussians.of((330, 75, 0.015 * rng.normal(), 0.0, -_about(rng, 0.03, 0.012)))
    return wave + u_wave + st


def _left_bundle_t(rng: np.random.Generator, axis: float) -> Gaussians:
    """ST and T against the QRS: up in V1-V3, down in I and V6."""
    size = _about(rng, 1.0, 0.15)
    st = Gaussians.of((430, 90, -0.06, 0.0, -0.09), (560, 90, -0.06, 0.0, -0.12))
    return (st + _t_wave(-0.25, 0.02 - 0.001 * axis, -0.34)).scaled(size)


def _right_bundle_t(rng: np.random.Generator, axis: float) -> Gaussians:
    """T against the late forces: inverted in V1 (and V2), upright in I and V6."""
    x = _about(rng, 0.24, 0.04)
    return _t_wave(x, x * float(np.tan(np.deg2rad(np.clip(0.5 * axis + 22, 12, 60)))) * 0.6, _about(rng, 0.07, 0.05))


def _injury(rng: np.random.Generator, territory: Territory) -> Gaussians:
    """An ST segment that stays lifted from the J point into a taller T."""
    x, y, z = np.array(_INJURY[territory]) * rng.uniform(0.16, 0.38)
    rows = [(centre, 62.0, share * x, share * y, share * z) for centre, share in _LIFT]
    return Gaussians.of(*rows)


_LIFT = ((245.0, 0.55), (330.0, 0.55), (425.0, 0.6), (520.0, 0.65), (620.0, 0.75), (720.0, 0.75), (815.0, 0.45))


def _ventricular(rng: np.random.Generator) -> tuple[Gaussians, Gaussians]:
    """QRS and T of an early ventricular beat: wide, and T against it; from the right (V1 down) or left (V1 up)."""
    from_right = rng.random() < 0.6
    x, y, z = (0.55, 1.0, 0.95) if from_right else (-0.6, _about(rng, -0.2, 0.6), -0.85)
    x, y = _about(rng, x, 0.2), _about(rng, y, 0.25)
    rows = [
        (-34, 17, 0.25 * x, 0.35 * y, -0.12 * z),
        (-8, 21, 0.85 * x, 0.8 * y, 0.6 * z),
        (24, _about(rng, 21, 2), 0.55 * x, 0.45 * y, 0.75 * z),
        (58, 17, -0.12 * x, -0.1 * y, 0.2 * z),
        (rng.uniform(-25, 35), 8, *(0.16 * rng.normal(size=3)).clip(-0.3, 0.3)),
    ]
    size = rng.uniform(0.85, 1.3)
    qrs = _with_duration(Gaussians.of(*rows).scaled(size), float(rng.uniform(132, 168)))
    st = Gaussians.of((480, 100, -0.12 * x, -0.12 * y, -0.12 * z))
    return qrs, (st + _t_wave(-0.32 * x, -0.36 * y, -0.36 * z, tail=0.09)).scaled(size)


def _about_y(angle: float) -> Array:
    """(3, 3) rotation in the horizontal plane, from the left to the back."""
    cos, sin = np.cos(angle), np.sin(angle)
    return np.array([[cos, 0, -sin], [0, 1, 0], [sin, 0, cos]])
