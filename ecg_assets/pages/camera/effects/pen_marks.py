"""Effect of readers' pen marks on a page."""

import cv2
import numpy as np

from ecg_assets.pages.camera.effects.compositing import (
    Colour,
    Hidden,
    Image,
    lit,
    over,
    plain,
    size_of,
    squares,
    transmission,
)
from ecg_assets.pages.camera.effects.mark_shapes import MARKS, Points
from ecg_assets.pages.camera.effects.noise import normal_noise
from ecg_assets.pages.camera.effects.registry import cover
from ecg_assets.pages.camera.effects.sprite import SHIFT, fixed
from ecg_assets.pages.classes import HALF_COVERED_255

_PENS: tuple[Colour, ...] = ((24, 44, 150), (20, 20, 30), (186, 24, 40), (16, 104, 70), (58, 58, 62))
_HIGHLIGHTERS: tuple[Colour, ...] = ((0.02, 0.04, 0.75), (0.45, 0.03, 0.62), (0.03, 0.45, 0.25), (0.5, 0.08, 0.03))


@cover("pen_marks")
def pen_marks(image_hwc: Image, rng: np.random.Generator, strength: float) -> tuple[Image, Hidden]:
    """Readers circled, ticked, measured, wrote and highlighted.

    Args:
        image_hwc: (h, w, 3) uint8.
        rng: draws marks, pens and places.
        strength: 0 to 1: how many, how large and how thick.

    Returns:
        The picture, and (h, w) bool: where an opaque pen hides the page. Pencils and highlighters hide nothing.
    """
    shape = size_of(image_hwc)
    result, hidden = image_hwc.copy(), np.zeros(shape, dtype=np.bool_)
    for _ in range(1 + int(rng.poisson(3.2 * strength * min(6.0, squares(shape) ** 0.7)))):
        reach = rng.uniform(14, 30 + 110 * strength)
        centre = rng.uniform(0, 1, 2) * (shape[1], shape[0])
        if rng.random() < 0.2:
            _highlight(result, centre, reach, rng, strength)
            continue
        lines = MARKS[int(rng.integers(len(MARKS)))](reach, rng)
        width = max(1, round(rng.uniform(1.5, 2.5 + 2.5 * strength)))
        _write(result, hidden, [line + centre for line in lines], width, rng, strength)
    return result, hidden


def _write(
    image_hwc: Image, hidden_hw: Hidden, lines: list[Points], width: int, rng: np.random.Generator, strength: float
) -> None:
    """Strokes of one pen; pencils are pale."""
    box = _box(np.concatenate(lines), width + 1, size_of(image_hwc))
    if box is None:
        return
    corner = np.array([box[1].start, box[0].start])
    shape = (box[0].stop - box[0].start, box[1].stop - box[1].start)
    opacity = np.zeros(shape, dtype=np.uint8)
    cv2.polylines(opacity, [fixed(line - corner) for line in lines], False, 255, width, cv2.LINE_AA, SHIFT)
    pencil = bool(rng.random() < 0.25)
    level = rng.uniform(0.2, 0.45) if pencil else rng.uniform(0.55, 0.7 + 0.3 * strength)
    # Ink does not run evenly.
    uneven = 1 - 0.16 * np.abs(normal_noise(shape, rng, 1.2))
    opacity = cv2.convertScaleAbs(opacity * uneven.astype(np.float32), alpha=level)
    colour = _PENS[-1] if pencil else _PENS[int(rng.integers(len(_PENS) - 1))]
    image_hwc[box] = over(image_hwc[box], plain(shape, colour), opacity)
    hidden_hw[box] |= opacity >= HALF_COVERED_255


def _highlight(image_hwc: Image, centre: Points, reach: float, rng: np.random.Generator, strength: float) -> None:
    """A broad stroke of a see-through pen."""
    end = np.array([reach * rng.uniform(1, 3), rng.normal(0, 8)])
    width = int(rng.uniform(16, 26 + 16 * strength))
    line = np.stack([centre - end / 2, centre, centre + end / 2])
    box = _box(line, width, size_of(image_hwc))
    if box is None:
        return
    density = np.zeros(image_hwc[box].shape[:2], dtype=np.uint8)
    cv2.polylines(density, [fixed(line - (box[1].start, box[0].start))], False, 255, width, cv2.LINE_AA, SHIFT)
    ink = density.astype(np.float32) * np.float32((0.5 + 0.6 * strength) / 255)
    image_hwc[box] = lit(image_hwc[box], transmission(ink, _HIGHLIGHTERS[int(rng.integers(len(_HIGHLIGHTERS)))]))


def _box(points: Points, margin: int, shape: tuple[int, int]) -> tuple[slice, slice] | None:
    """Rows and columns of the picture that the points can touch; None when there are none."""
    first = np.clip(np.floor(points.min(axis=0)) - margin, 0, shape[::-1]).astype(int)
    last = np.clip(np.ceil(points.max(axis=0)) + margin, 0, shape[::-1]).astype(int)
    if (last <= first).any():
        return None
    return slice(int(first[1]), int(last[1])), slice(int(first[0]), int(last[0]))
