"""Finds the part of a flat page that is paper, so that its surroundings (such as cracks of a desk) are not traced."""

import numpy as np
import numpy.typing as npt

from ecg_assets.digitize.rectification.canvas import CANVAS_PX_PER_MM_X, CANVAS_PX_PER_MM_Y, CELL_MM, shown_cells
from ecg_assets.digitize.rectification.surface import Surface

Flags = npt.NDArray[np.bool_]

# Least share of the crossings of the fullest row or column; false crossings beyond the paper's edge are few.
_LEAST_SHARE = 0.25
# Cells of paper beyond its outermost crossings: half a cell belongs to them, and the last line is easily missed.
_BEYOND = 1


def paper_hw(surface: Surface, shape_hw: tuple[int, int]) -> Flags:
    """(h, w) bool, the canvas's pixels on the paper: from its first row and column of crossings to its last ones.

    Args:
        surface: the grid's.
        shape_hw: height and width of the picture, as for `flat_canvas`.
    """
    rows, columns = (_from_to(surface.known.sum(axis=axis)) for axis in (1, 0))
    cells = np.zeros(surface.known.shape, dtype=np.bool_)
    cells[rows, columns] = True
    across, down = CANVAS_PX_PER_MM_X * CELL_MM, CANVAS_PX_PER_MM_Y * CELL_MM
    return np.kron(cells[shown_cells(surface, shape_hw)], np.ones((down, across), dtype=np.bool_))


def _from_to(counts: npt.NDArray[np.int64]) -> slice:
    full = np.flatnonzero(counts >= max(1.0, _LEAST_SHARE * counts.max()))
    return slice(max(0, int(full[0]) - _BEYOND), int(full[-1]) + _BEYOND + 1)
