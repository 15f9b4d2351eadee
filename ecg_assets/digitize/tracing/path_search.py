"""Finds one path per row through the runs of ink: the cheapest from left to right, by dynamic programming."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ecg_assets.digitize.rectification.canvas import CANVAS_PX_PER_MM_X, CANVAS_PX_PER_MM_Y
from ecg_assets.digitize.tracing.ink_runs import Runs

Values = npt.NDArray[np.float64]
Whole = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

# Costs: a jump of one millimetre up or down, a start one millimetre off the row's baseline, a column without ink, and a
# column far from the row's baseline.
_LEAP = 3.0
_BEGIN = 0.3
_GAP = 0.25
_FAR_MM, _FAR = 12.0, 0.02
# Connected ink always costs less than a gap, so a deep S wave is followed even into another row.
_FARTHEST = 0.1
# The direction of a path may change: a jump is free if a gap of the same length explains it.
_SLOPE = 0.5
# A column on a run of another row costs less than one without ink, because traces do overlap.
_SHARED = 0.1
_DRIFT, _DRIFTED = 0.02, 0.04
_KEPT = 16
_LONGEST_GAP_MM = 30.0


@dataclass(frozen=True)
class Path:
    """The run that a row takes in each column.

    Attributes:
        run: (width,) int64, index of the run; -1 where the row has none.
    """

    run: Whole


def follow(runs: Runs, line_y: float, first: int, last: int, others: Flags | None = None) -> Path:
    """The path of one row.

    Args:
        runs: of the canvas.
        line_y: the row's baseline, canvas px.
        first, last: columns between which the path runs.
        others: (n,) bool, runs taken by other rows; they cost more, so that a peak that crosses another row's trace
            continues beyond it, not along it.
    """
    width = len(runs.first) - 1
    middle = runs.middle
    away_mm = np.abs(middle - line_y) / CANVAS_PX_PER_MM_Y
    # A tall run that reaches the row's band counts as near, wherever its middle is.
    nearest_mm = np.maximum(0, np.maximum(runs.top - line_y, line_y - runs.bottom)) / CANVAS_PX_PER_MM_Y
    own = np.minimum(_FAR * np.maximum(0, nearest_mm - _FAR_MM) + 0.002 * away_mm, _FARTHEST)
    if others is not None:
        own += _SHARED * others
    came_from = np.full(len(runs.column), -1, dtype=np.int64)
    # The frontier: ends of the paths so far. A path may start off the row's baseline at the left end for free.
    ends = np.empty(0, dtype=np.int64)
    costs = np.empty(0)
    started = 0.0
    # The best path that ended too long ago to be continued is kept aside, so that it does not displace later starts.
    ended, ended_cost = -1, np.inf
    longest = round(_LONGEST_GAP_MM * CANVAS_PX_PER_MM_X)
    for column in range(first, last):
        here = np.arange(runs.first[column], runs.first[column + 1])
        if len(here):
            here_costs, here_from = _best((runs.column, runs.top, runs.bottom, middle), ends, costs, here, column)
            fresh = started + _BEGIN * nearest_mm[here]
            begins = fresh < here_costs
            here_costs = np.where(begins, fresh, here_costs) + own[here]
            came_from[here] = np.where(begins, -1, here_from)
        else:
            here_costs = np.empty(0)
        started += _GAP
        ends = np.concatenate([ends, here])
        costs = np.concatenate([costs + _GAP, here_costs])
        ended_cost += _GAP
        old = runs.column[ends] < column - longest
        if old.any():
            oldest = int(np.argmin(np.where(old, costs, np.inf)))
            if costs[oldest] < ended_cost:
                ended, ended_cost = int(ends[oldest]), float(costs[oldest])
            ends, costs = ends[~old], costs[~old]
        if len(ends) > _KEPT:
            best = np.argpartition(costs, _KEPT)[:_KEPT]
            ends, costs = ends[best], costs[best]
    taken = np.full(width, -1, dtype=np.int64)
    at = int(ends[np.argmin(costs)]) if len(ends) and costs.min() < ended_cost else ended
    while at >= 0:
        taken[runs.column[at]] = at
        at = int(came_from[at])
    return Path(taken)


def _best(
    measured: tuple[Whole, Values, Values, Values], ends: Whole, costs: Values, here: Whole, column: int
) -> tuple[Values, Whole]:
    """For each run of this column the cheapest predecessor, and its cost.

    `measured` holds the runs' column, top, bottom and middle, extracted once.
    """
    if not len(ends):
        return np.full(len(here), np.inf), np.full(len(here), -1, dtype=np.int64)
    columns, top, bottom, middle = measured
    # Two runs of different columns overlap at most one way, so that the larger of the two differences is the gap.
    gap_px = np.maximum(top[here][:, None] - bottom[ends], top[ends] - bottom[here][:, None])
    skipped_mm = (column - 1 - columns[ends]) / CANVAS_PX_PER_MM_X
    leap_mm = np.maximum(0, np.maximum(gap_px, 0) / CANVAS_PX_PER_MM_Y - _SLOPE * skipped_mm)
    # Of two runs connected to the last one, prefer the one that continues at its height.
    drift_mm = np.abs(middle[here][:, None] - middle[ends]) / CANVAS_PX_PER_MM_Y
    total = costs + _LEAP * leap_mm + np.minimum(_DRIFT * drift_mm, _DRIFTED)
    total[:, skipped_mm > _LONGEST_GAP_MM] = np.inf
    best = total.argmin(axis=1)
    return total[np.arange(len(here)), best], ends[best]
