"""Measures the darkness of a flat page's pixels relative to the paper and to the printed grid lines."""

import cv2
import numpy as np
import numpy.typing as npt
from scipy.ndimage import percentile_filter

from ecg_assets.digitize.rectification.canvas import CANVAS_PX_PER_MM_X, CANVAS_PX_PER_MM_Y

Field = npt.NDArray[np.float32]

# Grid lines are longer than anything drawn on them: the darkness that more than two thirds of this many 5-mm pieces
# reach is the line's own. Pulses of 20 mm, one above the other, fill half of their column.
_PIECE_MM, _PIECES, _PERCENTILE = 5, 13, 30
# A grid line nearly as dark as ink leaves little contrast to distinguish them.
_LEAST_CONTRAST = 0.25
_SURE = 0.7


def darkness(canvas_hwc: npt.NDArray[np.uint8]) -> Field:
    """(h, w) float32: how much darker than its surroundings each pixel's brightest colour is, 0 to 255.

    A coloured line is bright in its own colour channel, so grids look fainter than ink.
    """
    value = canvas_hwc.max(axis=2)
    paper = cv2.medianBlur(cv2.resize(value, None, fx=0.25, fy=0.25, interpolation=cv2.INTER_AREA), 15)
    around = cv2.resize(paper, value.shape[::-1], interpolation=cv2.INTER_LINEAR)
    return np.asarray(cv2.subtract(around, value), dtype=np.float32)


def ink_darkness(dark_hw: Field, wave_hw: Field) -> float:
    """The darkness of a page's trace, at least 1.

    Args:
        dark_hw: (h, w) float32, `darkness`.
        wave_hw: (h, w) float32, probability of the trace.
    """
    inked = dark_hw[wave_hw > _SURE]
    return max(1.0, float(np.median(inked))) if len(inked) else 255.0


def beside_lines(dark_hw: Field, ink: float) -> Field:
    """(h, w) float32, -1 to 1: 0 is as dark as the grid lines at that place, 1 as dark as ink.

    Args:
        dark_hw: (h, w) float32, `darkness`.
        ink: darkness of the trace.
    """
    wide = cv2.dilate(dark_hw, np.ones((3, 3), np.uint8))
    upright = _lines(wide, _PIECE_MM * CANVAS_PX_PER_MM_Y)
    level = _lines(np.ascontiguousarray(wide.T), _PIECE_MM * CANVAS_PX_PER_MM_X).T
    lines = np.maximum(upright, level, out=upright)
    contrast = np.subtract(np.float32(ink), lines, out=level)
    np.maximum(contrast, np.float32(_LEAST_CONTRAST * ink), out=contrast)
    beside = np.subtract(wide, lines, out=lines)
    beside /= contrast
    np.clip(beside, -1, 1, out=beside)
    return np.asarray(beside, np.float32)


def _lines(dark_hw: Field, piece: int) -> Field:
    """(h, w) float32: the darkness of lines along the first axis."""
    height, width = dark_hw.shape
    whole = max(1, height // piece)
    pieces = np.median(dark_hw[: whole * piece].reshape(whole, -1, width), axis=1)
    smooth = percentile_filter(pieces, _PERCENTILE, (_PIECES, 1), mode="reflect")
    return np.asarray(smooth[np.minimum(np.arange(height) // piece, whole - 1)], np.float32)
