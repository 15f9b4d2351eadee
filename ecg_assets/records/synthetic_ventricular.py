"""QRS and T of beats that begin in the ventricles: early ones, escapes, tachycardia, a pacemaker's."""

import numpy as np

from ecg_assets.records.synthetic_draws import about
from ecg_assets.records.synthetic_gaussians import Gaussians
from ecg_assets.records.synthetic_qrs import with_duration
from ecg_assets.records.synthetic_repolarisation import t_wave


def draw_ventricular(rng: np.random.Generator, paced: bool) -> tuple[Gaussians, Gaussians]:
    """QRS and T of an early ventricular beat: wide, and T against it; from the right (V1 down) or left (V1 up)."""
    from_right = rng.random() < 0.6 or paced
    x, y, z = (0.55, 1.0, 0.95) if from_right else (-0.6, about(rng, -0.2, 0.6), -0.85)
    # A pacemaker's lead lies in the apex: upwards.
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
