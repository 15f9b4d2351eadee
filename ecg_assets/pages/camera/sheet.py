"""Prepares a page for pictures: traces as points of the paper, print as a raster."""

import numpy as np

from ecg_assets.pages.camera.picture import Image, Mask, Points, Sheet
from ecg_assets.pages.layout.plan import PagePlan
from ecg_assets.pages.upright.print import Printed, page_print
from ecg_assets.records.record import Record

# Longer straight segments are cut, so that they bend where the paper bends.
_LONGEST_MM = 1.5


def sheet_of(plan: PagePlan, record: Record, paper: tuple[Image, Mask] | None = None) -> Sheet:
    """The page of a record, laid out by `plan`.

    Args:
        plan: places of everything on the page.
        record: the signals.
        paper: the upright empty paper, (h, w, 3) uint8 RGB, and its lines' classes, (h, w) uint8; used when it is the
            user's own, for all others are drawn from their style.
    """
    printed, code = page_print(plan)
    hides: Printed | None = None
    if code is not None:
        hides = np.zeros_like(printed)
        height, width = code.coverage.shape
        hides[code.row : code.row + height, code.column : code.column + width] = np.rint(code.coverage * 255)
    traces = [piece for panel in plan.panels if panel.count for piece in unbroken(panel.points_mm(record, plan.style))]
    own = paper if plan.own_paper and paper is not None else (None, None)
    return Sheet(plan, [_cut(piece) for piece in traces], printed, hides, *own)


def unbroken(points: Points) -> list[Points]:
    """The pieces of a trace between its gaps: (n, 2) float64 each, n at least 1."""
    filled = np.isfinite(points[:, 1])
    borders = np.flatnonzero(np.diff(np.concatenate([[False], filled, [False]]).astype(np.int8)))
    return [points[begin:end] for begin, end in borders.reshape(-1, 2)]


def _cut(points: Points) -> Points:
    """The same polyline with segments of at most `_LONGEST_MM`."""
    lengths = np.hypot(*np.diff(points, axis=0).T)
    pieces = np.maximum(1, np.ceil(lengths / _LONGEST_MM)).astype(int)
    if (pieces == 1).all():
        return points
    corners = np.arange(len(points))
    of, begins = np.repeat(corners[:-1], pieces), np.repeat(np.cumsum(pieces) - pieces, pieces)
    places = np.append(of + (np.arange(len(of)) - begins) / pieces[of], len(points) - 1)
    return np.stack([np.interp(places, corners, points[:, axis]) for axis in (0, 1)], axis=1)
