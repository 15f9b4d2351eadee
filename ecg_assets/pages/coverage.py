"""How much of each pixel ink covers: strokes of fractional width with round joins, and rectangles.

A trace is a graph y(x), so each vertical slice of its round-joined stroke is one interval. Each pixel column is cut
into sub-columns; the interval of a sub-column is the trace at its middle and at the samples within it,
widened by a semicircle of half the stroke's width. Coverage is the intervals' exact overlap with each pixel, averaged
over a column's sub-columns.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

SUB_COLUMNS = 8

# A pixel belongs to the wave when ink covers at least half of it. The one threshold of image and mask.
WAVE_COVERAGE = 0.5

Coverage = npt.NDArray[np.float32]
Points = npt.NDArray[np.float64]


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
    """How much of each of `size` unit cells lies between `low` and `high`."""
    edges = np.clip(np.arange(size + 1, dtype=np.float64), low, high)
    return np.diff(edges)


def stroke(x_px: Points, y_px: Points, width_px: float, page_shape: tuple[int, int]) -> list[Patch]:
    """Coverage of a trace's stroke.

    Args:
        x_px: (n,) float64, increasing.
        y_px: (n,) float64; NaN parts the trace in pieces, each with round ends.
        width_px: the stroke's width.
        page_shape: height and width; what lies outside is cut off.

    Returns:
        A patch for each unbroken piece that touches the page.
    """
    filled = np.isfinite(y_px)
    borders = np.flatnonzero(np.diff(np.concatenate([[False], filled, [False]]).astype(np.int8)))
    pieces = [
        _stroke_piece(x_px[begin:end], y_px[begin:end], width_px / 2, page_shape)
        for begin, end in borders.reshape(-1, 2)
    ]
    return [piece for piece in pieces if piece is not None]


def _stroke_piece(x_px: Points, y_px: Points, radius: float, page_shape: tuple[int, int]) -> Patch | None:
    first = int(np.floor(x_px[0] - radius)) - 1
    columns = int(np.ceil(x_px[-1] + radius)) + 1 - first
    low, high = _widen(*_ranges(x_px - first, y_px, columns * SUB_COLUMNS), radius)
    low, high = np.clip(low, 0, page_shape[0]), np.clip(high, 0, page_shape[0])
    inked = high > low
    if not inked.any():
        return None
    top = int(np.floor(low[inked].min()))
    rows = int(np.ceil(high[inked].max())) - top
    coverage = _fill(low - top, high - top, inked, rows, columns)
    left, right = max(first, 0), min(first + columns, page_shape[1])
    if right <= left:
        return None
    return Patch(top, left, coverage[:, left - first : right - first])


def _ranges(x: Points, y: Points, sub_columns: int) -> tuple[Points, Points]:
    """Lowest and highest y of the polyline in each sub-column; +inf and -inf where it is not."""
    # At its middle: the range between its edges would make steep strokes a sub-column too wide.
    middle = np.interp((np.arange(sub_columns) + 0.5) / SUB_COLUMNS, x, y, left=np.nan, right=np.nan)
    low, high = np.where(np.isnan(middle), np.inf, middle), np.where(np.isnan(middle), -np.inf, middle)
    # Samples inside a sub-column: without them peaks would lose pixels.
    holder = np.clip((x * SUB_COLUMNS).astype(np.int64), 0, sub_columns - 1)
    np.minimum.at(low, holder, y)
    np.maximum.at(high, holder, y)
    return low, high


def _widen(low: Points, high: Points, radius: float) -> tuple[Points, Points]:
    """The ranges of the round pen: each widened by the semicircle around it and its neighbours."""
    reach = int(np.floor(radius * SUB_COLUMNS))
    wide_low, wide_high = low - radius, high + radius
    for offset in range(1, reach + 1):
        rise = np.sqrt(radius**2 - (offset / SUB_COLUMNS) ** 2)
        for shifted, source in (
            (slice(offset, None), slice(None, -offset)),
            (slice(None, -offset), slice(offset, None)),
        ):
            np.minimum(wide_low[shifted], low[source] - rise, out=wide_low[shifted])
            np.maximum(wide_high[shifted], high[source] + rise, out=wide_high[shifted])
    return wide_low, wide_high


def _fill(low: Points, high: Points, inked: npt.NDArray[np.bool_], rows: int, columns: int) -> Coverage:
    """Exact overlap of the intervals with each pixel, averaged over the sub-columns: (rows, columns) float32.

    Coverage of row p by everything below `edge` is clip(p + 1 - edge, 0, 1): in the running sum down a column it
    steps up by 1 - frac(edge) at floor(edge) and by frac(edge) in the next row. An interval is two such edges.
    """
    column = (np.arange(len(low)) // SUB_COLUMNS)[inked]
    steps = np.zeros((rows + 2) * columns)
    for edges, sign in ((low[inked], 1.0), (high[inked], -1.0)):
        row = np.floor(edges).astype(np.int64)
        fraction = edges - row
        for index, weight in ((row, 1.0 - fraction), (row + 1, fraction)):
            steps += np.bincount(index * columns + column, weights=sign * weight, minlength=steps.size)
    summed = np.cumsum(steps.reshape(rows + 2, columns)[:rows], axis=0) / SUB_COLUMNS
    return np.clip(summed, 0.0, 1.0).astype(np.float32)
