"""Effects of old paper, and of print that shows through from its other side."""

import cv2
import numpy as np

from ecg_assets.pages.camera.effects.compositing import Colour, Image, lit, size_of, squares, transmission
from ecg_assets.pages.camera.effects.noise import coarse, normal_noise, smooth_field, upscaled
from ecg_assets.pages.camera.effects.registry import photometric

_ABSORBED: tuple[Colour, ...] = ((0.16, 0.32, 0.58), (0.10, 0.22, 0.46), (0.26, 0.36, 0.50), (0.20, 0.22, 0.24))
_STEP_PX = 2


@photometric("paper_ageing")
def paper_ageing(image_hwc: Image, rng: np.random.Generator, strength: float) -> Image:
    """The paper has yellowed unevenly, its fibres show, and it is scratched.

    Args:
        image_hwc: (h, w, 3) uint8.
        rng: draws hue, clouds, fibres and scratches.
        strength: 0 to 1: how dark and how rough.
    """
    shape = size_of(image_hwc)
    broad, fine = coarse(shape, 16), coarse(shape, _STEP_PX)
    clouds = 0.8 + 0.28 * smooth_field(broad, max(18.0, max(broad) / 2.5), rng) + 0.07 * smooth_field(broad, 6, rng)
    density = upscaled(cv2.max(clouds, 0.0) * np.float32(0.03 + 1.5 * strength), fine)
    # Fibres run along the paper: a grain stretched sideways.
    fibres = cv2.blur(normal_noise(fine, rng), (9, 1)) * 2 + normal_noise(fine, rng, 1.2) * np.float32(0.7)
    density += fibres * np.float32(0.13 * strength)
    density += _scratches(fine, rng, squares(shape)).astype(np.float32) * np.float32(0.9 * strength / 255)
    gain = transmission(cv2.max(density, 0.0), _ABSORBED[int(rng.integers(len(_ABSORBED)))])
    return lit(image_hwc, gain)


@photometric("bleed_through")
def bleed_through(image_hwc: Image, rng: np.random.Generator, strength: float) -> Image:
    """The other side's print shows through: mirrored, blurred and faint.

    Args:
        image_hwc: (h, w, 3) uint8; itself stands for what is on the other side.
        rng: draws how far the two sides are apart.
        strength: 0 to 1: how dark.
    """
    grey = cv2.flip(cv2.cvtColor(image_hwc, cv2.COLOR_RGB2GRAY), 1)
    shift = rng.integers(-120, 121, 2)
    other = cv2.blur(np.roll(grey, (int(shift[0]), int(shift[1])), (0, 1)), (5, 5))
    amount = 0.04 + 0.62 * strength
    # Only pixels darker than their surroundings are ink; the paper's own grey must not be darkened twice.
    table = np.clip(
        255 * (1 - amount * (1 - np.arange(256) / max(1.0, float(np.percentile(other[::8, ::8], 80))))), 0, 255
    )
    seen: Image = cv2.multiply(image_hwc, cv2.merge([cv2.LUT(other, table.astype(np.uint8))] * 3), scale=1 / 255)
    return seen


def _scratches(shape: tuple[int, int], rng: np.random.Generator, area: float) -> Image:
    """(h, w) uint8: a few long bent hairlines."""
    drawn = np.zeros(shape, dtype=np.uint8)
    for _ in range(int(rng.poisson(2.5 * min(8.0, area)))):
        start, along = rng.uniform(0, 1, 2) * shape[::-1], rng.normal(0, 60, 2)
        bend = rng.normal(0, 30, 2)
        t = np.linspace(-1, 1, 12)[:, None]
        points = np.rint(start + along * t + bend * t**2).astype(np.int32)
        cv2.polylines(drawn, [points], False, int(rng.integers(60, 255)), 1, cv2.LINE_AA)
    return drawn
