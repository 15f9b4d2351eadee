"""Cuts labelled crops from a page and from empty paper."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ecg_assets.samples.classes import WAVE

Image = npt.NDArray[np.uint8]
Mask = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class Crop:
    """A square cut of a page.

    Attributes:
        row, column: of its upper left pixel on the page.
        image_hwc: (s, s, 3) uint8 RGB.
        mask_hw: (s, s) uint8, classes 0 to 4.
    """

    row: int
    column: int
    image_hwc: Image
    mask_hw: Mask


def mix(grid_mask_hw: Mask, wave_hw: npt.NDArray[np.bool_]) -> Mask:
    """The 5-class mask: the wave lies over intersections, which lie over lines. (h, w) uint8."""
    return np.where(wave_hw, np.uint8(WAVE), grid_mask_hw)


def positive_crop(page_hwc: Image, mask_hw: Mask, side_px: int, rng: np.random.Generator) -> Crop:
    """A crop that holds a trace: it is laid around a wave pixel, anywhere within the crop.

    Raises:
        ValueError: the page has no wave pixel.
    """
    wave_rows, wave_columns = np.nonzero(mask_hw == WAVE)
    if not len(wave_rows):
        raise ValueError("a positive crop needs a wave pixel; this page has none")
    chosen = int(rng.integers(len(wave_rows)))
    row = _around(int(wave_rows[chosen]), side_px, mask_hw.shape[0], rng)
    column = _around(int(wave_columns[chosen]), side_px, mask_hw.shape[1], rng)
    return _cut(page_hwc, mask_hw, row, column, side_px)


def negative_crop(paper_hwc: Image, grid_mask_hw: Mask, side_px: int, rng: np.random.Generator) -> Crop:
    """A crop of the empty paper, anywhere."""
    row = int(rng.integers(grid_mask_hw.shape[0] - side_px + 1))
    column = int(rng.integers(grid_mask_hw.shape[1] - side_px + 1))
    return _cut(paper_hwc, grid_mask_hw, row, column, side_px)


def _around(position: int, side_px: int, size_px: int, rng: np.random.Generator) -> int:
    """A begin of the crop, so that it holds `position` and lies within the page."""
    lowest, highest = max(0, position - side_px + 1), min(position, size_px - side_px)
    return int(rng.integers(lowest, highest + 1))


def _cut(page_hwc: Image, mask_hw: Mask, row: int, column: int, side_px: int) -> Crop:
    rows, columns = slice(row, row + side_px), slice(column, column + side_px)
    return Crop(row, column, page_hwc[rows, columns], mask_hw[rows, columns])
