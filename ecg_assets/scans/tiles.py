"""Cuts a page into overlapping tiles and blends what a network says about each."""

from collections.abc import Callable, Iterator

import numpy as np
import numpy.typing as npt

TILE_PX = 512
OVERLAP_PX = 128
# Below that of a tile's outermost pixel: what no tile shows is divided by it.
_LEAST_WEIGHT = 1e-7

Scores = npt.NDArray[np.float32]
Predict = Callable[[npt.NDArray[np.uint8]], Scores]


def tile_starts(length_px: int, tile_px: int = TILE_PX, overlap_px: int = OVERLAP_PX) -> list[int]:
    """First pixels of the tiles along one axis; the last tile ends at the edge."""
    if length_px <= tile_px:
        return [0]
    stride = tile_px - overlap_px
    return [*range(0, length_px - tile_px, stride), length_px - tile_px]


def blend_window(tile_px: int = TILE_PX) -> npt.NDArray[np.float32]:
    """(tile, tile) weights: full in the middle, falling to almost nothing at the rim, where a tile lacks context."""
    ramp = np.minimum(np.arange(tile_px) + 0.5, tile_px - 0.5 - np.arange(tile_px)) / OVERLAP_PX
    line = np.clip(ramp, 1e-3, 1).astype(np.float32)
    window: npt.NDArray[np.float32] = line[:, None] * line[None, :]
    return window


def predict_page(
    image_hwc: npt.NDArray[np.uint8],
    predict: Predict,
    classes: int,
    batch: int = 4,
    wanted_hw: npt.NDArray[np.bool_] | None = None,
) -> Scores:
    """(classes, h, w) float32: blended class scores of a page of any size.

    Args:
        image_hwc: (h, w, 3) uint8.
        predict: takes (n, 512, 512, 3) uint8, gives (n, classes, 512, 512) float32 scores that sum to 1.
        classes: how many classes it gives.
        batch: tiles at a time.
        wanted_hw: (h, w); tiles without any of it are not looked at, and their scores are 0; None: all are.
    """
    height, width = image_hwc.shape[:2]
    padded = _pad(image_hwc)
    window = blend_window()
    total = np.zeros((classes, *padded.shape[:2]), np.float32)
    weight = np.zeros(padded.shape[:2], np.float32)
    for places in _batches(_wanted(padded.shape[0], padded.shape[1], wanted_hw), batch):
        tiles = np.stack([padded[y : y + TILE_PX, x : x + TILE_PX] for y, x in places])
        for (y, x), scores in zip(places, predict(tiles), strict=True):
            total[:, y : y + TILE_PX, x : x + TILE_PX] += scores * window
            weight[y : y + TILE_PX, x : x + TILE_PX] += window
    total /= np.maximum(weight, _LEAST_WEIGHT)
    return total[:, :height, :width]


def _pad(image_hwc: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """At least one tile in each direction; the rim is repeated, as paper goes on beyond the frame."""
    missing = [max(0, TILE_PX - length) for length in image_hwc.shape[:2]]
    return np.pad(image_hwc, ((0, missing[0]), (0, missing[1]), (0, 0)), mode="edge")


def _wanted(height_px: int, width_px: int, wanted_hw: npt.NDArray[np.bool_] | None) -> list[tuple[int, int]]:
    """Upper left corners of the tiles to look at."""
    places = [(y, x) for y in tile_starts(height_px) for x in tile_starts(width_px)]
    if wanted_hw is None:
        return places
    return [(y, x) for y, x in places if wanted_hw[y : y + TILE_PX, x : x + TILE_PX].any()]


def _batches(places: list[tuple[int, int]], batch: int) -> Iterator[list[tuple[int, int]]]:
    for first in range(0, len(places), batch):
        yield places[first : first + batch]
