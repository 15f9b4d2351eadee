"""Finds the separator bars between the leads of a row, which locate the begin more precisely than pulses do.

A record of 250 Hz has a sample every tenth of a millimetre, and a pulse's flank, thin and often on a grid line, is
located to half of that. There are up to ten bars, each as thick as three traces. A bar also hides a piece of trace.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from ecg_assets.digitize.calibration.printed_extent import Extent
from ecg_assets.digitize.lead_layout.layout_match import Slot
from ecg_assets.digitize.rectification.canvas import CANVAS_PX_PER_MM_X, CANVAS_PX_PER_MM_Y

Field = npt.NDArray[np.float32]
Values = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]
Whole = npt.NDArray[np.int64]

# Search range to either side, and the least extent of a bar up and down.
_ASIDE_MM, TALL_MM = 1.2, 2.5
# A bar is dark over most of its height, a trace over little of it.
DARK_OVER = 25
# Share of the ink's darkness; and a bar's thickness, mm: anything thinner is a grid line or a trace.
_LEAST_CONTRAST, _LEAST_MM = 0.4, 0.35
# Share of a bar's own coverage at which it ends, and how many columns its softest pixels reach.
_FOOT, _SIDE_PX = 0.06, 1
# Distance beyond a bar's ends at which the grid is measured.
_BEYOND_MM = (0.5, 3.5)
# Mean probability of the trace in a bar that is mistaken for a trace; a trace that only crosses the bar gives a third.
_BELIEVED = 0.45
# Largest distance of agreeing bars from their median; how many have to agree; bars nearer than this are the same.
_AGREE_MM, _LEAST_BARS, _SAME_MM = 0.1, 3, 0.015


@dataclass(frozen=True)
class Bar:
    """A bar between two leads of a row.

    Attributes:
        off_mm: distance of its middle to the right of where it was expected.
        box: rows and columns of the canvas that it covers.
    """

    off_mm: float
    box: tuple[slice, slice]


def find_bars(extent: Extent, slots: tuple[Slot, ...], rows_y: Values, dark_hw: Field, ink: float) -> tuple[Bar, ...]:
    """The bars between leads, if at least three and half of all have the same offset; otherwise an empty list.

    Args:
        extent: known to about half a millimetre.
        slots: the page's.
        rows_y: the rows' baselines, canvas px.
        dark_hw: (h, w) float32, `ink_contrast.darkness` of the canvas.
        ink: darkness of the trace.
    """
    length = extent.last_mm - extent.first_mm
    places = [
        (float(rows_y[slot.row]), extent.first_mm + length * slot.column / slot.columns)
        for slot in slots
        if slot.column
    ]
    bars = [bar for bar in (_bar(dark_hw, ink, *place) for place in places) if bar is not None]
    agreeing = _within(bars, _AGREE_MM)
    return agreeing if len(agreeing) >= max(_LEAST_BARS, len(bars) / 2) else ()


def at_bars(extent: Extent, bars: tuple[Bar, ...]) -> Extent:
    """The extent moved so that the bars stand where leads change; unchanged without bars."""
    if not bars:
        return extent
    off = np.array([bar.off_mm for bar in bars])
    # A steep wave that begins in a bar shifts the middle of that bar only.
    same = _within(bars, max(_SAME_MM, 2 * float(np.median(np.abs(off - np.median(off))))))
    by = float(np.mean([bar.off_mm for bar in same]))
    return replace(extent, first_mm=extent.first_mm + by, last_mm=extent.last_mm + by)


def without_bars(wave_hw: Field, bars: tuple[Bar, ...]) -> Field:
    """(h, w) float32: probability of the trace, 0 in bars mistaken for a trace; in other bars it is kept."""
    result = wave_hw.copy()
    for bar in bars:
        if wave_hw[bar.box].mean() > _BELIEVED:
            result[bar.box] = 0
    return result


def _within(bars: Sequence[Bar], reach_mm: float) -> tuple[Bar, ...]:
    middle = float(np.median([bar.off_mm for bar in bars])) if bars else 0.0
    return tuple(bar for bar in bars if abs(bar.off_mm - middle) <= reach_mm)


def _bar(dark_hw: Field, ink: float, line: float, at_mm: float) -> Bar | None:
    """The bar near a place on a row's baseline; None if there is none."""
    tall, aside = round(TALL_MM * CANVAS_PX_PER_MM_Y), round(_ASIDE_MM * CANVAS_PX_PER_MM_X)
    column, row = round(at_mm * CANVAS_PX_PER_MM_X - 0.5), round(line)
    if row < tall or column < aside:
        return None
    piece = dark_hw[row - tall : row + tall + 1, column - aside : column + aside + 1]
    if piece.shape != (2 * tall + 1, 2 * aside + 1):
        return None
    profile = np.percentile(piece, DARK_OVER, axis=0) / ink
    paper, most = float(np.percentile(profile, 25)), float(profile.max())
    dark = profile >= (paper + most) / 2
    if most - paper < _LEAST_CONTRAST or dark.sum() < _LEAST_MM * CANVAS_PX_PER_MM_X:
        return None
    found = np.flatnonzero(dark)
    inner = found + column - aside
    upper, lower = _ends(dark_hw[:, inner].mean(axis=1) / ink >= (paper + most) / 2, row)
    # Ink that continues beyond a bar's ends is a grid line; bars stand beside grid lines.
    beyond = dark_hw[_above_and_below(upper, lower, dark_hw.shape[0]), column - aside : column + aside + 1]
    lines = np.minimum(np.median(beyond, axis=0) / ink, (paper + most) / 2) if len(beyond) else np.full_like(profile, 0)
    # Coverage is summed without a threshold: of pixels that a bar covers in part, a threshold keeps one side and not
    # the other, which costs a fiftieth of a millimetre.
    covered = np.clip((profile - lines) / (float(np.median(profile[dark])) - lines), 0, 1.2)
    first, last = _spread(covered > _FOOT, int(found[0]), int(found[-1]))
    middle = float((covered[first:last] * np.arange(first, last)).sum() / covered[first:last].sum())
    off_mm = (column + 0.5 + middle - aside) / CANVAS_PX_PER_MM_X - at_mm
    return Bar(off_mm, (slice(upper, lower), slice(int(inner[0]) - _SIDE_PX, int(inner[-1]) + 1 + _SIDE_PX)))


def _above_and_below(upper: int, lower: int, height: int) -> Whole:
    """The rows within a few millimetres beyond a bar's ends."""
    near, far = (round(side * CANVAS_PX_PER_MM_Y) for side in _BEYOND_MM)
    rows = np.r_[upper - far : upper - near, lower + near : lower + far]
    return np.asarray(rows[(rows >= 0) & (rows < height)], dtype=np.int64)


def _spread(flags: Flags, first: int, last: int) -> tuple[int, int]:
    """Begin and end of a piece, extended to both sides as far as the flags reach."""
    while first > 0 and flags[first - 1]:
        first -= 1
    while last + 1 < len(flags) and flags[last + 1]:
        last += 1
    return first, last + 1


def _ends(dark: Flags, row: int) -> tuple[int, int]:
    """Begin and end of the dark piece nearest to a row, with one more row on each side."""
    rows = np.flatnonzero(dark)
    if not len(rows):
        return row, row
    nearest = int(rows[np.abs(rows - row).argmin()])
    upper, lower = _spread(dark, nearest, nearest)
    return max(0, upper - 1), min(len(dark), lower + 1)
