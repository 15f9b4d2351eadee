"""Finds the baselines of a page's rows."""

import numpy as np
import numpy.typing as npt
from scipy.ndimage import gaussian_filter1d
from scipy.signal import find_peaks

from ecg_assets.digitize.rectification.canvas import CANVAS_PX_PER_MM_X, CANVAS_PX_PER_MM_Y
from ecg_assets.digitize.tracing.ink_runs import Runs

Values = npt.NDArray[np.float64]

_FLAT_MM = 1.2
_SMOOTH_MM = 1.6
_CLOSEST_MM = 7.0
# A row spans the whole width, while a name, a stamp or a crease spans a part. The width is therefore divided into parts
# of the first length, and the ink of one part counts up to the second length only.
_PART_MM, _FILLED_MM = 10.0, 2.5
# Share of the fullest row's count.
_LEAST_FILLED, _LEAST_PROMINENCE = 0.3, 0.2


def find_rows(runs: Runs, height: int) -> Values:
    """The rows' baselines from top to bottom, (rows,) float64 canvas px.

    Args:
        runs: of the canvas.
        height: of the canvas.
    """
    flat = runs.height < _FLAT_MM * CANVAS_PX_PER_MM_Y
    if not flat.any():
        return np.empty(0)
    row = np.clip(runs.middle[flat], 0, height - 1).astype(int)
    part = runs.column[flat] // round(_PART_MM * CANVAS_PX_PER_MM_X)
    counts = np.zeros((height, int(part.max()) + 1))
    np.add.at(counts, (row, part), 1.0)
    spread = _SMOOTH_MM * CANVAS_PX_PER_MM_Y
    filled = gaussian_filter1d(counts, spread, axis=0)
    enough = _FILLED_MM * CANVAS_PX_PER_MM_X / (np.sqrt(2 * np.pi) * spread)
    parts = np.minimum(filled / enough, 1).sum(axis=1)
    peaks, _ = find_peaks(
        parts,
        height=_LEAST_FILLED * parts.max(),
        distance=round(_CLOSEST_MM * CANVAS_PX_PER_MM_Y),
        prominence=_LEAST_PROMINENCE * parts.max(),
    )
    return np.array([_fullest(filled.sum(axis=1), int(peak), round(spread)) for peak in peaks], dtype=np.float64)


def _fullest(counts: Values, near: int, reach: int) -> int:
    """The row of pixels near this one with the most level ink."""
    first = max(0, near - reach)
    return first + int(counts[first : near + reach + 1].argmax())
