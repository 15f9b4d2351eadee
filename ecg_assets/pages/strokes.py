"""Strokes of polylines that run in any direction: traces as they lie in a turned, bent or tilted picture.

A polyline is cut into pieces about a pixel long. Each pixel near a piece is covered as far as a band of the stroke's
width around the piece overlaps the pixel across it; of several pieces the largest coverage stays. The pieces' round
ends make round joins.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

Coverage = npt.NDArray[np.float32]
Points = npt.NDArray[np.float64]
Radii = npt.NDArray[np.float64]

_PIECE_PX = 1.0
# Corners that turn by more than this (cosine) are kept as they are: peaks must keep their tips.
_STRAIGHT = 0.97
# Pieces drawn at a time, so that memory stays small however large the page.
_AT_A_TIME = 8192


def stroke_polylines(pieces: Sequence[Points], widths_px: Sequence[float], shape: tuple[int, int]) -> Coverage:
    """Coverage of round strokes.

    Args:
        pieces: (n, 2) float64 each, corners x and y in pixels, n at least 1; one corner alone is a dot.
        widths_px: of each polyline's stroke.
        shape: height and width of the picture; what lies outside is cut off.

    Returns:
        (h, w) float32, 0 to 1. Where it is at least half, a stroke at least 1 px wide is connected: of any line, each
        row or column that it crosses has a pixel within half a pixel of it.
    """
    picture = np.zeros(shape, dtype=np.float32)
    begins, ends, radii = [], [], []
    for points, width in zip(pieces, widths_px, strict=True):
        cut = _resampled(points)
        begins.append(cut[:-1] if len(cut) > 1 else cut)
        ends.append(cut[1:] if len(cut) > 1 else cut)
        radii.append(np.full(len(begins[-1]), width / 2))
    if not begins:
        return picture
    begin, end, radius = np.concatenate(begins), np.concatenate(ends), np.concatenate(radii)
    near = _touches(begin, end, radius, shape)
    begin, end, radius = begin[near], end[near], radius[near]
    for first in range(0, len(begin), _AT_A_TIME):
        part = slice(first, first + _AT_A_TIME)
        _draw(picture, begin[part], end[part], radius[part])
    return picture


def _resampled(points: Points) -> Points:
    """The same line with corners about a pixel apart; sharp corners stay."""
    steps = np.diff(points, axis=0)
    lengths = np.hypot(steps[:, 0], steps[:, 1])
    moving = lengths > 1e-9
    if not moving.any():
        return points[:1]
    if not moving.all():
        points = points[np.concatenate([[True], moving])]
        steps, lengths = steps[moving], lengths[moving]
    along = np.concatenate([[0.0], np.cumsum(lengths)])
    cosines = (steps[1:] * steps[:-1]).sum(axis=1) / (lengths[1:] * lengths[:-1])
    sharp = along[1:-1][cosines < _STRAIGHT]
    count = max(1, int(np.ceil(along[-1] / _PIECE_PX)))
    places = np.union1d(np.linspace(0, along[-1], count + 1), sharp)
    return np.stack([np.interp(places, along, points[:, axis]) for axis in (0, 1)], axis=1)


def _touches(
    begin: Points, end: Points, radius: npt.NDArray[np.float64], shape: tuple[int, int]
) -> npt.NDArray[np.bool_]:
    low, high = np.minimum(begin, end) - radius[:, None] - 1, np.maximum(begin, end) + radius[:, None] + 1
    return np.asarray((high > 0).all(axis=1) & (low < (shape[1], shape[0])).all(axis=1), dtype=np.bool_)


def _draw(picture: Coverage, begin: Points, end: Points, radius: Radii) -> None:
    """Draws short pieces: each looks at a window of pixels around itself, all of one size."""
    reach = radius.max() + 0.5
    corner = np.floor(np.minimum(begin, end) - reach).astype(np.int64)
    extent = np.ceil(np.maximum(begin, end) + reach).astype(np.int64) - corner
    columns, rows = np.arange(extent[:, 0].max()), np.arange(extent[:, 1].max())
    # Seen from the piece's begin, in float32: coordinates are a few pixels only.
    x = (corner[:, :1] + columns + 0.5 - begin[:, :1]).astype(np.float32)[:, None, :]
    y = (corner[:, 1:] + rows + 0.5 - begin[:, 1:]).astype(np.float32)[:, :, None]
    step = (end - begin).astype(np.float32)
    squared = np.maximum((step**2).sum(axis=1), np.float32(1e-12))[:, None, None]
    step_x, step_y = step[:, 0, None, None], step[:, 1, None, None]
    along = np.clip((x * step_x + y * step_y) / squared, 0, 1)
    away = np.hypot(x - along * step_x, y - along * step_y)
    half = radius.astype(np.float32)[:, None, None]
    # How much of the pixel's width, away - 0.5 to away + 0.5, lies within the stroke, -half to half.
    coverage = np.minimum(away + np.float32(0.5), half) - np.maximum(away - np.float32(0.5), -half)
    row, column = corner[:, 1, None, None] + rows[:, None], corner[:, 0, None, None] + columns
    height, width = picture.shape
    kept = (coverage > 0) & (row >= 0) & (row < height) & (column >= 0) & (column < width)
    places = (row * width + column)[kept]
    np.maximum.at(picture.reshape(-1), places, np.minimum(coverage[kept], np.float32(1)))
