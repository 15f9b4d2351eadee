"""Effect of coffee rings, splashes and grease."""

import cv2
import numpy as np
import numpy.typing as npt

from ecg_assets.pages.camera.effects.compositing import Colour, Image, size_of, squares, through
from ecg_assets.pages.camera.effects.noise import Field, coarse, normal_noise, smooth_field
from ecg_assets.pages.camera.effects.registry import photometric

_STEP_PX = 2
_ABSORBED: dict[str, Colour] = {
    "coffee": (0.30, 0.46, 0.66),
    "tea": (0.14, 0.26, 0.52),
    "ink": (0.72, 0.66, 0.38),
    "blood": (0.30, 0.72, 0.72),
    "grease": (0.12, 0.14, 0.24),
    "water": (0.14, 0.13, 0.12),
}
_ANGLES = 256


@photometric("stains")
def stains(image_hwc: Image, rng: np.random.Generator, strength: float) -> Image:
    """Cups left rings and something was spilt: darker at the rim, where it dried last.

    Args:
        image_hwc: (h, w, 3) uint8.
        rng: draws liquid, places, sizes and outlines.
        strength: 0 to 1: how many and how dark.
    """
    shape = size_of(image_hwc)
    density = np.zeros(coarse(shape, _STEP_PX), dtype=np.float32)
    for _ in range(1 + int(rng.poisson(1.6 * strength * min(8.0, squares(shape))))):
        draw = _ring if rng.random() < 0.45 else _splash
        draw(density, rng)
    mottled = 1 + 0.22 * smooth_field(density.shape, 40, rng) + 0.05 * normal_noise(density.shape, rng, 1.2)
    liquid = str(rng.choice(list(_ABSORBED)))
    return through(image_hwc, density * mottled * np.float32(0.12 + 2.1 * strength), _ABSORBED[liquid])


def _ring(density: Field, rng: np.random.Generator) -> None:
    """A cup's foot, 35 to 80 mm across at 200 dpi, touched twice at times."""
    radius = rng.uniform(140, 320) / _STEP_PX
    centre = rng.uniform(0, 1, 2) * density.shape
    for _ in range(1 + int(rng.random() < 0.35)):
        wet = np.clip(0.55 + 0.7 * _around(rng, 1, 9), 0.0, 1.4)
        outline = radius * (1 + 0.012 * _around(rng, 2, 7))
        _dry(density, centre, outline, rim=wet, inside=0.05 * rng.random(), rim_px=rng.uniform(0.8, 2.6))
        centre = centre + rng.normal(0, radius / 5, 2)


def _splash(density: Field, rng: np.random.Generator) -> None:
    """A puddle with drops around it."""
    radius = rng.lognormal(np.log(45), 0.6) / _STEP_PX
    centre = rng.uniform(0, 1, 2) * density.shape
    outline = radius * np.clip(1 + 0.16 * _around(rng, 1, 8), 0.4, 2.0)
    _dry(
        density, centre, outline, rim=np.full(_ANGLES, 0.7), inside=rng.uniform(0.2, 0.5), rim_px=rng.uniform(1.0, 2.5)
    )
    for _ in range(int(rng.integers(0, 14))):
        row, column = (int(place) for place in centre + rng.normal(0, 1.9, 2) * radius)
        drop = max(1, round(min(radius, rng.lognormal(np.log(3.5), 0.6))))
        cv2.circle(density, (column, row), drop, 0.5, -1)
        cv2.circle(density, (column, row), drop, 0.8, 1)


def _around(rng: np.random.Generator, lowest: int, highest: int) -> Field:
    """(256,) float32, periodic random function of the angle, deviation about 1."""
    angle = np.arange(_ANGLES) * (2 * np.pi / _ANGLES)
    orders = np.arange(lowest, highest + 1)
    weights = rng.normal(0, 1, (2, len(orders))) / np.sqrt(orders)
    waves = weights[0] @ np.cos(np.outer(orders, angle)) + weights[1] @ np.sin(np.outer(orders, angle))
    around: Field = (waves / np.sqrt((1 / orders).sum())).astype(np.float32)
    return around


def _dry(
    density: Field, centre: npt.NDArray[np.float64], outline: Field, rim: Field, inside: float, rim_px: float
) -> None:
    """Adds a dried puddle: `outline` and `rim` by angle; the rim is sharp outside and fades inwards."""
    reach = float(outline.max()) + 3 * rim_px
    first = np.clip(np.floor(centre - reach), 0, density.shape).astype(int)
    last = np.clip(np.ceil(centre + reach), 0, density.shape).astype(int)
    if (last <= first).any():
        return
    y, x = (np.arange(first[axis], last[axis], dtype=np.float32) - np.float32(centre[axis]) for axis in (0, 1))
    away, angle = cv2.cartToPolar(*np.meshgrid(x, y), angleInDegrees=False)
    place = cv2.convertScaleAbs(angle, alpha=(_ANGLES - 1) / (2 * np.pi))
    depth = np.take(outline.astype(np.float32), place) - away
    falls = cv2.exp(cv2.min(depth * np.float32(-0.5 / rim_px), 0.0))
    wet = cv2.min(cv2.max(depth * np.float32(0.7) + np.float32(0.5), 0.0), 1.0)
    density[first[0] : last[0], first[1] : last[1]] += wet * (
        np.take(rim.astype(np.float32), place) * falls + np.float32(inside)
    )
