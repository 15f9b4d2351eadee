"""Whose edge is whose where the traces of two rows run into each other."""

import numpy as np
import numpy.typing as npt

from ecg_assets.digitize.runs import Runs

Values = npt.NDArray[np.float64]
Whole = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

# How far, in pens, a shared run has to reach beyond a row's own edge for the other row to have passed through it.
_BEYOND = 0.5


def hidden_edges(runs: Runs, paths: Whole, pen: float) -> tuple[Flags, Flags]:
    """For each row and column: whether the upper, and the lower, edge of the run it takes belongs to another row.

    Where two rows take the same run, one of them has come over to the other: a peak. As far as it reaches no further
    than the other's line, its tip is hidden there, and the other's edge on that side; beyond, both edges are the
    peak's, and the other row is not to be seen at all.

    Args:
        runs: of the canvas.
        paths: (rows, width) int64, runs taken, -1 where there is none; rows from top to bottom.
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
            # A row whose peak reaches beyond has both edges to itself; of two that do, neither is known to be it.
            lower[above, columns] |= ~(down & ~up)
            upper[below, columns] |= ~(up & ~down)
            upper[above, columns] |= up
            lower[below, columns] |= down
    return upper, lower


def _own_edge(edge: Values, path: Whole, shared: Flags) -> Values:
    """(width,) float64: the edge of a row's runs; over what it shares, that of its two neighbours which lies higher.

    Not straight from one to the other: a flank that the row shares begins at one of them and ends at the other.
    """
    alone = np.flatnonzero((path >= 0) & ~shared)
    if not len(alone):
        return np.full(len(path), np.nan)
    own = edge[path[alone]]
    after = np.searchsorted(alone, np.arange(len(path)))
    before = np.searchsorted(alone, np.arange(len(path)), side="right") - 1
    return np.minimum(own[np.minimum(after, len(alone) - 1)], own[np.maximum(before, 0)])
