"""What readers draw on a page."""

from collections.abc import Callable

import cv2
import numpy as np
import numpy.typing as npt

from ecg_assets.pages.effects.blend import (
    HIDES,
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
from ecg_assets.pages.effects.noise import normal_noise
from ecg_assets.pages.effects.registry import cover
from ecg_assets.pages.effects.sprite import SHIFT, fixed

Points = npt.NDArray[np.float64]

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
        lines = _MARKS[int(rng.integers(len(_MARKS)))](reach, rng)
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
    hidden_hw[box] |= opacity >= HIDES


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


def _circle(reach: float, rng: np.random.Generator) -> list[Points]:
    """A ring drawn by hand: it does not quite close, or overlaps itself."""
    angle = np.linspace(0, 2 * np.pi * rng.uniform(0.92, 1.2), 40) + rng.uniform(0, 2 * np.pi)
    radius = reach * (1 + 0.06 * np.sin(angle * 2 + rng.uniform(0, 6)) + np.linspace(-0.05, 0.05, 40))
    return [np.stack([radius * np.cos(angle), radius * np.sin(angle) * rng.uniform(0.4, 1.0)], axis=1)]


def _tick(reach: float, rng: np.random.Generator) -> list[Points]:
    corners = np.array([(-0.35, 0.0), (-0.1, 0.35), (0.15, -0.2), (0.5, -0.7)])
    return [(corners + rng.normal(0, 0.04, corners.shape)) * reach]


def _cross(reach: float, rng: np.random.Generator) -> list[Points]:
    tips = np.array([[(-1, -1), (1, 1)], [(1, -1), (-1, 1)]]) * (0.4 * reach) + rng.normal(0, reach / 15, (2, 2, 2))
    return list(tips)


def _underline(reach: float, rng: np.random.Generator) -> list[Points]:
    x = np.linspace(-1.4, 1.4, 16) * reach
    rows = range(1 + int(rng.random() < 0.3))
    return [np.stack([x, rng.normal(0, 3) + 9 * row + np.cumsum(rng.normal(0, 0.8, 16))], axis=1) for row in rows]


def _arrow(reach: float, rng: np.random.Generator) -> list[Points]:
    angle = rng.uniform(0, 2 * np.pi)
    tip = np.array([np.cos(angle), np.sin(angle)]) * reach
    barbs = [np.array([np.cos(angle + turn), np.sin(angle + turn)]) * reach * 0.3 for turn in (2.6, -2.6)]
    return [
        np.stack([-tip, tip * 0.1 + rng.normal(0, reach / 20, 2), tip]),
        np.stack([tip + barbs[0], tip, tip + barbs[1]]),
    ]


def _intervals(reach: float, rng: np.random.Generator) -> list[Points]:
    """The even strokes of a reader who measures RR intervals."""
    pitch, high = reach * rng.uniform(0.5, 1.2), rng.uniform(8, 24)
    places = np.arange(-2, 3) * pitch
    return [np.array([(x, -high), (x + rng.normal(0, 2), high)]) for x in places + rng.normal(0, 2, 5)]


def _writing(reach: float, rng: np.random.Generator) -> list[Points]:
    """Cursive nobody can read: loops of changing height that run to the right."""
    letters = int(rng.integers(4, 12))
    t = np.linspace(0, letters * 2 * np.pi, letters * 12)
    place = np.arange(letters) * 2 * np.pi
    high = np.interp(t, place, np.where(rng.random(letters) < 0.25, 2.4, 1.0) * rng.uniform(0.6, 1.1, letters))
    turn = np.interp(t, place, rng.uniform(0.5, 1.6, letters))
    size = reach * 0.16 + 4
    x = size * (t * 0.22 + 0.7 * turn * np.sin(t) + 0.3 * high * np.cos(t))
    y = -size * high * (1 + np.cos(t)) * 0.6 + rng.normal(0, 0.06) * x
    return [np.stack([x - x.mean(), y], axis=1)]


_MARKS: tuple[Callable[[float, np.random.Generator], list[Points]], ...] = (
    _circle,
    _tick,
    _cross,
    _underline,
    _arrow,
    _intervals,
    _writing,
    _writing,
)
