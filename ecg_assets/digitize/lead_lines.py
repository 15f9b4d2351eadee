"""Each lead's own line: its path through the ink, and which edges of it are its own."""

import numpy as np
import numpy.typing as npt

from ecg_assets.digitize.arrangement import Arrangement, Slot
from ecg_assets.digitize.extent import Extent
from ecg_assets.digitize.path import follow
from ecg_assets.digitize.rectify import CANVAS_PX_PER_MM_X, CANVAS_PX_PER_MM_Y
from ecg_assets.digitize.runs import Runs
from ecg_assets.digitize.shared import hidden_edges
from ecg_assets.digitize.traces import Line, trace_line

Values = npt.NDArray[np.float64]


def lead_lines(
    runs: Runs, rows_y: Values, arrangement: Arrangement, extent: Extent, strokes: tuple[float, bool]
) -> dict[Slot, Line]:
    """Each lead's own path: between leads of a row it may leap.

    Args:
        runs, rows_y, arrangement, extent: what was found.
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

    Asked twice, the second time with what other rows take made dearer: of two traces as near to a row's line, that one
    is taken which is nobody else's.
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
    """(rows, runs) bool: whether another row than this one takes a run."""
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
