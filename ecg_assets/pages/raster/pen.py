"""The round pen: widens the slices of a line to those of its stroke."""

import numpy as np
import numpy.typing as npt

# Odd, so that half coverage lies between two steps; otherwise vertical strokes would be too wide.
SUB_COLUMNS = 9

Bounds = npt.NDArray[np.float32]


def widened(bounds: Bounds, radius: Bounds) -> Bounds:
    """The bounds of the round pen's stroke: each raised by the semicircle around it and its neighbours.

    Args:
        bounds: (2, n) float32, highest y and -lowest y of lines in sub-columns, or the other way round; -inf where
            there is none. Lines stand apart by at least twice the pen's radius and two sub-columns.
        radius: of the pen in px, float32, (n,) or one for all.
    """
    # One row after the other, because intermediate arrays of both would not fit in the processor's cache.
    return np.stack([_widened(row, radius) for row in bounds])


def _widened(bounds: Bounds, radius: Bounds) -> Bounds:
    count, reach = len(bounds), np.floor(radius * SUB_COLUMNS).astype(np.int64)
    least, most = int(reach.min()), int(reach.max())
    wide, raised, squared = bounds + radius, np.empty_like(bounds), radius**2
    for offset in range(1, most + 1):
        rise = np.sqrt(np.maximum(squared - np.float32((offset / SUB_COLUMNS) ** 2), 0))
        if offset > least:
            rise[reach < offset] = -np.inf
        np.add(bounds, rise, out=raised)
        np.maximum(wide[offset:], raised[:-offset], out=wide[offset:])
        np.maximum(wide[:-offset], raised[offset:], out=wide[:-offset])
    # The pen ends between two neighbours; without the line's value there, steep strokes would be too thin.
    beyond = np.maximum(radius * SUB_COLUMNS - reach, np.float32(1e-6))
    for last in range(least, most + 1):
        ends = np.where(reach == last, np.float32(0), np.float32(-np.inf)) if least < most else None
        near, far, end = bounds * (1 - beyond), bounds * beyond, raised[: count - last - 1]
        if ends is not None:
            near += ends
        right, left = wide[: count - last - 1], wide[last + 1 :]
        # Rounded to 32 bits before they are compared, because 64 bits make the comparison slow.
        np.add(near[last : count - 1], far[last + 1 :], out=end, casting="same_kind")
        np.maximum(right, end, out=right)
        np.add(near[1 : count - last], far[: count - last - 1], out=end, casting="same_kind")
        np.maximum(left, end, out=left)
    return wide
