"""Computes the centre line of a stroke from its upper and lower edge.

A pen of half width r that draws y(x) leaves the edges T(x) = min over d of y(x + d) - h(d) and B(x) = max of
y(x + d) + h(d), with h the half disc and y downwards. Hence max over d of T(x + d) + h(d) <= y(x) <= min of
B(x + d) - h(d): a closing and an opening by the pen. They meet wherever the line bends less than the pen does; in a
narrow peak the edge on the peak's outer side keeps its height, and the other one cuts it off.
"""

import numpy as np
import numpy.typing as npt
from scipy.ndimage import uniform_filter1d

Values = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

# Samples per column.
_FINE = 4
# Columns from which a flank's slope is taken.
_FLANK = 2
_ROUNDS, _STEP = 12, 0.7


def middle_line(top: Values, bottom: Values, half_x: float, half_y: float) -> Values:
    """(n,) float64, the line; NaN where the edges are.

    Args:
        top, bottom: (n,) float64 px, the stroke's edges in each column; NaN in gaps and where another trace hides one
            of them; the line then follows the other.
        half_x, half_y: the pen's half width in columns and in pixels down.
    """
    gap = np.isnan(top) & np.isnan(bottom)
    # Samples between columns are needed: on a steep flank the pen's side counts, and it lies between columns.
    low = _bound(_between(np.where(np.isnan(top), -np.inf, top)), _FINE * half_x, half_y)[::_FINE]
    high = -_bound(_between(np.where(np.isnan(bottom), -np.inf, -bottom)), _FINE * half_x, half_y)[::_FINE]
    low, high = np.where(np.isnan(top), high, low), np.where(np.isnan(bottom), low, high)
    low, high = np.where(gap, 0.0, low), np.where(gap, 0.0, high)
    crossed = low > high  # noise of the edges
    middle = (low + high) / 2
    around = _local_mean(middle, ~gap, max(3, round(6 * half_x)) | 1)
    # In a narrow peak the outer edge is correct.
    lean = np.clip((middle - around) / max(half_y, 1e-9), -1, 1)
    half_gap = np.where(crossed, 0.0, (high - low) / 2)
    line = middle + lean * half_gap
    return np.where(gap, np.nan, line)


def redrawn_line(line: Values, top: Values, bottom: Values, half_x: float, half_y: float) -> Values:
    """(n,) float64: the line, moved until a pen that draws it produces the measured edges.

    Each point of an edge is drawn by one point of the line, which is moved by that edge's error. Points that draw no
    edge are not moved.

    Args:
        line: (n,) float64 px, without NaN.
        top, bottom, half_x, half_y: as for `middle_line`.
    """
    fine = np.interp(np.arange((len(line) - 1) * _FINE + 1) / _FINE, np.arange(len(line)), line)
    edges = [(np.isfinite(edge), edge, sign) for edge, sign in ((top, 1.0), (bottom, -1.0))]
    for _ in range(_ROUNDS):
        moved, count = np.zeros(len(fine)), np.zeros(len(fine))
        for known, edge, sign in edges:
            drawn, by = _drawn(sign * fine, _FINE * half_x, half_y)
            off = edge[known] - sign * drawn[::_FINE][known]
            places = by[::_FINE][known]
            moved += np.bincount(places, off, len(fine))
            count += np.bincount(places, minlength=len(fine))
        fine = fine + _STEP * _spread(moved, count)
    return fine[::_FINE]


def pointed(line: Values, inner: Values, outer: Values, hidden: Flags, half_x: float) -> Values:
    """(n,) float64: the line with upward peaks under another trace extended until their flanks meet.

    If another trace hides a peak's outer edge, only the inner edge is left, which ends half a pen before the peak. For
    downward peaks negate all arguments.

    Args:
        line: (n,) float64 px, without NaN.
        inner: (n,) float64 px, the lower edge; NaN in gaps.
        outer: (n,) float64 px, upper limit of the line: the hiding trace, less half a pen.
        hidden: (n,) bool, where the upper edge is hidden.
        half_x: the pen's half width in columns.
    """
    result, reach = line.copy(), int(np.ceil(half_x))
    begins, ends = _spans(hidden)
    for begin, end in zip(begins, ends, strict=True):
        known = begin + np.flatnonzero(np.isfinite(inner[begin:end]))
        if not len(known):
            continue
        tip = int(known[inner[known].argmin()])
        left, right = tip - reach, tip + reach
        if left < _FLANK or right + _FLANK >= len(line) or not begin < tip < end - 1:
            continue
        rise, fall = (line[left - _FLANK] - line[left]) / _FLANK, (line[right + _FLANK] - line[right]) / _FLANK
        if rise <= 0 or fall <= 0:
            continue
        place = np.arange(left, right + 1)
        flanks = np.maximum(line[left] - rise * (place - left), line[right] - fall * (right - place))
        result[place] = np.minimum(line[place], np.maximum(flanks, np.where(hidden, outer, line)[place]))
    return result


def _spans(flags: Flags) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Begin of each run of flags, and one past its end."""
    change = np.diff(np.concatenate([[False], flags, [False]]).astype(np.int8))
    return np.flatnonzero(change == 1), np.flatnonzero(change == -1)


def _spread(moved: Values, count: Values) -> Values:
    """The mean error of each point; points that draw no edge are moved with their neighbours."""
    known = np.flatnonzero(count)
    if not len(known):
        return moved
    return np.interp(np.arange(len(moved)), known, moved[known] / count[known])


def _drawn(line: Values, half_x: float, half_y: float) -> tuple[Values, npt.NDArray[np.int64]]:
    """min over d of line(x + d) - h(d), and the place x + d of the minimum."""
    here = np.arange(len(line))
    best, by = line - half_y, here.copy()
    for shift in range(1, int(half_x) + 1):
        lift = half_y * np.sqrt(1 - (shift / half_x) ** 2)
        for step in (shift, -shift):
            other = slice(max(0, step), len(line) + min(0, step))
            own = slice(max(0, -step), len(line) + min(0, -step))
            lower = line[other] - lift < best[own]
            best[own] = np.where(lower, line[other] - lift, best[own])
            by[own] = np.where(lower, here[other], by[own])
    return best, by


def _bound(edge: Values, half_x: float, half_y: float) -> Values:
    """max over d of edge(x + d) + h(d)."""
    reach = int(half_x)
    best = edge + half_y
    for shift in range(1, reach + 1):
        lift = half_y * np.sqrt(max(0.0, 1 - (shift / half_x) ** 2))
        best[shift:] = np.maximum(best[shift:], edge[:-shift] + lift)
        best[:-shift] = np.maximum(best[:-shift], edge[shift:] + lift)
    return best


def _between(edge: Values) -> Values:
    """(fine * (n - 1) + 1,) float64: linear interpolation of (n,); minus infinite beside minus infinite values."""
    steps = np.arange(_FINE) / _FINE
    with np.errstate(invalid="ignore"):
        fine = edge[:-1, None] + (edge[1:] - edge[:-1])[:, None] * steps
    fine[:, 0] = edge[:-1]
    return np.append(np.where(np.isnan(fine), -np.inf, fine).ravel(), edge[-1])


def _local_mean(values: Values, known: npt.NDArray[np.bool_], window: int) -> Values:
    weight = uniform_filter1d(known.astype(np.float64), window)
    return uniform_filter1d(np.where(known, values, 0.0), window) / np.maximum(weight, 1e-9)
