"""The line in the middle of a stroke from the stroke's upper and lower edge.

A pen of half width r that draws y(x) leaves the edges T(x) = min over d of y(x + d) - h(d) and B(x) = max of
y(x + d) + h(d), with h the half disc and y downwards. Hence max over d of T(x + d) + h(d) <= y(x) <= min of
B(x + d) - h(d): a closing and an opening by the pen. They meet wherever the line bends less than the pen does; in a
narrow peak the edge on the peak's outer side keeps its height, and the other one cuts it off.
"""

import numpy as np
import numpy.typing as npt
from scipy.ndimage import uniform_filter1d

Values = npt.NDArray[np.float64]


def middle_line(top: Values, bottom: Values, half_x: float, half_y: float) -> Values:
    """(n,) float64, the line; NaN where the edges are.

    Args:
        top, bottom: (n,) float64 px, the stroke's edges in each column; NaN in gaps, and where another trace hides one
            of them: the line then follows the other.
        half_x, half_y: the pen's half width in columns and in pixels down.
    """
    gap = np.isnan(top) & np.isnan(bottom)
    low = _bound(np.where(np.isnan(top), -np.inf, top), half_x, half_y)
    high = -_bound(np.where(np.isnan(bottom), -np.inf, -bottom), half_x, half_y)
    low, high = np.where(np.isnan(top), high, low), np.where(np.isnan(bottom), low, high)
    low, high = np.where(gap, 0.0, low), np.where(gap, 0.0, high)
    crossed = low > high  # noise of the edges
    middle = (low + high) / 2
    around = _local_mean(middle, ~gap, max(3, round(6 * half_x)) | 1)
    # In a narrow peak the outer edge is right.
    lean = np.clip((middle - around) / max(half_y, 1e-9), -1, 1)
    half_gap = np.where(crossed, 0.0, (high - low) / 2)
    line = middle + lean * half_gap
    return np.where(gap, np.nan, line)


def _bound(edge: Values, half_x: float, half_y: float) -> Values:
    """max over d of edge(x + d) + h(d)."""
    reach = int(half_x)
    best = edge + half_y
    for shift in range(1, reach + 1):
        lift = half_y * np.sqrt(max(0.0, 1 - (shift / half_x) ** 2))
        best[shift:] = np.maximum(best[shift:], edge[:-shift] + lift)
        best[:-shift] = np.maximum(best[:-shift], edge[shift:] + lift)
    return best


def _local_mean(values: Values, known: npt.NDArray[np.bool_], window: int) -> Values:
    weight = uniform_filter1d(known.astype(np.float64), window)
    return uniform_filter1d(np.where(known, values, 0.0), window) / np.maximum(weight, 1e-9)
