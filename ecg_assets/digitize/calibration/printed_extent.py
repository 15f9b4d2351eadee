"""Finds where the traces of a flat page begin and end, and so their paper speed."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ecg_assets.digitize.rectification.canvas import CANVAS_PX_PER_MM_X

Paths = npt.NDArray[np.int64]

_SUSTAINED_MM = 3.0
# Lengths of 10 s of print. A row is at most 250 mm wide, so 50 mm/s shows only the first part.
FULL_MM, _SLOW_MM = 250.0, 125.0
_OFF_MM = 14.0
_PRINTED_S = 10.0


@dataclass(frozen=True)
class Extent:
    """The printed width of the page.

    Attributes:
        first_mm, last_mm: where the first sample begins and the last one ends, mm of the canvas.
        known: whether its length is a known length of 10 s; otherwise the longer one was assumed.
    """

    first_mm: float
    last_mm: float
    known: bool

    @property
    def slow(self) -> bool:
        """Whether 10 s take 125 mm: 12.5 mm/s."""
        return self.last_mm - self.first_mm < (FULL_MM + _SLOW_MM) / 2


def pulses_extent(pulse_end_mm: float, paper_speed_mm_per_s: float) -> Extent:
    """The width that begins at the pulses' right edge: 10 s, or as much as fits on the paper."""
    length_mm = _SLOW_MM if paper_speed_mm_per_s < FULL_MM / _PRINTED_S else FULL_MM
    return Extent(pulse_end_mm, pulse_end_mm + length_mm, True)


def find_extent(paths: Paths, shown_mm: tuple[float, float]) -> Extent | None:
    """The printed width that the rows agree on, for a page without pulses before its traces.

    Args:
        paths: (rows, width) int64, a row's run in each column, -1 where it has none.
        shown_mm: begin and end of the paper that the picture shows.

    Returns:
        None if no row has a trace.
    """
    printed = printed_mm(paths)
    if printed is None:
        return None
    first, last = printed
    for length in (FULL_MM, _SLOW_MM):
        if abs(last - first - length) <= _OFF_MM:
            begin = first if abs(last - first - length) > 2 else (first + last - length) / 2
            return Extent(begin, begin + length, True)
    # A page that is cropped on one side still shows its other end.
    if last - first < FULL_MM and first - shown_mm[0] < 3 and shown_mm[1] - last > 5:
        return Extent(last - FULL_MM, last, False)
    return Extent(first, first + FULL_MM, False)


def printed_mm(paths: Paths) -> tuple[float, float] | None:
    """Begin and end of the columns in which most rows have a trace, mm of the canvas; `paths` as for `find_extent`."""
    present = (paths >= 0).sum(axis=0) * 2 >= len(paths)
    reach = round(_SUSTAINED_MM * CANVAS_PX_PER_MM_X)
    filled = np.convolve(present, np.ones(reach), mode="valid") >= 0.9 * reach
    places = np.flatnonzero(filled)
    if not len(places):
        return None
    return float(places[0]) / CANVAS_PX_PER_MM_X, float(places[-1] + reach) / CANVAS_PX_PER_MM_X
