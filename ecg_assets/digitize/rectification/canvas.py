"""Rectifies a picture of a page: every 5-mm cell of the grid becomes a box of the same size."""

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
from scipy.interpolate import CubicSpline

from ecg_assets.digitize.rectification.surface import Surface

Field = npt.NDArray[np.float32]
Nodes = npt.NDArray[np.float64]

# The resolution is higher across, because columns are time and steep flanks need many of them.
CANVAS_PX_PER_MM_X, CANVAS_PX_PER_MM_Y = 16, 8
CELL_MM = 5


@dataclass(frozen=True)
class Canvas:
    """A flat page of 16 px/mm across and 8 px/mm down.

    Attributes:
        x_px_hw, y_px_hw: (h, w) float32, the picture's point at each pixel's centre of the canvas.
    """

    x_px_hw: Field
    y_px_hw: Field

    def look_up(self, picture: npt.NDArray[Any], scale: float = 1.0) -> npt.NDArray[Any]:
        """Samples a picture, (h, w) or (h, w, c), at each pixel of the canvas; 0 outside the picture.

        Args:
            picture: the one in which the grid was found, or the same at another scale.
            scale: its pixels per pixel of the one in which the grid was found.
        """
        half = np.float32(0.5)
        x, y = self.x_px_hw, self.y_px_hw
        if scale != 1.0:
            x, y = (x + half) * np.float32(scale) - half, (y + half) * np.float32(scale) - half
        looked: npt.NDArray[Any] = cv2.remap(picture, x, y, cv2.INTER_LINEAR)
        return looked


def flat_canvas(surface: Surface, shape_hw: tuple[int, int]) -> Canvas:
    """The canvas that covers the visible part of the paper's lattice.

    Args:
        surface: where the crossings lie in the picture.
        shape_hw: height and width of the picture.
    """
    shown = shown_cells(surface, shape_hw)
    return dense_canvas(surface.x_px[shown], surface.y_px[shown], (CANVAS_PX_PER_MM_X, CANVAS_PX_PER_MM_Y))


def dense_canvas(x_px: Nodes, y_px: Nodes, scale: tuple[int, int]) -> Canvas:
    """The canvas whose cells' middles are crossings.

    Args:
        x_px, y_px: (rows, columns) float64, where the crossings lie in the picture, pixel centres at whole numbers.
        scale: px/mm across and down.
    """
    across, down = (side * CELL_MM for side in scale)
    return Canvas(_dense(x_px, across, down), _dense(y_px, across, down))


def _dense(nodes: Nodes, across: int, down: int) -> Field:
    """Cubic splines through the crossings, each in the middle of its cell of `across` by `down` pixels."""
    rows, columns = nodes.shape
    # OpenCV's cubic resize is not used, because its kernel bends straight lines by a third of a pixel.
    tall = CubicSpline(np.arange(rows), nodes, axis=0)((np.arange(rows * down) + 0.5) / down - 0.5)
    whole = CubicSpline(np.arange(columns), tall, axis=1)((np.arange(columns * across) + 0.5) / across - 0.5)
    return np.asarray(whole, dtype=np.float32)


def shown_cells(surface: Surface, shape_hw: tuple[int, int]) -> tuple[slice, slice]:
    """The canvas's rows and columns of the lattice: those with a visible crossing, and one more on each side."""
    height, width = shape_hw
    inside = (surface.x_px >= 0) & (surface.x_px < width) & (surface.y_px >= 0) & (surface.y_px < height)
    if not inside.any():
        return slice(None), slice(None)
    columns, rows = np.flatnonzero(inside.any(axis=0)), np.flatnonzero(inside.any(axis=1))
    return (
        slice(max(0, int(rows[0]) - 1), int(rows[-1]) + 2),
        slice(max(0, int(columns[0]) - 1), int(columns[-1]) + 2),
    )
