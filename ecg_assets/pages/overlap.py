"""From the sub-columns' intervals to the pixels they cover, for traces that lie side by side."""

import numpy as np
import numpy.typing as npt

from ecg_assets.pages.pen import SUB_COLUMNS

# Where a trace does not rise steeply its stroke touches fewer rows than this in a column: all but one column in six.
_FLAT_ROWS = 8

# Sums of fractions come back to 0 but for rounding.
_NO_COVERAGE = 1e-6

Coverage = npt.NDArray[np.float32]
Whole = npt.NDArray[np.int64]


def pixels(low: Coverage, high: Coverage, height: int) -> tuple[Whole, Whole, Coverage]:
    """Exact overlap of the sub-columns' intervals with each pixel, averaged over a column's sub-columns.

    Args:
        low, high: (columns * `SUB_COLUMNS`,) float32, y of each interval; there is none where low exceeds high.
        height: of the page in pixels; what lies outside is cut off.

    Returns:
        Row and column (n,) int64 of the pixels that are covered, each once, and their coverage, (n,) float32.
    """
    # Sub-columns first: operations and sums over them then run along the columns.
    low, high = (
        np.ascontiguousarray(np.clip(edge, 0, height).reshape(-1, SUB_COLUMNS).T).astype(np.float32, copy=False)
        for edge in (low, high)
    )
    top, bottom = np.floor(low.min(axis=0)), np.ceil(high.max(axis=0))
    np.maximum(high, low, out=high)
    rows = bottom - top
    flat = np.flatnonzero((rows > 0) & (rows <= _FLAT_ROWS))
    steep = np.flatnonzero(rows > _FLAT_ROWS)
    # `take` keeps the columns side by side in memory; indexing would turn the arrays.
    parts = [
        _flat(low.take(flat, axis=1), high.take(flat, axis=1), top[flat], flat),
        _steep(low.take(steep, axis=1), high.take(steep, axis=1), top[steep], rows[steep], steep),
    ]
    row, column, coverage = (np.concatenate(part) for part in zip(*parts, strict=True))
    return row, column, coverage


def _flat(low: Coverage, high: Coverage, top: Coverage, column: Whole) -> tuple[Whole, Whole, Coverage]:
    """Row by row: the part of each interval that lies in it."""
    low, high = low - top, high - top
    summed = np.empty((_FLAT_ROWS, len(column)), dtype=np.float32)
    for line in range(_FLAT_ROWS):
        inside = np.clip(high, line, line + 1)
        inside -= np.clip(low, line, line + 1)
        inside.sum(axis=0, out=summed[line])
    covered = summed > _NO_COVERAGE
    row = np.repeat(np.arange(_FLAT_ROWS), np.count_nonzero(covered, axis=1))
    touched = np.flatnonzero(covered)
    place = touched - row * len(column)
    return row + top.astype(np.int64)[place], column[place], summed.ravel()[touched] / np.float32(SUB_COLUMNS)


def _steep(
    low: Coverage, high: Coverage, top: Coverage, rows: Coverage, column: Whole
) -> tuple[Whole, Whole, Coverage]:
    """By running sums down the columns, so that a tall interval costs no more than a low one.

    Coverage of row p by everything below `edge` is clip(p + 1 - edge, 0, 1): in the running sum down a column it
    steps up by 1 - frac(edge) at floor(edge) and by frac(edge) in the next row. An interval is two such edges. Columns
    lie one behind the other, each with the rows that its intervals touch and two more, where its sum is back at 0.
    """
    counts = rows.astype(np.int64) + 2
    # Row r of a column stands at `first + r`.
    first = np.cumsum(counts) - counts - top.astype(np.int64)
    edges = np.stack([low, high])
    row = edges.astype(np.int64)
    # A high edge on the page's lower border lies in the row behind it, with a fraction of 0.
    fraction = (edges - row).astype(np.float64)
    fraction[1] *= -1
    row += first
    size = int(counts.sum())
    later = np.bincount(row.ravel(), fraction.ravel(), minlength=size)
    steps = np.bincount(row[0].ravel(), minlength=size) - np.bincount(row[1].ravel(), minlength=size) - later
    steps[1:] += later[:-1]
    coverage = np.cumsum(steps) / SUB_COLUMNS
    touched = np.flatnonzero(coverage > _NO_COVERAGE)
    place = np.repeat(np.arange(len(counts)), counts)[touched]
    return touched - first[place], column[place], np.minimum(coverage[touched], 1).astype(np.float32)
