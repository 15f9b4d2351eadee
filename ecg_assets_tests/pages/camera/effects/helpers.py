"""A small page to try effects on, and how much a picture was changed."""

from functools import cache
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from ecg_assets.pages.camera.effects.registry import effect

Image = npt.NDArray[np.uint8]
INK = (20, 20, 30)


@cache
def page(height: int = 256, width: int = 320) -> Image:
    """(h, w, 3) uint8: white paper with red lines and a dark trace. Read-only, so that no effect may change it."""
    drawn = np.full((height, width, 3), 255, dtype=np.uint8)
    drawn[::8] = drawn[:, ::8] = (254, 223, 219)
    drawn[::40] = drawn[:, ::40] = (255, 60, 60)
    x = np.arange(width)
    y = height / 2 - 0.3 * height * np.exp(-(((x % 90 - 45) / 4) ** 2))
    cv2.polylines(drawn, [np.stack([x, y], axis=1).astype(np.int32)], False, INK, 2, cv2.LINE_AA)
    drawn.flags.writeable = False
    return drawn


def blank(level: int = 255, height: int = 256, width: int = 320) -> Image:
    """(h, w, 3) uint8 of one grey."""
    return np.full((height, width, 3), level, dtype=np.uint8)


def run(name: str, image_hwc: Image, strength: float, seed: int = 1) -> Any:
    """What the effect of that name makes of a picture."""
    chosen = effect(name)
    first = image_hwc.shape[:2] if chosen.kind == "ink" else image_hwc
    return chosen.apply(first, np.random.default_rng(seed), strength)


def coloured(name: str, image_hwc: Image, strength: float, seed: int = 1) -> Image:
    """The picture an effect makes; of an ink effect the ink's opacity as a grey picture."""
    result = run(name, image_hwc, strength, seed)
    kind = effect(name).kind
    if kind == "ink":
        return np.repeat(np.rint(result * 255).astype(np.uint8)[..., None], 3, axis=2)
    picture: Image = result[0] if kind == "cover" else result
    return picture


def change(before_hwc: Image, after_hwc: Image) -> float:
    """Mean absolute difference in levels of 255."""
    return float(np.abs(before_hwc.astype(np.int16) - after_hwc).mean())
