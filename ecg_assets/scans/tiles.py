"""Cuts a page into overlapping tiles and blends the network's predictions."""

from collections.abc import Callable, Iterator

import numpy as np
import numpy.typing as npt

TILE_PX = 512
OVERLAP_PX = 64

Scores = npt.NDArray[np.float32]
Predict = Callable[[npt.NDArray[np.uint8]], Scores]


def tile_starts(length_px: int, tile_px: int = TILE_PX, overlap_px: int = OVERLAP_PX) -> list[int]:
    """First pixels of the tiles along one axis, evenly spread: as few as overlap by that much; the last one ends at
    the edge."""
    count = max(1, -(-(length_px - overlap_px) // (tile_px - overlap_px)))
    return [place * max(0, length_px - tile_px) // max(1, count - 1) for place in range(count)]


def blend_window(tile_px: int = TILE_PX) -> npt.NDArray[np.float32]:
    """(tile, tile) weights: 1 in the middle, falling to almost 0 at the border, where a tile lacks context."""
    ramp = np.minimum(np.arange(tile_px) + 0.5, tile_px - 0.5 - np.arange(tile_px)) / OVERLAP_PX
    line = np.clip(ramp, 1e-3, 1).astype(np.float32)
    window: npt.NDArray[np.float32] = line[:, None] * line[None, :]
    return window


def predict_page(image_hwc: npt.NDArray[np.uint8], predict: Predict, classes: int, batch: int = 4) -> Scores:
    """(classes, h, w) float32: blended class scores of a page of any size.

    Args:
        image_hwc: (h, w, 3) uint8.
        predict: maps (n, 512, 512, 3) uint8 to (n, classes, 512, 512) float32 scores that sum to 1.
        classes: number of its classes.
        batch: tiles at a time.
    """
    height, width = image_hwc.shape[:2]
    padded = _pad(image_hwc)
    window = blend_window()
    total = np.zeros((classes, *padded.shape[:2]), np.float32)
    weight = np.zeros(padded.shape[:2], np.float32)
    corners = [(y, x) for y in tile_starts(padded.shape[0]) for x in tile_starts(padded.shape[1])]
    for places in _batches(corners, batch):
        tiles = np.stack([padded[y : y + TILE_PX, x : x + TILE_PX] for y, x in places])
        for (y, x), scores in zip(places, predict(tiles), strict=True):
            total[:, y : y + TILE_PX, x : x + TILE_PX] += scores * window
            weight[y : y + TILE_PX, x : x + TILE_PX] += window
    total /= weight
    return total[:, :height, :width]


def _pad(image_hwc: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """Pads to at least one tile in each direction; the border is replicated, as paper continues beyond the frame."""
    missing = [max(0, TILE_PX - length) for length in image_hwc.shape[:2]]
    return np.pad(image_hwc, ((0, missing[0]), (0, missing[1]), (0, 0)), mode="edge")


def _batches(places: list[tuple[int, int]], batch: int) -> Iterator[list[tuple[int, int]]]:
    for first in range(0, len(places), batch):
        yield places[first : first + batch]
