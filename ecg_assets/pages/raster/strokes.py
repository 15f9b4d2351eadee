"""Computes ink coverage of pixels: strokes of fractional width with round joins, and rectangles.

A trace is a graph y(x), so each vertical slice of its round-joined stroke is one interval. Each pixel column is cut
into sub-columns; the interval of a sub-column is the trace at its middle and at the samples within it,
widened by a semicircle of half the stroke's width. Coverage is the intervals' exact overlap with each pixel, averaged
over a column's sub-columns.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from ecg_assets.pages.raster.pen import SUB_COLUMNS, widened
from ecg_assets.pages.raster.slices import pixels

Coverage = npt.NDArray[np.float32]
Points = npt.NDArray[np.float64]
Whole = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Patch:
    """Coverage of a part of the page.

    Attributes:
        row, column: of the patch's upper left pixel, on the page.
        coverage: (h, w) float32, 0 to 1.
    """

    row: int
    column: int
    coverage: Coverage

    def put_on(self, page_hw: Coverage) -> None:
        """Lays the patch over `page_hw`, (H, W) float32: the larger coverage stays."""
        height, width = self.coverage.shape
        place = page_hw[self.row : self.row + height, self.column : self.column + width]
        np.maximum(place, self.coverage, out=place)


def rectangle(page_hw: Coverage, x0: float, x1: float, y0: float, y1: float) -> None:
    """Lays an upright rectangle with exact coverage of its border pixels over `page_hw`, (H, W) float32."""
    rows, columns = _overlap(y0, y1, page_hw.shape[0]), _overlap(x0, x1, page_hw.shape[1])
    inside_rows, inside_columns = np.flatnonzero(rows), np.flatnonzero(columns)
    if len(inside_rows) and len(inside_columns):
        patch = np.outer(rows[inside_rows], columns[inside_columns]).astype(np.float32)
        Patch(int(inside_rows[0]), int(inside_columns[0]), patch).put_on(page_hw)


def _overlap(low: float, high: float, size: int) -> Points:
    """Share of each of `size` unit cells that lies between `low` and `high`."""
    edges = np.clip(np.arange(size + 1, dtype=np.float64), low, high)
    return np.diff(edges)


@dataclass(frozen=True)
class Ink:
    """The pixels that strokes touch; where strokes cross, a pixel occurs more than once.

    Attributes:
        row, column: (n,) int64 each, on the page.
        coverage: (n,) float32, 0 to 1.
    """

    row: Whole
    column: Whole
    coverage: Coverage

    def place(self, page_width: int) -> Whole:
        """(n,) int64: flat indices of the pixels in the page."""
        return self.row * page_width + self.column

    def put_on(self, page_hw: Coverage) -> None:
        """Lays the ink over `page_hw`, (H, W) float32: the larger coverage stays."""
        np.maximum.at(page_hw.reshape(-1), self.place(page_hw.shape[1]), self.coverage)


def strokes(traces: Sequence[Points], width_px: float, page_shape: tuple[int, int]) -> Ink:
    """Coverage of the strokes of all traces of a page, in one batch.

    Args:
        traces: (n, 2) float64 px each, x increasing; a y of NaN parts a trace in pieces, each with round ends.
        width_px: the strokes' width.
        page_shape: height and width; what lies outside is cut off.
    """
    pieces = [piece for trace in traces for piece in _unbroken(trace)]
    if not pieces:
        return Ink(np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0, np.float32))
    sheet = _side_by_side(pieces, width_px / 2)
    low, high = widened(_bounds(sheet), np.asarray(width_px / 2, dtype=np.float32))
    row, column, coverage = pixels(-low, high, page_shape[0])
    page_column = sheet.page_column[column]
    inside = (page_column >= 0) & (page_column < page_shape[1])
    if not inside.all():
        row, page_column, coverage = row[inside], page_column[inside], coverage[inside]
    return Ink(row, page_column, coverage)


def _unbroken(trace: Points) -> list[Points]:
    filled = np.isfinite(trace[:, 1])
    if filled.all():
        return [trace] if len(trace) else []
    borders = np.flatnonzero(np.diff(np.concatenate([[False], filled, [False]]).astype(np.int8)))
    return [trace[begin:end] for begin, end in borders.reshape(-1, 2)]


@dataclass(frozen=True)
class _Sheet:
    """All pieces side by side, more than a stroke's width apart, so that one pass draws them all.

    Attributes:
        x, y: (n,) float64, all corners; x on the sheet, y on the page.
        spans: begin and end of each piece, x on the sheet.
        page_column: (columns,) int64, the page's column of each of the sheet's.
    """

    x: Points
    y: Points
    spans: list[tuple[float, float]]
    page_column: Whole


def _side_by_side(pieces: list[Points], radius: float) -> _Sheet:
    xs, spans, columns, place = [], [], [], 0
    for piece in pieces:
        x = piece[:, 0]
        first, last = int(np.floor(x[0] - radius)) - 1, int(np.ceil(x[-1] + radius)) + 1
        moved = x - first + place
        xs.append(moved)
        spans.append((float(moved[0]), float(moved[-1])))
        columns.append(np.arange(first, last))
        place += last - first
    return _Sheet(np.concatenate(xs), np.concatenate([piece[:, 1] for piece in pieces]), spans, np.concatenate(columns))


@lru_cache(maxsize=4)
def _middles(count: int) -> Points:
    """(count,) float64, read-only: x of the sub-columns' middles. A style's pages have sheets of one size."""
    middles: Points = (np.arange(count) + 0.5) / SUB_COLUMNS
    middles.flags.writeable = False
    return middles


def _bounds(sheet: _Sheet) -> Coverage:
    """(2, sub-columns) float32: -lowest and highest y of the polylines in each; -inf where there is none."""
    count = len(sheet.page_column) * SUB_COLUMNS
    # At its middle, because the range between its edges would make steep strokes a sub-column too wide.
    middle = np.interp(_middles(count), sheet.x, sheet.y).astype(np.float32)
    bounds = np.full((2, count), -np.inf, np.float32)
    for begin, end in sheet.spans:
        inside = slice(int(np.ceil(begin * SUB_COLUMNS - 0.5)), int(np.floor(end * SUB_COLUMNS - 0.5)) + 1)
        bounds[0, inside], bounds[1, inside] = -middle[inside], middle[inside]
    # Samples inside a sub-column: without them peaks would lose pixels.
    holder = (sheet.x * SUB_COLUMNS).astype(np.int64)
    y = sheet.y.astype(np.float32)
    np.maximum.at(bounds[0], holder, -y)
    np.maximum.at(bounds[1], holder, y)
    return bounds
