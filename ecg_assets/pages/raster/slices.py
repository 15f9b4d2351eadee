"""Rasterises round-joined strokes of lines that only go to the right, from their vertical slices.

Where a line y(x) only goes to the right, each vertical slice of its stroke is one interval. Each pixel column is cut
into sub-columns; the interval of a sub-column is the line at its middle and at the corners within it, widened by a
semicircle of half the stroke's width. What several lines leave in one sub-column is joined before it is measured, so
that no ink counts twice and the ink of neighbours adds up within a pixel. Coverage is the joined intervals' exact
overlap with each pixel, averaged over a column's sub-columns.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ecg_assets.pages.raster.pen import SUB_COLUMNS, Bounds, widened

Coverage = npt.NDArray[np.float32]
Values = npt.NDArray[np.float64]
Indices = npt.NDArray[np.int64]

# In five of six columns a trace is not steep, and its stroke touches fewer rows than this.
_FLAT_ROWS = 8
# Sums of fractions return to 0 except for rounding.
_NO_COVERAGE = 1e-6


@dataclass(frozen=True)
class Lines:
    """Lines that only go to the right, one after the other.

    Attributes:
        x, y: (n,) float64 px, corners of all lines; x does not decrease within a line.
        sizes: (lines,) how many corners each has, at least 1.
        radius: (lines,) float64 px, half the stroke's width of each.
        mirrored: (lines,) bool, whether the line's x is counted from the picture's right edge to the left.
    """

    x: Values
    y: Values
    sizes: Indices
    radius: Values
    mirrored: npt.NDArray[np.bool_]


def cover(lines: Lines, shape: tuple[int, int]) -> Coverage:
    """(h, w) float32, 0 to 1: share of each pixel that the lines' strokes cover; parts outside are clipped."""
    picture = np.zeros(shape, dtype=np.float32)
    if len(lines.sizes):
        column, low, high = _intervals(lines, shape)
        if len(column):
            _fill(picture, *_joined(column, low, high, shape[0]))
    return picture


def _intervals(lines: Lines, shape: tuple[int, int]) -> tuple[Indices, Values, Values]:
    """Sub-column, lowest and highest y of each slice, sub-columns rising within a line."""
    reach = int(np.floor(lines.radius.max() * SUB_COLUMNS)) + 1
    ends = np.cumsum(lines.sizes)
    # All lines lie on one axis of sub-columns, each with room for its round ends: then they are widened in one go.
    first = np.floor(lines.x[ends - lines.sizes] * SUB_COLUMNS).astype(np.int64) - reach
    room = np.floor(lines.x[ends - 1] * SUB_COLUMNS).astype(np.int64) + reach + 1 - first
    shift = np.cumsum(room) - room - first
    place = lines.x * SUB_COLUMNS + np.repeat(shift, lines.sizes)
    bounds = _bounds(lines, place, ends, int(room.sum()))
    low, high = widened(bounds, np.repeat(lines.radius.astype(np.float32), room))
    low, high = np.maximum(-low, 0), np.minimum(high, np.float32(shape[0]))
    sub_columns = shape[1] * SUB_COLUMNS
    column = np.arange(len(low)) - np.repeat(shift, room)
    column = np.where(np.repeat(lines.mirrored, room), sub_columns - 1 - column, column)
    inked = np.flatnonzero((high > low) & (column >= 0) & (column < sub_columns))
    return column[inked], low[inked].astype(np.float64), high[inked].astype(np.float64)


def _bounds(lines: Lines, place: Values, ends: Indices, count: int) -> Bounds:
    """(2, count) float32: -lowest and highest y of the lines themselves in each sub-column; -inf where none is."""
    # At its middle, because the range between its edges would make steep strokes a sub-column too wide.
    middle = np.interp(np.arange(count) + 0.5, place, lines.y)
    crossed = np.zeros(count + 1, dtype=np.int8)
    np.add.at(crossed, np.ceil(place[ends - lines.sizes] - 0.5).astype(np.int64), 1)
    np.add.at(crossed, np.floor(place[ends - 1] - 0.5).astype(np.int64) + 1, -1)
    outside = np.cumsum(crossed[:-1], dtype=np.int8) <= 0
    bounds = np.stack([-middle, middle]).astype(np.float32)
    bounds[:, outside] = -np.inf
    # Corners inside a sub-column: without them peaks would lose pixels.
    holder, height = place.astype(np.int64), lines.y.astype(np.float32)
    np.maximum.at(bounds[0], holder, -height)
    np.maximum.at(bounds[1], holder, height)
    return bounds


def _joined(column: Indices, low: Values, high: Values, height: int) -> tuple[Indices, Values, Values]:
    """Intervals of the same sub-column that touch become one."""
    base = column * np.float64(2 * height)
    begin, end = base + low, base + high
    # Each line's slices are in order already, which a merge sort uses.
    order = np.argsort(begin, kind="stable")
    begin, end = begin[order], np.maximum.accumulate(end[order])
    starts = np.concatenate([[True], begin[1:] > end[:-1]])
    first = np.flatnonzero(starts)
    last = np.append(first[1:], len(begin)) - 1
    kept = order[first]
    return column[kept], low[kept], end[last] - base[kept]


def _fill(picture: Coverage, column: Indices, low: Values, high: Values) -> None:
    """Adds the intervals' exact overlap with each pixel, as a share of the pixel's sub-columns."""
    top = low.astype(np.int64)
    rows = np.ceil(high).astype(np.int64) - top
    width = picture.shape[1]
    after = np.cumsum(rows)
    first = after - rows
    share = np.full(after[-1], 1 / SUB_COLUMNS, dtype=np.float32)
    # Only an interval's two ends cover a pixel in part, or its one pixel.
    share[after - 1] = (high - top - rows + 1) / SUB_COLUMNS
    share[first] = (np.minimum(high, top + 1) - low) / SUB_COLUMNS
    places = np.repeat((top - first) * width + column // SUB_COLUMNS, rows)
    places += np.arange(0, after[-1] * width, width)
    np.add.at(picture.reshape(-1), places, share)
    np.minimum(picture, np.float32(1), out=picture)


def pixels(low: Coverage, high: Coverage, height: int) -> tuple[Indices, Indices, Coverage]:
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


def _flat(low: Coverage, high: Coverage, top: Coverage, column: Indices) -> tuple[Indices, Indices, Coverage]:
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
    low: Coverage, high: Coverage, top: Coverage, rows: Coverage, column: Indices
) -> tuple[Indices, Indices, Coverage]:
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
