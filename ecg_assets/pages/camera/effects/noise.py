"""Noise from a precomputed bank, because drawing it for each picture would take longer than everything else."""

from functools import cache

import cv2
import numpy as np
import numpy.typing as npt

Field = npt.NDArray[np.float32]

BANK_SIDE = 1024
_BANK_SEED = 20_260
# A cell of a smooth field is subdivided by this before it is magnified, so that its contours are round.
_FINE = 8


@cache
def bank(grain_px: float) -> Field:
    """(1024, 1024) float32, normal of mean 0 and deviation 1; the same in every process. Read-only."""
    drawn = np.random.Generator(np.random.PCG64(_BANK_SEED)).standard_normal((BANK_SIDE, BANK_SIDE), dtype=np.float32)
    if grain_px:
        # The bank is tiled seamlessly, so it is blurred across its edges as well.
        margin = int(4 * grain_px) + 1
        wide = cv2.copyMakeBorder(drawn, margin, margin, margin, margin, cv2.BORDER_WRAP)
        drawn = np.ascontiguousarray(cv2.GaussianBlur(wide, (0, 0), grain_px)[margin:-margin, margin:-margin])
        drawn /= drawn.std()
    drawn.flags.writeable = False
    return drawn


def normal_noise(shape: tuple[int, int], rng: np.random.Generator, grain_px: float = 0.0) -> Field:
    """A cut from the bank, at a random place and mirrored at random; it repeats after 1024 pixels.

    Args:
        shape: height and width.
        rng: chooses the place.
        grain_px: deviation of the Gaussian that correlates neighbours; 0 for white noise. A bank is kept for each
            value, so use few values.

    Returns:
        (h, w) float32 of mean 0 and deviation 1.
    """
    row, column = (int(start) for start in rng.integers(0, BANK_SIDE, 2))
    source = bank(grain_px)
    down, right = (int(turn) for turn in rng.integers(0, 2, 2))
    piece = np.empty(shape, dtype=np.float32)
    for top, rows in stretches(row, shape[0]):
        for left, columns in stretches(column, shape[1]):
            part = source[rows, columns]
            piece[top : top + part.shape[0], left : left + part.shape[1]] = part
    if down or right:
        piece = cv2.flip(piece, -1 if down and right else right)
    return piece


def stretches(start: int, size: int) -> list[tuple[int, slice]]:
    """The bank's consecutive slices from `start` for `size` pixels, each with its destination."""
    parts, place = [], 0
    while place < size:
        taken = min(size - place, BANK_SIDE - start)
        parts.append((place, slice(start, start + taken)))
        start, place = 0, place + taken
    return parts


def smooth_field(shape: tuple[int, int], cell_px: float, rng: np.random.Generator) -> Field:
    """Noise that changes over `cell_px` pixels: cubic between random nodes.

    Returns:
        (h, w) float32 of mean about 0 and deviation about 1.
    """
    counts = [max(1, round(size / cell_px)) for size in shape]
    nodes = rng.standard_normal((counts[0] + 3, counts[1] + 3), dtype=np.float32)
    fine = cv2.resize(nodes, None, fx=_FINE, fy=_FINE, interpolation=cv2.INTER_CUBIC)
    # One and a half nodes beyond each edge, so that the field is not flat there.
    edge = _FINE * 3 // 2
    inner = fine[edge:-edge, edge:-edge]
    return upscaled(inner, shape, cv2.INTER_CUBIC if min(shape) > min(inner.shape) else cv2.INTER_AREA)


def upscaled(field: Field, shape: tuple[int, int], interpolation: int = cv2.INTER_LINEAR) -> Field:
    """A coarse field, (h, w) or (h, w, c), at the size of `shape`."""
    resized: Field = cv2.resize(field, (shape[1], shape[0]), interpolation=interpolation)
    return resized


def coarse(shape: tuple[int, int], step_px: int) -> tuple[int, int]:
    """Height and width of a field with a node every `step_px` pixels, at least 2 by 2."""
    return max(2, -(-shape[0] // step_px)), max(2, -(-shape[1] // step_px))
