"""Paper that was crumpled up and smoothed out again: facets that face the light differently, sharp creases between."""

import cv2
import numpy as np

from ecg_assets.pages.camera.warps.registry import Deformation, Field, Points, deformation

# Large facets, and small ones in them.
_FACETS_MM = ((46.0, 0.6), (15.0, 0.4))
_NODES_PER_MM = 1
_LIGHT, _BRIM = 0.28, 0.5
_WAVES, _MOST_STEEPNESS = 3, 0.04


@deformation("crumple")
def crumple(rng: np.random.Generator, strength: float, paper_mm: tuple[float, float]) -> Deformation:
    """Facets of 15 and 46 mm, each of one light, with a brim along the creases; points are pushed a little.

    The light is drawn once on a lattice of millimetres, which costs less than waves at each pixel.
    """
    light = np.float32(_LIGHT * strength) * _facets(rng, paper_mm)
    angles, lengths_mm = rng.uniform(0, 2 * np.pi, _WAVES), rng.uniform(25, 60, _WAVES)
    waves = np.stack([np.cos(angles), np.sin(angles)], axis=1) * (2 * np.pi / lengths_mm)[:, None]
    phases = rng.uniform(0, 2 * np.pi, _WAVES)
    pushes = waves / (waves**2).sum(axis=1, keepdims=True) * (strength * _MOST_STEEPNESS / _WAVES)

    def move(points: Points) -> Points:
        pushed: Points = points + np.sin(points @ waves.T + phases) @ pushes
        return pushed

    def shade(x_mm: Field, y_mm: Field) -> Field:
        per_mm, half = np.float32(_NODES_PER_MM), np.float32(0.5)
        seen = cv2.remap(
            light, x_mm * per_mm - half, y_mm * per_mm - half, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
        )
        lit: Field = np.float32(1) + seen
        return lit

    return Deformation(move, shade, fine=True)


def _facets(rng: np.random.Generator, paper_mm: tuple[float, float]) -> Field:
    """(h, w) float32, about -1 to 1: how much each facet faces the light, and the brims of the creases."""
    width, height = (round(side * _NODES_PER_MM) for side in paper_mm)
    tones = np.zeros((height, width), dtype=np.float32)
    for facet_mm, weight in _FACETS_MM:
        count = max(4, round(paper_mm[0] * paper_mm[1] / facet_mm**2))
        elsewhere = np.full((height, width), 255, dtype=np.uint8)
        elsewhere[rng.integers(0, height, count), rng.integers(0, width, count)] = 0
        _, nearest = cv2.distanceTransformWithLabels(elsewhere, cv2.DIST_L2, 3, labelType=cv2.DIST_LABEL_PIXEL)
        facing = np.clip(rng.normal(0, 0.5, count + 1), -1, 1).astype(np.float32)
        tones += np.float32(weight) * facing[nearest]
    # Where one facet passes into the next, the ridge catches the light and the hollow beside it loses it.
    brims = cv2.filter2D(tones, cv2.CV_32F, np.array([[-1, -1, 0], [-1, 0, 1], [0, 1, 1]], dtype=np.float32))
    soft: Field = cv2.GaussianBlur(tones, (0, 0), 0.6) + np.float32(_BRIM) * cv2.blur(brims, (2, 2))
    return np.clip(soft, -1, 1)
