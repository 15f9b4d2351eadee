"""Finds the runs of ink in each column of a flat page, with subpixel ends."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Field = npt.NDArray[np.float32]
Values = npt.NDArray[np.float64]
Whole = npt.NDArray[np.int64]

_INK = 0.5
# A dip between two runs of a column that is at most this deep is noise.
_FAINTEST = 0.05
# Gaps up to this are closed, and runs lower than this are dropped.
_JOINED_PX, _LEAST_PX = 5.0, 0.5


@dataclass(frozen=True)
class Runs:
    """All runs of a canvas, by columns from left to right, from top to bottom within one.

    Attributes:
        column: (n,) int64.
        top, bottom: (n,) float64, where the probability passes one half; pixel centres at whole numbers.
        first: (width + 1,) int64: the runs of column c are `first[c]` to `first[c + 1]`.
    """

    column: Whole
    top: Values
    bottom: Values
    first: Whole

    @property
    def middle(self) -> Values:
        """(n,) float64."""
        return (self.top + self.bottom) / 2

    @property
    def height(self) -> Values:
        """(n,) float64, in pixels."""
        return self.bottom - self.top


def find_runs(wave_hw: Field) -> Runs:
    """The runs of pixels that are wave with a probability of one half or more.

    Args:
        wave_hw: (h, w) float32, 0 to 1.
    """
    height, width = wave_hw.shape
    padded = np.zeros((width, height + 2), np.float32)
    padded[:, 1:-1] = wave_hw.T
    ink = (padded >= _INK).view(np.int8)
    change = np.diff(ink, axis=1)
    column, begin = np.nonzero(change == 1)
    _, end = np.nonzero(change == -1)
    before, at = padded[column, begin], padded[column, begin + 1]
    last, after = padded[column, end], padded[column, end + 1]
    # `begin` counts in the padded column: pixel begin + 1 there is pixel begin of the canvas.
    top = begin - (at - _INK) / np.maximum(at - before, _FAINTEST)
    bottom = end - 1 + (last - _INK) / np.maximum(last - after, _FAINTEST)
    column, top, bottom = _joined(column.astype(np.int64), top.astype(np.float64), bottom.astype(np.float64))
    first = np.searchsorted(column, np.arange(width + 1))
    return Runs(column, top, bottom, first.astype(np.int64))


def _joined(column: Whole, top: Values, bottom: Values) -> tuple[Whole, Values, Values]:
    """Joins runs separated by a narrow gap: the flanks of a steep peak, or briefly faded ink."""
    if not len(column):
        return column, top, bottom
    parted = np.concatenate([[True], (column[1:] != column[:-1]) | (top[1:] - bottom[:-1] > _JOINED_PX)])
    starts = np.flatnonzero(parted)
    ends = np.concatenate([starts[1:], [len(column)]]) - 1
    whole = bottom[ends] - top[starts] >= _LEAST_PX
    return column[starts][whole], top[starts][whole], bottom[ends][whole]
