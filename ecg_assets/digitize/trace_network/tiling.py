"""Asks a network about those parts of a flat page that are worth it: boxes around the rows of traces."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import numpy.typing as npt

from ecg_assets.scans.tiles import Predict, tile_starts

Field = npt.NDArray[np.float32]
Flags = npt.NDArray[np.bool_]
Box = tuple[slice, slice]

# Boxes are as wide as the squares of other pages, and as high as what they are about; convolutions of more pixels take
# longer for each of them, as these leave the processor's cache.
_WIDE_PX, _TALLEST_PX, _LOWEST_PX = 512, 576, 192
_OVERLAP_PX = 64
# Boxes that are asked about at a time; how many of them a network answers side by side is its own affair.
_AT_A_TIME = 8
# What a trace's surroundings tell of it.
_CONTEXT_PX = 32
# Networks halve a side this often.
_MULTIPLE_PX = 32
_LEAST_WEIGHT = 1e-3


def predict_where(image_hwc: npt.NDArray[np.uint8], predict: Predict, wanted_hw: Flags, kind: int) -> Field:
    """(h, w) float32: blended scores of one class; 0 where nobody looked.

    Args:
        image_hwc: (h, w, 3) uint8.
        predict: takes (1, h, w, 3) uint8 whose sides are multiples of 32, gives (1, classes, h, w) float32; it is
            called from several threads.
        wanted_hw: (h, w) bool, what has to be looked at.
        kind: which class.
    """
    height, width = wanted_hw.shape
    rows, columns = (max(least, -(-side // _MULTIPLE_PX) * _MULTIPLE_PX) for side, least in _sides(height, width))
    # The rim is repeated, as paper goes on beyond the frame.
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
    """Rows and columns of boxes that cover all that is wanted, with something around it.

    Args:
        wanted_hw: (h, w) bool.
        shape_hw: sides of the picture that the boxes lie in: no shorter than those of `wanted_hw`, multiples of 32.
    """
    for first in tile_starts(shape_hw[1], _WIDE_PX, _OVERLAP_PX):
        columns = slice(first, first + _WIDE_PX)
        for begin, end in _spans(np.flatnonzero(wanted_hw[:, columns].any(axis=1)), shape_hw[0]):
            yield from ((rows, columns) for rows in _cut(begin, end))


def _spans(rows: npt.NDArray[np.int64], height: int) -> Iterator[tuple[int, int]]:
    """Where pieces of rows begin and end, context included; each is a multiple of 32 px high."""
    if not len(rows):
        return
    breaks = np.flatnonzero(np.diff(rows) > 3 * _CONTEXT_PX)
    for begin, end in zip([rows[0], *rows[breaks + 1]], [*rows[breaks], rows[-1]], strict=True):
        first, last = max(0, int(begin) - _CONTEXT_PX), min(height, int(end) + 1 + _CONTEXT_PX)
        high = min(height, max(_LOWEST_PX, _rounded_up(last - first)))
        first = min(max(0, (first + last - high) // 2), height - high)
        yield first, first + high


def _cut(begin: int, end: int) -> Iterator[slice]:
    """Equal parts that are not too high, each over the next one's first rows."""
    stride = _TALLEST_PX - _OVERLAP_PX
    count = max(1, -(-(end - begin - _OVERLAP_PX) // stride))
    high = min(end - begin, _rounded_up(-(-(end - begin - _OVERLAP_PX) // count) + _OVERLAP_PX))
    for place in np.linspace(begin, end - high, count).astype(int):
        yield slice(int(place), int(place) + high)


def _rounded_up(length_px: int) -> int:
    return -(-length_px // _MULTIPLE_PX) * _MULTIPLE_PX


def _window(length_px: int) -> Field:
    """(length,) float32: full in the middle, falling to almost nothing at the rim, where a box lacks context."""
    place = np.arange(length_px)
    ramp = np.minimum(place + 0.5, length_px - 0.5 - place) / _OVERLAP_PX
    return np.asarray(np.clip(ramp, _LEAST_WEIGHT, 1), np.float32)
