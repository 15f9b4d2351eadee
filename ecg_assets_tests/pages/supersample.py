"""Strokes by brute force, for comparison: 32 x 32 points a pixel, each inked when near enough to any segment."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

SIDE = 32

Points = npt.NDArray[np.float64]
Coverage = npt.NDArray[np.float32]


def supersampled(pieces: list[Points], width_px: float, shape: tuple[int, int]) -> Coverage:
    """(h, w) float32: share of each pixel's points within half of `width_px` of a polyline's segment."""
    inked = np.zeros((shape[0] * SIDE, shape[1] * SIDE), dtype=np.bool_)
    reach = width_px / 2 * SIDE
    for piece in pieces:
        for (x0, y0), (x1, y1) in zip(piece[:-1] * SIDE, piece[1:] * SIDE, strict=True):
            left, right = (
                int(np.clip(edge, 0, inked.shape[1])) for edge in (min(x0, x1) - reach, max(x0, x1) + reach + 1)
            )
            top, bottom = (
                int(np.clip(edge, 0, inked.shape[0])) for edge in (min(y0, y1) - reach, max(y0, y1) + reach + 1)
            )
            x, y = np.arange(left, right) + 0.5 - x0, (np.arange(top, bottom) + 0.5 - y0)[:, None]
            dx, dy = x1 - x0, y1 - y0
            along = np.clip((x * dx + y * dy) / max(dx * dx + dy * dy, 1e-12), 0, 1)
            inked[top:bottom, left:right] |= (x - along * dx) ** 2 + (y - along * dy) ** 2 <= reach**2
    coverage: Coverage = inked.reshape(shape[0], SIDE, shape[1], SIDE).mean(axis=(1, 3), dtype=np.float32)
    return coverage


@dataclass(frozen=True)
class Match:
    """How a coverage compares with the truth: IoU at half coverage, ink (1 is right), mean error in grey levels."""

    iou: float
    ink: float
    error_255: float


def match(drawn: Coverage, truth: Coverage) -> Match:
    """Compares coverages, (h, w) float32 each; the error is over the pixels that have any ink in either."""
    ours, theirs, touched = drawn >= 0.5, truth >= 0.5, (drawn > 0) | (truth > 0)
    return Match(
        iou=float((ours & theirs).sum() / (ours | theirs).sum()),
        ink=float(drawn.sum(dtype=np.float64) / truth.sum(dtype=np.float64)),
        error_255=float(np.abs(drawn - truth)[touched].mean() * 255),
    )


def turned(points: Points, degrees: float) -> Points:
    """Points (n, 2) turned around the origin."""
    angle = np.deg2rad(degrees)
    cosine, sine = np.cos(angle), np.sin(angle)
    moved: Points = points @ np.array([[cosine, sine], [-sine, cosine]])
    return moved


def framed(points: Points, margin: float = 5.37) -> tuple[Points, tuple[int, int]]:
    """Points moved into the corner of a picture that is just large enough, and its shape."""
    moved = points - points.min(axis=0) + margin
    width, height = (int(side + margin) + 1 for side in moved.max(axis=0))
    return moved, (height, width)
