"""Draws the waves of one heart per record: P, QRS, ST and T as Gaussians of a dipole, in milliseconds.

Times are relative to the R peak. P, PR and QRS do not depend on the heart rate; QT does.
Axes: x to the left, y to the feet, z to the back.
"""

from dataclasses import dataclass

import numpy as np

from ecg_assets.records.synthetic.dower import Array, draw_torso
from ecg_assets.records.synthetic.gaussian_waves import Gaussians, about
from ecg_assets.records.synthetic.mix import Morphology
from ecg_assets.records.synthetic.qrs import draw_qrs, draw_ventricular
from ecg_assets.records.synthetic.repolarisation import draw_t
from ecg_assets.records.synthetic.rhythm import Beat

_PR_MS = (131.0, 197.0)
# 1.5 ms wide, so that at 250 Hz a sample falls into it.
_SPIKE = Gaussians.of((-4.0, 1.5, 0.5, 0.9, 0.1))


@dataclass(frozen=True)
class Heart:
    """One record's heart, and the chest around it.

    Attributes:
        p: its P wave, from P onset.
        atrial_p: the P wave of an early atrial beat, from P onset.
        qrs: its QRS, from the R peak.
        t: its ST segment and T wave for a QT of 1000 ms, from QRS onset.
        ventricular_qrs, ventricular_t: the same of a beat from the ventricles.
        pr_ms: from P onset to QRS onset.
        qrs_ms: from QRS onset to end, as read on paper.
        qtc_ms: QT at 60 /min.
        axis_degrees: of the net area of QRS in I and aVF; in right bundle branch block of its left ventricular part,
            and without the effect of a scar.
        torso: (8, 3), from its dipole to the independent leads.
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
    torso: Array

    def qt_ms(self, rr_s: float) -> float:
        """QT at a rate: Fridericia's cube root (Acta Med Scand 1920; 53:469-486), QT = QTc (RR / 1 s) ** (1/3)."""
        return float(self.qtc_ms * np.cbrt(rr_s))

    def beat(self, beat: Beat) -> Gaussians:
        """All waves of one beat, from its R peak."""
        qt_ms = self.qt_ms(beat.rr_s)
        if beat.origin in ("ventricular", "paced"):
            onset, _ = self.ventricular_qrs.visible_ms()
            ventricles = self.ventricular_qrs + self.ventricular_t.stretched(1.1 * qt_ms / 1000).shifted(onset)
            return ventricles + _SPIKE.shifted(onset) if beat.origin == "paced" else ventricles
        onset, _ = self.qrs.visible_ms()
        ventricles = self.qrs + self.t.stretched(qt_ms / 1000).shifted(onset)
        if beat.origin == "conducted":
            return ventricles
        pr_ms = self.pr_ms if beat.pr_ms is None else beat.pr_ms
        return (self.atrial_p if beat.origin == "atrial" else self.p).shifted(onset - pr_ms) + ventricles


def draw_heart(rng: np.random.Generator, form: Morphology, paced: bool = False) -> Heart:
    """A heart within normal adult ranges, except where the morphology differs."""
    torso = draw_torso(rng)
    qrs, axis_degrees, qrs_ms = draw_qrs(rng, form, torso)
    t = draw_t(rng, form, axis_degrees)
    p = _p_wave(rng)
    ventricular_qrs, ventricular_t = draw_ventricular(rng, paced)
    return Heart(
        p=p,
        atrial_p=p.turned(np.diag([0.9, rng.uniform(-0.6, 0.5), rng.uniform(0.3, 1.2)])),
        qrs=qrs,
        t=t,
        ventricular_qrs=ventricular_qrs,
        ventricular_t=ventricular_t,
        pr_ms=float(np.clip(rng.normal(169, 20), *_PR_MS)),
        qrs_ms=qrs_ms,
        qtc_ms=float(rng.uniform(*form.qtc_ms)) + (0.0 if form.conduction == "normal" else 0.5 * (qrs_ms - 90)),
        axis_degrees=axis_degrees,
        torso=torso,
    )


def _p_wave(rng: np.random.Generator) -> Gaussians:
    """P wave: right atrium to the front and down, left atrium to the left and back; biphasic in V1, upright in II."""
    width = about(rng, 1.0, 0.07)
    size = about(rng, 0.78, 0.2)
    right = (36 * width, 15 * width, 0.035, about(rng, 0.095, 0.015), about(rng, -0.055, 0.02))
    left = (67 * width, 15 * width, about(rng, 0.06, 0.012), about(rng, 0.075, 0.015), about(rng, 0.03, 0.02))
    return Gaussians.of(right, left).scaled(size)
