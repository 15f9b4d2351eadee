"""Finds the rows of a page: the lines around which traces run."""

import numpy as np
import numpy.typing as npt
from scipy.ndimage import gaussian_filter1d
from scipy.signal import find_peaks

from ecg_assets.digitize.rectify import CANVAS_PX_PER_MM_Y
from ecg_assets.digitize.runs import Runs

Values = npt.NDArray[np.float64]

_FLAT_MM = 1.2
_SMOOTH_MM = 1.6
_CLOSEST_MM = 7.0
# Of the columns that the fullest row fills.
_LEAST_FILLED = 0.3


def find_rows(runs: Runs, height: int) -> Values:
    """The rows' own lines from top to bottom, (rows,) float64 canvas px.

    Args:
        runs: of the canvas.
        height: of the canvas.
    """
    flat = runs.height < _FLAT_MM * CANVAS_PX_PER_MM_Y
    counts = np.bincount(np.clip(runs.middle[flat], 0, height - 1).astype(int), minlength=height).astype(float)
    smooth = gaussian_filter1d(counts, _SMOOTH_MM * CANVAS_PX_PER_MM_Y)
    if not smooth.any():
        return np.empty(0)
    peaks, _ = find_peaks(
        smooth,
        height=_LEAST_FILLED * smooth.max(),
        distance=round(_CLOSEST_MM * CANVAS_PX_PER_MM_Y),
        prominence=0.2 * smooth.max(),
    )
    return np.asarray(peaks, dtype=np.float64)
