"""Draws ST segments and T waves for a QT of 1000 ms, from QRS onset."""

from collections.abc import Callable

import numpy as np

from ecg_assets.records.synthetic.gaussian_waves import Gaussians, about
from ecg_assets.records.synthetic.mix import Conduction, Injury, Morphology, Territory, TFactor

# Which way the injury current points: up in V1-V4; in II, III, aVF (down in aVL); in I, aVL, V4-V6 (down in III); in
# II, V4-V6.
_INJURY: dict[Territory, tuple[float, float, float]] = {
    "anterior": (0.30, -0.15, -0.85),
    "inferior": (-0.25, 1.00, 0.05),
    "lateral": (0.95, -0.45, 0.10),
    "apical": (0.75, 0.40, -0.15),
}
_LIFT = ((245.0, 0.55), (330.0, 0.55), (425.0, 0.6), (520.0, 0.65), (620.0, 0.75), (720.0, 0.75), (815.0, 0.45))
_T_TAIL = 0.08  # of QT: the standard deviation of T's end; the tangent there meets zero at two of them


def draw_t(rng: np.random.Generator, form: Morphology, axis_degrees: float) -> Gaussians:
    """ST and T of the morphology."""
    shapes: dict[Conduction, Callable[[np.random.Generator, float], Gaussians]] = {
        "normal": _normal_t,
        "left_bundle": _left_bundle_t,
        "right_bundle": _right_bundle_t,
    }
    t = _multiplied(rng, shapes[form.conduction](rng, axis_degrees), form.t_factor)
    return t if form.injury is None else t + _injury(rng, form.injury)


def _multiplied(rng: np.random.Generator, t: Gaussians, factor: TFactor) -> Gaussians:
    return t.turned(np.diag([rng.uniform(*factor.x), rng.uniform(*factor.y), rng.uniform(*factor.z)]))


def t_wave(x: float, y: float, z: float, tail: float = _T_TAIL) -> Gaussians:
    """A slow rise and a faster fall, ending (by the tangent) at QT; z, the chest leads' T, peaks earlier."""
    peak = 1000 - 2 * 1000 * tail
    return Gaussians.of(
        (peak - 370, 100, 0.04 * x, 0.04 * y, 0.16 * z),
        (peak - 210, 100, 0.22 * x, 0.2 * y, 0.4 * z),
        (peak - 80, 85, 0.46 * x, 0.42 * y, 0.6 * z),
        (peak, 1000 * tail, 0.58 * x, 0.64 * y, 0.38 * z),
    )


def _normal_t(rng: np.random.Generator, axis: float) -> Gaussians:
    """T along QRS in the frontal plane and to the front: upright in I, II and V3-V6, either way in V1."""
    x = 0.33 * float(np.exp(0.35 * np.clip(rng.normal(), -2, 1.5)))
    t_axis = np.deg2rad(np.clip(about(rng, 0.5 * axis + 14, 12), 2, 60))
    z = -about(rng, 0.31, 0.2)
    wave = t_wave(x, x * float(np.tan(t_axis)) * 0.62, z)
    u_wave = Gaussians.of((1190, 75, 0.012, 0.008, -0.022 * rng.uniform(0, 1)))
    # Early repolarisation lifts the J point of V2 and V3 a little.
    st = Gaussians.of((330, 85, about(rng, -0.015, 0.03), 0.02 * rng.normal(), -about(rng, 0.03, 0.03)))
    return wave + u_wave + st


def _left_bundle_t(rng: np.random.Generator, axis: float) -> Gaussians:
    """ST and T against the QRS: up in V1-V3, down in I and V6."""
    size = about(rng, 1.0, 0.15)
    st = Gaussians.of((430, 90, -0.06, 0.0, -0.09), (560, 90, -0.06, 0.0, -0.12))
    return (st + t_wave(-0.25, 0.02 - 0.001 * axis, -0.34)).scaled(size)


def _right_bundle_t(rng: np.random.Generator, axis: float) -> Gaussians:
    """T against the late forces: inverted in V1 (and V2), upright in I and V6."""
    x = about(rng, 0.24, 0.04)
    return t_wave(x, x * float(np.tan(np.deg2rad(np.clip(0.5 * axis + 22, 12, 60)))) * 0.6, about(rng, 0.07, 0.05))


def _injury(rng: np.random.Generator, injury: Injury) -> Gaussians:
    """An ST deviation from the J point into T."""
    x, y, z = np.array(_INJURY[injury.territory]) * rng.uniform(*injury.size_mv)
    rows = [(centre, 62.0, share * x, share * y, share * z) for centre, share in _LIFT]
    return Gaussians.of(*rows)
