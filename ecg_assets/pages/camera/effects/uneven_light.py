"""Effect of lamps that light one side, and of their glare."""

import cv2
import numpy as np

from ecg_assets.pages.camera.effects.compositing import Image, lit, size_of
from ecg_assets.pages.camera.effects.noise import Field, coarse, smooth_field
from ecg_assets.pages.camera.effects.registry import photometric

_STEP_PX = 16


@photometric("uneven_light")
def uneven_light(image_hwc: Image, rng: np.random.Generator, strength: float) -> Image:
    """A lamp at one side: bright there, dark and tinted elsewhere, at times with a glare.

    Args:
        image_hwc: (h, w, 3) uint8.
        rng: draws the side, the lamp's colour and the glare.
        strength: 0 to 1: how dark it gets, and how much the glare washes out.
    """
    shape = size_of(image_hwc)
    small = coarse(shape, _STEP_PX)
    y, x = (np.linspace(-1, 1, size, dtype=np.float32) for size in small)
    angle = rng.uniform(0, 2 * np.pi)
    away = np.float32(np.cos(angle)) * x[None, :] + np.float32(np.sin(angle)) * y[:, None]
    uneven = away * np.float32(rng.uniform(0.4, 1.0))
    uneven += smooth_field(small, max(4.0, max(small) * 0.7), rng) * np.float32(0.25)
    # The logarithm of light is what falls off evenly to the eye.
    tint = rng.normal(1.0, 0.07, 3).astype(np.float32)
    dim = np.float32(1.15 * strength + 0.015)
    # Phones expose for the light part, so little of it is clipped.
    gain: Field = np.exp(np.minimum(uneven[..., None] - np.float32(0.45), np.float32(0.2)) * dim * tint)
    seen = lit(image_hwc, gain)
    if rng.random() < 0.4:
        glare = np.clip(_spot(small, rng) * np.float32(rng.uniform(60, 255) * strength), 0, 255).astype(np.uint8)
        seen = cv2.add(seen, cv2.merge([cv2.resize(glare, (shape[1], shape[0]), interpolation=cv2.INTER_CUBIC)] * 3))
    return seen


def _spot(shape: tuple[int, int], rng: np.random.Generator) -> Field:
    """(h, w) float32, 0 to 1: a long soft spot."""
    centre, turn = rng.uniform(0, 1, 2) * shape, rng.uniform(0, np.pi)
    y = np.arange(shape[0], dtype=np.float32)[:, None] - np.float32(centre[0])
    x = np.arange(shape[1], dtype=np.float32)[None, :] - np.float32(centre[1])
    along, across = x * np.cos(turn) + y * np.sin(turn), y * np.cos(turn) - x * np.sin(turn)
    width = rng.uniform(2, 8)
    length = width * rng.uniform(1, 4)
    spot: Field = np.exp(-((along / length) ** 2) - (across / width) ** 2).astype(np.float32)
    return spot
