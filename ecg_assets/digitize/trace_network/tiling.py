"""Runs a network on the relevant parts of a flat page only: boxes around the rows of traces."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import numpy.typing as npt

from ecg_assets.scans.tiles import Predict, tile_starts

Field = npt.NDArray[np.float32]
Flags = npt.NDArray[np.bool_]
Box = tuple[slice, slice]

# Boxes are as wide as the square tiles of other pages, and as high as their content. Larger boxes take longer per
# pixel, because their convolutions exceed the processor's cache.
_WIDE_PX, _TALLEST_PX, _LOWEST_PX = 512, 576, 192
_OVERLAP_PX = 64
# Boxes submitted at a time; the predictor decides how many run in parallel.
_AT_A_TIME = 8
# Context around a trace that the network needs.
_CONTEXT_PX = 32
# Sides are multiples of this, because networks halve them repeatedly.
_MULTIPLE_PX = 32
_LEAST_WEIGHT = 1e-3


def predict_where(image_hwc: npt.NDArray[np.uint8], predict: Predict, wanted_hw: Flags, kind: int) -> Field:
    """(h, w) float32: blended scores of one class; 0 outside the boxes.

    Args:
        image_hwc: (h, w, 3) uint8.
        predict: maps (1, h, w, 3) uint8, sides multiples of 32, to (1, classes, h, w) float32; called from several
            threads.
        wanted_hw: (h, w) bool, the pixels to predict.
        kind: the class.
    """
    height, width = wanted_hw.shape
    rows, columns = (max(least, -(-side // _MULTIPLE_PX) * _MULTIPLE_PX) for side, least in _sides(height, width))
    # The border is replicated, as paper continues beyond the frame.
    padded = np.pad(image_hwc, ((0, rows - height), (0, columns - width), (0, 0)), mode="edge")
    total, weight = np.zeros((rows, columns), np.float32), np.zeros((rows, columns), np.float32)
    places = list(boxes(wanted_hw, (rows, columns)))
    with ThreadPoolExecutor(_AT_A_TIME) as asking:
        answers = asking.map(lambda box: predict(padded[box][None])[0, kind], places)
        for box, scores in zip(places, answers, strict=True):
            _blend(total, weight, box, scores)
    return np.asarray((total / np.maximum(weight, _LEAST_WEIGHT**2))[:height, :width])


def _blend(total: Field, weight: Field, box: Box, scores: Field) -> None:
    window = _window(scores.shape[0])[:, None] * _window(scores.shape[1])
    total[box] += scores * window
    weight[box] += window


def _sides(height: int, width: int) -> tuple[tuple[int, int], tuple[int, int]]:
    return (height, _LOWEST_PX), (width, _WIDE_PX)


def boxes(wanted_hw: Flags, shape_hw: tuple[int, int]) -> Iterator[Box]:
    """Rows and columns of boxes that cover all wanted pixels and their context.

    Args:
        wanted_hw: (h, w) bool.
        shape_hw: sides of the padded picture: at least those of `wanted_hw`, multiples of 32.
    """
    for first in tile_starts(shape_hw[1], _WIDE_PX, _OVERLAP_PX):
        columns = slice(first, first + _WIDE_PX)
        for begin, end in _spans(np.flatnonzero(wanted_hw[:, columns].any(axis=1)), shape_hw[0]):
            yield from ((rows, columns) for rows in _cut(begin, end))


def _spans(rows: npt.NDArray[np.int64], height: int) -> Iterator[tuple[int, int]]:
    """Begin and end of each band of rows, context included; each is a multiple of 32 px high."""
    if not len(rows):
        return
    breaks = np.flatnonzero(np.diff(rows) > 3 * _CONTEXT_PX)
    for begin, end in zip([rows[0], *rows[breaks + 1]], [*rows[breaks], rows[-1]], strict=True):
        first, last = max(0, int(begin) - _CONTEXT_PX), min(height, int(end) + 1 + _CONTEXT_PX)
        high = min(height, max(_LOWEST_PX, _rounded_up(last - first)))
        first = min(max(0, (first + last - high) // 2), height - high)
        yield first, first + high


def _cut(begin: int, end: int) -> Iterator[slice]:
    """Equal parts of limited height; each overlaps the first rows of the next."""
    stride = _TALLEST_PX - _OVERLAP_PX
    count = max(1, -(-(end - begin - _OVERLAP_PX) // stride))
    high = min(end - begin, _rounded_up(-(-(end - begin - _OVERLAP_PX) // count) + _OVERLAP_PX))
    for place in np.linspace(begin, end - high, count).astype(int):
        yield slice(int(place), int(place) + high)


def _rounded_up(length_px: int) -> int:
    return -(-length_px // _MULTIPLE_PX) * _MULTIPLE_PX


def _window(length_px: int) -> Field:
    """(length,) float32: 1 in the middle, falling to almost 0 at the ends, where a box lacks context."""
    place = np.arange(length_px)
    ramp = np.minimum(place + 0.5, length_px - 0.5 - place) / _OVERLAP_PX
    return np.asarray(np.clip(ramp, _LEAST_WEIGHT, 1), np.float32)
