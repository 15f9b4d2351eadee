"""Computes the centre line of one lead's trace on a flat page, and the confidence of each point."""

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
# Half a bar: the most that it hides of a line's end; and the number of columns from which the flank's slope is taken.
_HIDDEN_MM, _FLANK_PX = 1.0, 4
# Quantile of the runs' heights: slopes make runs taller than the pen, and only faded ink makes them lower.
_LEVEL_PERCENTILE = 15


@dataclass(frozen=True)
class Line:
    """A lead's centre line between two columns.

    Attributes:
        first: the first column.
        y_px: (n,) float64, canvas px; gaps are interpolated linearly.
        sure: (n,) float64, 0 to 1.
        seen: share of the columns with ink.
    """

    first: int
    y_px: Values
    sure: Values
    seen: float


def stroke_px(runs: Runs) -> float:
    """The trace's vertical width, canvas px, from its thin runs, which are level pieces."""
    thin = runs.height[runs.height < _TALL_MM * CANVAS_PX_PER_MM_Y]
    if not len(thin):
        return 2.0
    return float(np.clip(np.percentile(thin, _LEVEL_PERCENTILE), 1.2, 8.0))


def trace_line(
    runs: Runs, run: Whole, hidden: tuple[Flags, Flags], columns: tuple[int, int], pen: float, skipped: int = 0
) -> Line:
    """The centre line along a path.

    Args:
        runs: of the canvas.
        run: (width,) int64, the path.
        hidden: (width,) bool each: the trace of another row hides the upper, or the lower, edge of the run.
        columns: first and one past the last.
        pen: width of the stroke, px.
        skipped: columns at the beginning whose ink does not belong to the trace.
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
    """(n,) float64: the line with its ends, hidden by a bar, extrapolated along the flank up to the baseline.

    Args:
        line: (n,) float64 px; any value before the first known column and after the last one.
        known: (n,) bool.
    """
    begun = _begin_led_on(line, known)
    return _begin_led_on(begun[::-1], known[::-1])[::-1]


def _begin_led_on(line: Values, known: Flags) -> Values:
    result, first = line.copy(), int(known.argmax())
    if 0 < first <= round(_HIDDEN_MM * CANVAS_PX_PER_MM_X) and known[first : first + 1 + _FLANK_PX].all():
        steps = (line[first] - line[first + _FLANK_PX]) / _FLANK_PX * np.arange(first, 0, -1)
        to_level = float(np.median(line[known])) - line[first]
        # Extrapolate only towards the baseline: the length of a flank that leads away from it is unknown.
        result[:first] = line[first] + np.clip(steps, min(0.0, to_level), max(0.0, to_level))
    return result


def _sureness(top: Values, bottom: Values, known: npt.NDArray[np.bool_]) -> Values:
    """1 on level, visible ink; less beside gaps, on steep flanks, and where another trace hides an edge."""
    tall_mm = np.where(np.isfinite(top) & np.isfinite(bottom), bottom - top, 40.0) / CANVAS_PX_PER_MM_Y
    steep = 1 / (1 + (np.maximum(0, tall_mm - 1.0) / 6.0) ** 2)
    near_gap = uniform_filter1d(known.astype(np.float64), 7)
    return np.where(known, steep * near_gap**2, 0.1)
