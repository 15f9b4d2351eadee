"""The line of one lead on a flat page, and how sure each of its points is."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.ndimage import uniform_filter1d

from ecg_assets.digitize.rectification.canvas import CANVAS_PX_PER_MM_X, CANVAS_PX_PER_MM_Y
from ecg_assets.digitize.tracing.ink_runs import Runs
from ecg_assets.digitize.tracing.stroke_envelope import middle_line, pointed, redrawn_line

Values = npt.NDArray[np.float64]
Whole = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

_TALL_MM = 2.0
# As much as half a bar may hide of a line's end; and from how many columns the flank's slope is taken.
_HIDDEN_MM, _FLANK_PX = 1.0, 4
# Of the heights of runs: slopes make them taller, nothing makes them lower than the pen but faded ink.
_LEVEL_PERCENTILE = 15


@dataclass(frozen=True)
class Line:
    """A lead's line between two columns.

    Attributes:
        first: the first column.
        y_px: (n,) float64, canvas px, without gaps: those are bridged straight.
        sure: (n,) float64, 0 to 1.
        seen: share of the columns in which there is ink.
    """

    first: int
    y_px: Values
    sure: Values
    seen: float


def stroke_px(runs: Runs) -> float:
    """The trace's width down, canvas px: that of the thin runs, which level pieces are."""
    thin = runs.height[runs.height < _TALL_MM * CANVAS_PX_PER_MM_Y]
    if not len(thin):
        return 2.0
    return float(np.clip(np.percentile(thin, _LEVEL_PERCENTILE), 1.2, 8.0))


def trace_line(
    runs: Runs, run: Whole, hidden: tuple[Flags, Flags], columns: tuple[int, int], pen: float, skipped: int = 0
) -> Line:
    """The line along a path.

    Args:
        runs: of the canvas.
        run: (width,) int64, the path.
        hidden: (width,) bool each: the trace of another row hides the upper, or the lower, edge of the run.
        columns: first and one past the last.
        pen: width of the stroke, px.
        skipped: columns at the beginning whose ink is another thing's.
    """
    (first, last), (upper, lower) = columns, hidden
    part = run[first:last]
    there = part >= 0
    top, bottom = np.full(len(part), np.nan), np.full(len(part), np.nan)
    taken = part[there]
    top[there] = np.where(upper[first:last][there], np.nan, runs.top[taken])
    bottom[there] = np.where(lower[first:last][there], np.nan, runs.bottom[taken])
    half = pen / 2
    half_x = half * CANVAS_PX_PER_MM_X / CANVAS_PX_PER_MM_Y
    # A pulse's flank stands on the first columns.
    top[:skipped] = bottom[:skipped] = np.nan
    line = middle_line(top, bottom, half_x, half)
    known = np.isfinite(line)
    if not known.any():
        return Line(first, np.full(len(part), np.nan), np.zeros(len(part)), 0.0)
    filled = led_on(np.interp(np.arange(len(line)), np.flatnonzero(known), line[known]), known)
    filled = redrawn_line(filled, top, bottom, half_x, half)
    outer_top, outer_bottom = np.full(len(part), np.nan), np.full(len(part), np.nan)
    outer_top[there], outer_bottom[there] = runs.top[taken] + half, runs.bottom[taken] - half
    filled = pointed(filled, bottom, outer_top, upper[first:last] & there, half_x)
    filled = -pointed(-filled, -top, -outer_bottom, lower[first:last] & there, half_x)
    return Line(first, filled, _sureness(top, bottom, known), float(there.mean()))


def led_on(line: Values, known: Flags) -> Values:
    """(n,) float64: a line whose ends, hidden by a bar, go on as its flank leads, to its own level and no further.

    Args:
        line: (n,) float64 px; before the first column that is known and behind the last one any value.
        known: (n,) bool.
    """
    begun = _begin_led_on(line, known)
    return _begin_led_on(begun[::-1], known[::-1])[::-1]


def _begin_led_on(line: Values, known: Flags) -> Values:
    result, first = line.copy(), int(known.argmax())
    if 0 < first <= round(_HIDDEN_MM * CANVAS_PX_PER_MM_X) and known[first : first + 1 + _FLANK_PX].all():
        steps = (line[first] - line[first + _FLANK_PX]) / _FLANK_PX * np.arange(first, 0, -1)
        to_level = float(np.median(line[known])) - line[first]
        # Towards the line's level and not beyond it: where a flank leads away from it, nobody knows how far.
        result[:first] = line[first] + np.clip(steps, min(0.0, to_level), max(0.0, to_level))
    return result


def _sureness(top: Values, bottom: Values, known: npt.NDArray[np.bool_]) -> Values:
    """1 on level, unhidden ink; less beside gaps, on steep flanks, and where another trace hides an edge."""
    tall_mm = np.where(np.isfinite(top) & np.isfinite(bottom), bottom - top, 40.0) / CANVAS_PX_PER_MM_Y
    steep = 1 / (1 + (np.maximum(0, tall_mm - 1.0) / 6.0) ** 2)
    near_gap = uniform_filter1d(known.astype(np.float64), 7)
    return np.where(known, steep * near_gap**2, 0.1)
