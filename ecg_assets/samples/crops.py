"""Cuts labelled crops from an upright page and from its empty paper."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from ecg_assets.pages.classes import WAVE

Image = npt.NDArray[np.uint8]
Mask = npt.NDArray[np.uint8]
Flags = npt.NDArray[np.bool_]


class CropError(ValueError):
    """A page cannot be cut; the message says which side is too small."""


@dataclass(frozen=True)
class Crop:
    """A labelled square.

    Attributes:
        image_hwc: (s, s, 3) uint8 RGB.
        mask_hw: (s, s) uint8, classes 0 to 4.
        about: its description, as JSON values.
    """

    image_hwc: Image
    mask_hw: Mask
    about: dict[str, Any] = field(default_factory=dict)


def mix(grid_mask_hw: Mask, wave_hw: Flags, inked_hw: Flags) -> Mask:
    """The 5-class mask, (h, w) uint8.

    The wave has precedence over all other classes; other ink (pulses, separators, text) is background; below them are
    intersections and lines.

    Args:
        grid_mask_hw: (h, w) uint8, classes 0 to 3 of the empty paper.
        wave_hw: (h, w) bool, the wave mask.
        inked_hw: (h, w) bool, where any ink covers at least half of a pixel.
    """
    mask: Mask = np.multiply(grid_mask_hw, np.logical_not(inked_hw).view(np.uint8))  # background is 0
    np.maximum(mask, wave_hw.view(np.uint8) * np.uint8(WAVE), out=mask)  # the wave has the largest class number
    return mask


def positive_crop(page_hwc: Image, mask_hw: Mask, side_px: int, rng: np.random.Generator) -> Crop:
    """A crop that contains a trace: it is placed around a wave pixel, at a random position within the crop.

    Raises:
        ValueError: the page has no wave pixel.
        CropError: the page is smaller than the crop.
    """
    wave_rows, wave_columns = np.nonzero(mask_hw == WAVE)
    if not len(wave_rows):
        raise ValueError("a positive crop needs a wave pixel; this page has none")
    _check_size(mask_hw, side_px)
    chosen = int(rng.integers(len(wave_rows)))
    row = _around(int(wave_rows[chosen]), side_px, mask_hw.shape[0], rng)
    column = _around(int(wave_columns[chosen]), side_px, mask_hw.shape[1], rng)
    return _cut(page_hwc, mask_hw, row, column, side_px)


def negative_crop(paper_hwc: Image, grid_mask_hw: Mask, side_px: int, rng: np.random.Generator) -> Crop:
    """A crop of the empty paper at a random place.

    Raises:
        CropError: the paper is smaller than the crop.
    """
    _check_size(grid_mask_hw, side_px)
    row = int(rng.integers(grid_mask_hw.shape[0] - side_px + 1))
    column = int(rng.integers(grid_mask_hw.shape[1] - side_px + 1))
    return _cut(paper_hwc, grid_mask_hw, row, column, side_px)


def _check_size(mask_hw: Mask, side_px: int) -> None:
    if min(mask_hw.shape) < side_px:
        height, width = mask_hw.shape
        raise CropError(
            f"a page of {width} x {height} px is smaller than crops of {side_px} px; lower crop_px, or raise the "
            "style's dpi"
        )


def _around(position: int, side_px: int, size_px: int, rng: np.random.Generator) -> int:
    """A begin of the crop such that it contains `position` and lies within the page."""
    lowest, highest = max(0, position - side_px + 1), min(position, size_px - side_px)
    return int(rng.integers(lowest, highest + 1))


def _cut(page_hwc: Image, mask_hw: Mask, row: int, column: int, side_px: int) -> Crop:
    rows, columns = slice(row, row + side_px), slice(column, column + side_px)
    return Crop(page_hwc[rows, columns], mask_hw[rows, columns], {"row": row, "column": column})
