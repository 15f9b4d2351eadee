"""Rasterises strokes of polylines in any direction: traces on a page, or in a turned or bent picture of it.

A polyline is split where it turns back, so that each part only goes to the right or only to the left; such parts have
simple slices (`slices.py`). A picture whose traces run up and down is drawn transposed.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ecg_assets.pages.raster.slices import Coverage, Indices, Lines, Values, cover

Points = npt.NDArray[np.float64]

_EMPTY = np.zeros((0, 2))


@dataclass(frozen=True)
class _Corners:
    """All polylines' corners, one after the other; `linked` says whether a corner is joined to the next."""

    x: Values
    y: Values
    radius: Values
    linked: npt.NDArray[np.bool_]


def stroke_polylines(pieces: Sequence[Points], width_px: float | Sequence[float], shape: tuple[int, int]) -> Coverage:
    """Coverage of round-joined strokes.

    Args:
        pieces: (n, 2) float64 each, corners x and y in pixels. A corner that is not finite splits its polyline; a
            single corner is a dot.
        width_px: of the strokes, or of each polyline's stroke.
        shape: height and width of the picture; parts outside are clipped.

    Returns:
        (h, w) float32, 0 to 1. The ink is correct for any width, but the pixels covered by half are connected only for
        strokes at least 1 px wide, as needed for a mask.
    """
    corners = _corners(pieces, width_px)
    if _runs_upward(corners):
        upright = _Corners(corners.y, corners.x, corners.radius, corners.linked)
        return np.ascontiguousarray(cover(_lines(upright, shape[::-1]), shape[::-1]).T)
    return cover(_lines(corners, shape), shape)


def _corners(pieces: Sequence[Points], width_px: float | Sequence[float]) -> _Corners:
    points = np.concatenate([*pieces, _EMPTY])
    sizes = np.array([len(piece) for piece in pieces], dtype=np.int64)
    radius = np.repeat(np.broadcast_to(np.asarray(width_px, dtype=np.float64) / 2, sizes.shape), sizes)
    linked = _links(np.isfinite(points).all(axis=1), sizes)
    # A corner alone is drawn as a line to itself.
    alone = np.isfinite(points).all(axis=1) & ~linked & ~np.concatenate([[False], linked[:-1]])[: len(linked)]
    if alone.any():
        copies = 1 + alone
        points, radius = np.repeat(points, copies, axis=0), np.repeat(radius, copies)
        linked = np.repeat(linked, copies)
        linked[np.cumsum(copies)[alone] - 2] = True
    return _Corners(points[:, 0], points[:, 1], radius, linked)


def _links(finite: npt.NDArray[np.bool_], sizes: Indices) -> npt.NDArray[np.bool_]:
    linked = finite.copy()
    linked[:-1] &= finite[1:]
    linked[np.cumsum(sizes[sizes > 0]) - 1] = False
    return linked


def _runs_upward(corners: _Corners) -> bool:
    """Whether the polylines as a whole extend further up or down than to the side."""
    ends = np.flatnonzero(~corners.linked)
    begins = np.concatenate([[0], ends[:-1] + 1])[: len(ends)]
    across, upward = (np.nansum(np.abs(values[ends] - values[begins])) for values in (corners.x, corners.y))
    return bool(upward > across)


def _lines(corners: _Corners, shape: tuple[int, int]) -> Lines:
    """The parts of the polylines near the picture that go one way; those that go to the left are mirrored."""
    segments = np.flatnonzero(corners.linked)
    segments = segments[_near(corners, segments, shape)]
    leftward = corners.x[segments + 1] < corners.x[segments]
    parted = (np.diff(segments) > 1) | (leftward[1:] != leftward[:-1])
    begins = np.flatnonzero(np.concatenate([[len(segments) > 0], parted]))
    counts = np.diff(np.append(begins, len(segments)))
    # A part of n segments has n + 1 corners; parts share the corner where they meet.
    number = np.repeat(np.arange(len(begins)), counts + 1)
    place = np.arange(len(number)) - number
    last = np.concatenate([number[1:] != number[:-1], [True]])[: len(number)]
    corner = np.where(last, segments[place - last] + 1, segments[np.minimum(place, len(segments) - 1)])
    mirrored, radius = leftward[begins], corners.radius[segments[begins]]
    x, y = corners.x[corner], corners.y[corner]
    x = np.where(mirrored[number], shape[1] - x, x)
    return _cut(Lines(x, y, counts + 1, radius, mirrored), shape[1])


def _near(corners: _Corners, segments: Indices, shape: tuple[int, int]) -> npt.NDArray[np.bool_]:
    """Whether a segment's box, with its stroke, touches the picture."""
    reach = corners.radius[segments]
    near = np.ones(len(segments), dtype=np.bool_)
    for values, size in ((corners.x, shape[1]), (corners.y, shape[0])):
        begin, end = values[segments], values[segments + 1]
        near &= (np.maximum(begin, end) > -reach) & (np.minimum(begin, end) < size + reach)
    return near


def _cut(lines: Lines, width: int) -> Lines:
    """Clips lines at the picture's sides, because lines far beyond would have too many slices."""
    number = np.repeat(np.arange(len(lines.sizes)), lines.sizes)
    x, y = lines.x.copy(), lines.y.copy()
    reach = lines.radius[number] + 1
    for edge, outside, inner in ((-reach, lines.x < -reach, 1), (width + reach, lines.x > width + reach, -1)):
        # Only segments near the picture are left, so the corner after (before) one outside is inside or across.
        far = np.flatnonzero(outside)
        share = (edge[far] - lines.x[far]) / (lines.x[far + inner] - lines.x[far])
        y[far] += share * (lines.y[far + inner] - lines.y[far])
        x[far] = edge[far]
    return Lines(x, y, lines.sizes, lines.radius, lines.mirrored)
