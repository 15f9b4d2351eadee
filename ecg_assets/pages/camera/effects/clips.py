"""Draws paper clips and binder clips. Sizes are those at 200 dpi, times `scale`."""

import cv2
import numpy as np
import numpy.typing as npt

from ecg_assets.pages.camera.effects.compositing import plain
from ecg_assets.pages.camera.effects.sprite import SHIFT, Sprite, fixed

Points = npt.NDArray[np.float64]


def clip(rng: np.random.Generator, scale: float) -> Sprite:
    """A paper clip of bent wire, or a binder clip's black jaw."""
    size = rng.uniform(0.8, 1.3) * max(0.3, scale)
    if rng.random() < 0.4:
        return _binder_clip(size)
    width, height, wire = int(66 * size) + 8, int(250 * size) + 8, max(2, round(7 * size))
    bends = (
        (0.28, 0.30),
        (0.28, 0.80),
        (0.72, 0.80),
        (0.72, 0.06),
        (0.08, 0.06),
        (0.08, 0.94),
        (0.92, 0.94),
        (0.92, 0.22),
    )
    bars = np.array(bends) * (width - 2 * wire, height - 2 * wire) + wire
    points = np.concatenate([_rounded(bars[place : place + 3]) for place in range(len(bars) - 2)])
    opacity, shine = (np.zeros((height, width), dtype=np.uint8) for _ in range(2))
    cv2.polylines(opacity, [fixed(points)], False, 255, wire, cv2.LINE_AA, SHIFT)
    cv2.polylines(shine, [fixed(points - wire * 0.2)], False, 150, max(1, wire // 3), cv2.LINE_AA, SHIFT)
    metal = plain((height, width), (118, 120, 126))
    return Sprite(cv2.add(metal, cv2.merge([shine] * 3)), opacity)


def _rounded(three: Points) -> Points:
    """A quadratic Bezier curve around the middle one of three corners, from half way to half way."""
    t = np.linspace(0, 1, 8)[:, None]
    begin, middle, end = (three[0] + three[1]) / 2, three[1], (three[1] + three[2]) / 2
    curve: Points = (1 - t) ** 2 * begin + 2 * t * (1 - t) * middle + t**2 * end
    return curve


def _binder_clip(size: float) -> Sprite:
    width, height = int(250 * size), int(150 * size)
    jaw = np.array([(0.04, 0.98), (0.96, 0.98), (0.86, 0.10), (0.14, 0.10)]) * (width, height)
    opacity = np.zeros((height, width), dtype=np.uint8)
    cv2.fillConvexPoly(opacity, fixed(jaw), 255, cv2.LINE_AA, SHIFT)
    level = 26 + 46 * np.exp(-(((np.arange(height, dtype=np.float32) / height - 0.25) / 0.09) ** 2))
    colour = np.repeat(np.broadcast_to(level[:, None, None], (height, width, 1)), 3, axis=2).astype(np.uint8)
    return Sprite(colour, opacity)
