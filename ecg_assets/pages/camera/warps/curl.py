"""Paper that does not lie flat: it rises and falls like a flag, along one direction."""

import numpy as np

from ecg_assets.pages.camera.warps.registry import Deformation, Field, Points, deformation, raised

_MOST_SLOPE = 0.5
_LIGHT = 0.55


@deformation("curl")
def curl(rng: np.random.Generator, strength: float, paper_mm: tuple[float, float]) -> Deformation:
    """A cylinder's wave of one to two thirds of a period across the page; slopes up to 0.5."""
    angle = rng.uniform(0, 2 * np.pi)
    along = np.array([np.cos(angle), np.sin(angle)])
    wave_mm = rng.uniform(1.1, 2.2) * max(paper_mm)
    phase = rng.uniform(0, 2 * np.pi)
    turns = 2 * np.pi / wave_mm
    slope = strength * _MOST_SLOPE * rng.uniform(0.7, 1.0)
    light = _LIGHT * rng.choice([-1, 1])

    def move(points: Points) -> Points:
        place = points @ along
        angle_there = turns * place + phase
        height_mm = slope / turns * (np.sin(angle_there) + 1)
        # Seen from above, a sloping piece is shorter by half of its slope squared: its integral along the wave.
        shorter_mm = slope**2 / 4 * (place + np.sin(2 * angle_there) / (2 * turns))
        return raised(points - shorter_mm[:, None] * along, height_mm, paper_mm)

    def shade(x_mm: Field, y_mm: Field) -> Field:
        angle_there = np.float32(turns) * (x_mm * np.float32(along[0]) + y_mm * np.float32(along[1]))
        lit: Field = 1 + np.float32(light * slope) * np.cos(angle_there + np.float32(phase))
        return lit

    return Deformation(move, shade)
