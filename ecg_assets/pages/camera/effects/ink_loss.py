"""Effects of faded or badly printed ink. Its place is unchanged: only its colour fades."""

import cv2
import numpy as np

from ecg_assets.pages.camera.effects.noise import Field, coarse, normal_noise, smooth_field, upscaled
from ecg_assets.pages.camera.effects.registry import ink


@ink("fading")
def fading(shape: tuple[int, int], rng: np.random.Generator, strength: float) -> Field:
    """The ink has paled unevenly, as thermal paper does.

    Args:
        shape: the picture's height and width.
        rng: draws where it is palest.
        strength: 0 to 1; at 1 a tenth of the ink is left in the palest places.

    Returns:
        (h, w) float32, 0 to 1: the ink's opacity is multiplied by it.
    """
    pale = 0.70 + 0.22 * smooth_field(coarse(shape, 16), rng.uniform(5, 16), rng)
    left = np.clip(1 - (0.02 + 0.98 * strength) * pale, 0.1, 1.0).astype(np.float32)
    return upscaled(left, shape)


@ink("broken_ink")
def broken_ink(shape: tuple[int, int], rng: np.random.Generator, strength: float) -> Field:
    """The printer drops out: worn patches, dead elements of its head, or dots that do not join.

    Args:
        shape: the picture's height and width.
        rng: draws which of the three, and where.
        strength: 0 to 1: how much is missing and how much of it.

    Returns:
        (h, w) float32, 0 to 1: the ink's opacity is multiplied by it.
    """
    missing = (_worn, _dead_elements, _dotted)[int(rng.integers(3))](shape, rng, strength)
    depth = np.float32(0.04 + 0.91 * strength)
    return 1 - depth * missing


def _worn(shape: tuple[int, int], rng: np.random.Generator, strength: float) -> Field:
    """Specks are rubbed off, more in some places than in others."""
    rubbed = smooth_field(coarse(shape, 8), 8, rng) * np.float32(0.9) + np.float32(2.2 * strength - 2.3)
    bare: Field = cv2.min(cv2.max((normal_noise(shape, rng, 1.2) + upscaled(rubbed, shape)) * 2, 0.0), 1.0)
    return bare


def _dead_elements(shape: tuple[int, int], rng: np.random.Generator, strength: float) -> Field:
    """Stripes along the paper's way through the printer: each element prints as well as it still can."""
    across = int(rng.integers(2))
    weak = smooth_field((2, shape[across]), rng.uniform(1.5, 5), rng)[0] + np.float32(2.2 * strength - 1.6)
    stripe = np.clip(weak * 1.5, 0, 1).astype(np.float32)
    return np.ascontiguousarray(np.broadcast_to(stripe[:, None] if across == 0 else stripe, shape))


def _dotted(shape: tuple[int, int], rng: np.random.Generator, strength: float) -> Field:
    """The dots of the head do not join."""
    pitch = rng.uniform(2.8, 3.2 + 2.5 * strength)
    rows, columns = (np.cos(np.arange(size, dtype=np.float32) * np.float32(2 * np.pi / pitch)) for size in shape)
    gap = np.clip(0.5 - 0.7 * np.minimum(rows[:, None], columns[None, :]), 0, 1) * np.float32(0.4 + 0.6 * strength)
    gaps: Field = gap.astype(np.float32)
    return gaps
