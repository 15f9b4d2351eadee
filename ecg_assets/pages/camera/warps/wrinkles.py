"""Paper that was crumpled or got damp: many small hills and hollows."""

import numpy as np

from ecg_assets.pages.camera.warps.registry import Deformation, Field, Points, deformation

_WAVES = 7
# The displacement's steepness in all, so that the paper never folds over itself.
_MOST_STEEPNESS = 0.16
_LIGHT = 1.3


@deformation("wrinkles")
def wrinkles(rng: np.random.Generator, strength: float, paper_mm: tuple[float, float]) -> Deformation:
    """Seven crossing waves 18 to 90 mm long that push points to and fro; light follows their slopes."""
    angles = rng.uniform(0, 2 * np.pi, _WAVES)
    lengths_mm = np.exp(rng.uniform(np.log(18), np.log(90), _WAVES))
    waves = np.stack([np.cos(angles), np.sin(angles)], axis=1) * (2 * np.pi / lengths_mm)[:, None]
    phases = rng.uniform(0, 2 * np.pi, _WAVES)
    shares = rng.dirichlet(np.full(_WAVES, 2.0))
    steepness = strength * _MOST_STEEPNESS * shares
    pushes = waves / (waves**2).sum(axis=1, keepdims=True) * steepness[:, None]

    def move(points: Points) -> Points:
        pushed: Points = points + np.sin(points @ waves.T + phases) @ pushes
        return pushed

    def shade(x_mm: Field, y_mm: Field) -> Field:
        lit = np.ones_like(x_mm)
        for wave, phase, share in zip(waves.astype(np.float32), phases, steepness, strict=True):
            lit += np.float32(share * _LIGHT) * np.cos(x_mm * wave[0] + y_mm * wave[1] + np.float32(phase + 0.7))
        return lit

    return Deformation(move, shade)
