"""Colour effects of cameras and scanners."""

import cv2
import numpy as np
import numpy.typing as npt

from ecg_assets.pages.camera.effects.compositing import Image
from ecg_assets.pages.camera.effects.registry import photometric

Matrix = npt.NDArray[np.float64]

_LUMA = np.array([0.299, 0.587, 0.114])
# RGB to YIQ (NTSC 1953): a rotation of I and Q is a rotation of the hue.
_TO_YIQ = np.array([_LUMA, [0.596, -0.274, -0.322], [0.211, -0.523, 0.312]])
# Tungsten, shade, fluorescent tubes, their complement: log gains of red, green, blue.
_LIGHTS = ((0.40, 0.02, -0.62), (-0.40, -0.04, 0.32), (-0.22, 0.14, -0.26), (0.18, -0.18, 0.12))


@photometric("colour")
def colour(image_hwc: Image, rng: np.random.Generator, strength: float) -> Image:
    """Brightness, contrast, saturation, hue and warmth are off.

    Args:
        image_hwc: (h, w, 3) uint8.
        rng: draws which way each goes, and how far within the strength.
        strength: 0 to 1.
    """
    amount = 0.02 + 0.98 * strength
    brightness, contrast, saturation, hue, warmth = _either_way(rng, 5) * amount
    mixing = _turned_hue(np.deg2rad(55 * hue)) @ _saturated(np.exp(1.1 * saturation))
    mixing = np.diag(np.exp(warmth * np.array([0.18, 0.0, -0.22]))) @ mixing
    mixing *= np.exp(0.85 * contrast if contrast < 0 else 0.6 * contrast)
    # Contrast is changed around the mean of a page, which is light.
    offset = 190 - mixing @ np.full(3, 190.0) + 55 * brightness
    changed: Image = cv2.transform(image_hwc, np.column_stack([mixing, offset]).astype(np.float32))
    return changed


@photometric("white_balance")
def white_balance(image_hwc: Image, rng: np.random.Generator, strength: float) -> Image:
    """The camera took the light for another: tungsten, shade, or fluorescent tubes.

    Args:
        image_hwc: (h, w, 3) uint8.
        rng: draws the light.
        strength: 0 to 1.
    """
    light = np.array(_LIGHTS[int(rng.integers(len(_LIGHTS)))]) * rng.uniform(0.7, 1.0)
    gains = np.exp(light * (0.02 + 0.98 * strength))
    # Exposure keeps the brightest channel from clipping completely.
    gains /= max(1.0, gains.max() / 1.15)
    table = np.clip(np.rint(np.arange(256)[:, None] * gains), 0, 255).astype(np.uint8)
    balanced: Image = cv2.LUT(image_hwc, table[None])
    return balanced


def _either_way(rng: np.random.Generator, count: int) -> npt.NDArray[np.float64]:
    """Numbers of -1 to -0.3 or 0.3 to 1, so that each value changes."""
    return rng.uniform(0.3, 1.0, count) * np.where(rng.random(count) < 0.5, -1.0, 1.0)


def _saturated(factor: float) -> Matrix:
    return factor * np.eye(3) + (1 - factor) * np.tile(_LUMA, (3, 1))


def _turned_hue(angle: float) -> Matrix:
    turn = np.array([[1, 0, 0], [0, np.cos(angle), -np.sin(angle)], [0, np.sin(angle), np.cos(angle)]])
    turned: Matrix = np.linalg.inv(_TO_YIQ) @ turn @ _TO_YIQ
    return turned
