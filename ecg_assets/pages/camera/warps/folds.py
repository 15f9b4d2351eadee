"""Paper that was folded and opened again: creases with a face on each side."""

import numpy as np
import numpy.typing as npt

from ecg_assets.pages.camera.warps.registry import Deformation, Field, Points, deformation, raised

_MOST_TILT = 0.22
_CREASE_MM = 2.5
_FACE_LIGHT, _LINE_LIGHT = 0.5, 0.35


@deformation("folds")
def folds(rng: np.random.Generator, strength: float, paper_mm: tuple[float, float]) -> Deformation:
    """One to three creases, mostly parallel to the paper's edges as hands fold it; faces tilt up to 12 degrees."""
    count = int(rng.integers(1, 4))
    angles = rng.choice([0.0, np.pi / 2], count) + rng.normal(0, 0.06, count)
    normals = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    places = ((rng.uniform(0.25, 0.75, (count, 2)) * paper_mm) * normals).sum(axis=1)
    tilts = strength * _MOST_TILT * rng.uniform(0.4, 1.0, count) * rng.choice([-1, 1], count) / np.sqrt(count)

    def move(points: Points) -> Points:
        height_mm = np.zeros(len(points))
        moved = points
        for normal, place, tilt in zip(normals, places, tilts, strict=True):
            away = points @ normal - place
            # A kink rounded over the crease's width: the slope turns from -tilt to tilt without a jump.
            height_mm = height_mm + tilt * (np.sqrt(away**2 + _CREASE_MM**2) - _CREASE_MM)
            moved = moved - (tilt**2 / 2 * away)[:, None] * normal
        return raised(moved, height_mm, paper_mm)

    def shade(x_mm: Field, y_mm: Field) -> Field:
        lit = np.ones_like(x_mm)
        for normal, place, tilt in zip(normals.astype(np.float32), places, tilts, strict=True):
            away = x_mm * normal[0] + y_mm * normal[1] - np.float32(place)
            lit += _crease(away, float(tilt), strength)
        return lit

    return Deformation(move, shade, fine=True)


def _crease(away_mm: Field, tilt: float, strength: float) -> npt.NDArray[np.float32]:
    """One face is lighter than the other; the crease is a fine dark line with a light brim."""
    face = np.float32(_FACE_LIGHT * tilt) * away_mm / np.sqrt(away_mm**2 + np.float32(_CREASE_MM**2))
    line = np.exp(-((away_mm / np.float32(0.35)) ** 2))
    brim = np.exp(-(((away_mm - np.float32(0.9)) / np.float32(0.6)) ** 2))
    lit: Field = face - np.float32(_LINE_LIGHT * strength) * (line - np.float32(0.4) * brim)
    return lit
