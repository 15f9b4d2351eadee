"""Finds each lead's path through the ink, and assigns stroke edges to rows where two traces overlap."""

import numpy as np
import numpy.typing as npt

from ecg_assets.digitize.calibration.printed_extent import Extent
from ecg_assets.digitize.lead_layout.layout_match import Arrangement, Slot
from ecg_assets.digitize.rectification.canvas import CANVAS_PX_PER_MM_X, CANVAS_PX_PER_MM_Y
from ecg_assets.digitize.tracing.centre_line import Line, trace_line
from ecg_assets.digitize.tracing.ink_runs import Runs
from ecg_assets.digitize.tracing.path_search import follow

Values = npt.NDArray[np.float64]
Whole = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

# Distance, in pen widths, that a shared run extends beyond a row's edge if the other row has crossed it.
_BEYOND = 0.5


def lead_lines(
    runs: Runs, rows_y: Values, arrangement: Arrangement, extent: Extent, strokes: tuple[float, bool]
) -> dict[Slot, Line]:
    """Each lead's own trace; at the boundary between two leads of a row it may jump.

    Args:
        runs, rows_y, arrangement, extent: of the page.
        strokes: the pen's width, px, and whether pulses stand before the first leads.
    """
    width = len(runs.first) - 1
    pen, after_pulses = strokes
    flank = int(np.ceil(pen / 2 * CANVAS_PX_PER_MM_X / CANVAS_PX_PER_MM_Y)) if after_pulses else 0
    spans = {slot: columns_of(extent, slot.column, slot.columns, width) for slot in arrangement.slots}
    paths = {slot: follow(runs, float(rows_y[slot.row]), *spans[slot]).run for slot in arrangement.slots}
    others = _taken_by_others(runs, _by_row(paths, spans, (len(rows_y), width)))
    paths = {
        slot: follow(runs, float(rows_y[slot.row]), *spans[slot], others[slot.row]).run for slot in arrangement.slots
    }
    taken = _by_row(paths, spans, (len(rows_y), width))
    upper, lower = hidden_edges(runs, taken, pen)
    return {
        slot: trace_line(runs, run, (upper[slot.row], lower[slot.row]), spans[slot], pen, 0 if slot.column else flank)
        for slot, run in paths.items()
    }


def row_paths(runs: Runs, rows_y: Values) -> npt.NDArray[np.int64]:
    """(rows, width) int64: each row's path over the whole page, -1 where it has none.

    The search runs twice. In the second pass runs taken by other rows cost more, so that of two traces equally near a
    row's baseline the unclaimed one is chosen.
    """
    width = len(runs.first) - 1
    rough = np.stack([follow(runs, float(line), 0, width).run for line in rows_y])
    others = _taken_by_others(runs, rough)
    return np.stack([follow(runs, float(line), 0, width, own).run for line, own in zip(rows_y, others, strict=True)])


def _by_row(
    paths: dict[Slot, npt.NDArray[np.int64]], spans: dict[Slot, tuple[int, int]], shape: tuple[int, int]
) -> npt.NDArray[np.int64]:
    """(rows, width) int64: the run that a row takes in each column, -1 where it has none."""
    taken = np.full(shape, -1, dtype=np.int64)
    for slot, run in paths.items():
        columns = slice(*spans[slot])
        taken[slot.row, columns] = run[columns]
    return taken


def _taken_by_others(runs: Runs, taken: npt.NDArray[np.int64]) -> npt.NDArray[np.bool_]:
    """(rows, runs) bool: whether a run is taken by a row other than this one."""
    users = np.zeros((len(taken), len(runs.column)), dtype=np.bool_)
    for row, run in enumerate(taken):
        users[row, run[run >= 0]] = True
    return np.stack([np.delete(users, row, axis=0).any(axis=0) for row in range(len(taken))])


def columns_of(extent: Extent, place: int, across: int, width: int) -> tuple[int, int]:
    """First and one past the last column of a part of the printed width."""
    length = extent.last_mm - extent.first_mm
    edges = [(extent.first_mm + length * part / across) * CANVAS_PX_PER_MM_X for part in (place, place + 1)]
    first = int(np.clip(np.floor(edges[0]), 0, width - 2))
    return first, int(np.clip(np.ceil(edges[1]), first + 2, width))


def hidden_edges(runs: Runs, paths: Whole, pen: float) -> tuple[Flags, Flags]:
    """For each row and column: whether the upper, and the lower, edge of the run it takes belongs to another row.

    If two rows share a run, one of them peaks into the other. Up to the other row's line the peak's tip is occluded,
    and so is the other row's edge on that side; beyond it, both edges belong to the peak and the other row is occluded.

    Args:
        runs: of the canvas.
        paths: (rows, width) int64, runs taken, -1 for a gap; rows from top to bottom.
        pen: width of the stroke, px.

    Returns:
        Two of (rows, width) bool.
    """
    upper, lower = np.zeros(paths.shape, dtype=np.bool_), np.zeros(paths.shape, dtype=np.bool_)
    for above in range(len(paths)):
        for below in range(above + 1, len(paths)):
            both = (paths[above] == paths[below]) & (paths[above] >= 0)
            if not both.any():
                continue
            columns = np.flatnonzero(both)
            taken = paths[above][columns]
            down = runs.bottom[taken] > -_own_edge(-runs.bottom, paths[below], both)[columns] + _BEYOND * pen
            up = runs.top[taken] < _own_edge(runs.top, paths[above], both)[columns] - _BEYOND * pen
            # A row whose peak extends beyond owns both edges; if both rows extend beyond, the owner is unknown.
            lower[above, columns] |= ~(down & ~up)
            upper[below, columns] |= ~(up & ~down)
            upper[above, columns] |= up
            lower[below, columns] |= down
    return upper, lower


def _own_edge(edge: Values, path: Whole, shared: Flags) -> Values:
    """(width,) float64: the edge of a row's runs; over shared runs, the higher edge of the neighbours on either side.

    The edge is not interpolated, because a shared flank begins at one neighbour and ends at the other.
    """
    alone = np.flatnonzero((path >= 0) & ~shared)
    if not len(alone):
        return np.full(len(path), np.nan)
    own = edge[path[alone]]
    after = np.searchsorted(alone, np.arange(len(path)))
    before = np.searchsorted(alone, np.arange(len(path)), side="right") - 1
    return np.minimum(own[np.minimum(after, len(alone) - 1)], own[np.maximum(before, 0)])
