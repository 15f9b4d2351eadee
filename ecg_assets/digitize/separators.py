"""Where the bars between the leads of a row stand: they tell where time begins better than pulses do.

A record of 250 Hz has a sample each tenth of a millimetre, and a pulse's flank, thin and often on a line of the grid,
is known to half of that. There are up to ten bars, and each is as thick as three traces.
"""

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from ecg_assets.digitize.arrangement import Slot
from ecg_assets.digitize.extent import Extent
from ecg_assets.digitize.rectify import CANVAS_PX_PER_MM_X, CANVAS_PX_PER_MM_Y

Field = npt.NDArray[np.float32]
Values = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

# How far to either side bars are looked for, and how far up and down they reach at least.
_ASIDE_MM, _TALL_MM = 1.2, 2.5
# A bar is dark over most of its height, a trace over little of it.
_DARK_OVER = 25
# Of the ink's darkness; and how thick a bar is, mm: a thinner thing is a line of the grid or a trace.
_LEAST_CONTRAST, _LEAST_MM = 0.4, 0.35
# Where a bar ends: of its darkness beside the paper's.
_FOOT = 0.04
# Bars that agree are this near to their middle, and so many are believed; so near they are the same.
_AGREE_MM, _LEAST_BARS, _SAME_MM = 0.1, 3, 0.015


def at_separators(extent: Extent, slots: tuple[Slot, ...], rows_y: Values, dark_hw: Field, ink: float) -> Extent:
    """The same width moved so that bars stand where leads change; as it was where there are none.

    Args:
        extent: found to half a millimetre or so.
        slots: the page's.
        rows_y: the rows' own lines, canvas px.
        dark_hw: (h, w) float32, `ink.darkness` of the canvas.
        ink: darkness of the trace.
    """
    length = extent.last_mm - extent.first_mm
    shifts = [
        _shift(dark_hw, ink, float(rows_y[slot.row]), extent.first_mm + length * slot.column / slot.columns)
        for slot in slots
        if slot.column
    ]
    known = np.array([shift for shift in shifts if shift is not None])
    if len(known) < _LEAST_BARS:
        return extent
    off = np.abs(known - np.median(known))
    if (off <= _AGREE_MM).sum() < max(_LEAST_BARS, len(known) / 2):
        return extent
    # A steep wave that begins in a bar moves that one bar's middle.
    by = float(known[off <= max(_SAME_MM, 2 * float(np.median(off)))].mean())
    return replace(extent, first_mm=extent.first_mm + by, last_mm=extent.last_mm + by)


def _shift(dark_hw: Field, ink: float, line: float, at_mm: float) -> float | None:
    """How far from a place, mm, the middle of a bar is; None without one."""
    tall, aside = round(_TALL_MM * CANVAS_PX_PER_MM_Y), round(_ASIDE_MM * CANVAS_PX_PER_MM_X)
    column, row = round(at_mm * CANVAS_PX_PER_MM_X - 0.5), round(line)
    if row < tall or column < aside:
        return None
    piece = dark_hw[row - tall : row + tall + 1, column - aside : column + aside + 1]
    if piece.shape != (2 * tall + 1, 2 * aside + 1):
        return None
    profile = np.percentile(piece, _DARK_OVER, axis=0) / ink
    paper, most = float(np.percentile(profile, 25)), float(profile.max())
    dark = profile >= (paper + most) / 2
    if most - paper < _LEAST_CONTRAST or dark.sum() < _LEAST_MM * CANVAS_PX_PER_MM_X:
        return None
    # All of the darkness, as it is: of pixels that a bar covers in part, a threshold would keep one side and not the
    # other. A fiftieth of a millimetre was lost by that.
    first, last = _around(profile > paper + _FOOT * (most - paper), dark)
    weight = profile[first:last] - paper
    middle = float((weight * np.arange(first, last)).sum() / weight.sum())
    return (column + 0.5 + middle - aside) / CANVAS_PX_PER_MM_X - at_mm


def _around(above: Flags, dark: Flags) -> tuple[int, int]:
    """Begin and end of the pieces of `above` that bear something of `dark`."""
    first, last = int(np.flatnonzero(dark)[0]), int(np.flatnonzero(dark)[-1])
    while first > 0 and above[first - 1]:
        first -= 1
    while last + 1 < len(above) and above[last + 1]:
        last += 1
    return first, last + 1
