"""Grid lines of a bent paper: each pixel knows its place on the paper, so lines follow from arithmetic."""

import numpy as np
import numpy.typing as npt

Field = npt.NDArray[np.float32]
Mask = npt.NDArray[np.uint8]

HORIZONTAL, VERTICAL = 1, 2


def line_coverage(
    place_mm_hw: Field, mm_per_px_hw: Field, first_mm: float, spacing_mm: float, width_mm: float
) -> Field:
    """How much of each pixel a family of parallel lines covers, (h, w) float32 of 0 to 1.

    Args:
        place_mm_hw: (h, w) float32, place on the paper across the lines.
        mm_per_px_hw: (h, w) float32, how fast it changes from pixel to pixel.
        first_mm: where one of the lines stands.
        spacing_mm: from line to line.
        width_mm: of the lines.
    """
    away_px = _away_mm(place_mm_hw, first_mm, spacing_mm)
    away_px /= mm_per_px_hw
    half_px = np.float32(width_mm / 2) / mm_per_px_hw
    coverage: Field = np.minimum(away_px + np.float32(0.5), half_px)
    away_px -= np.float32(0.5)
    coverage -= np.maximum(away_px, -half_px)
    np.clip(coverage, 0, 1, out=coverage)
    return coverage


def on_line(
    place_mm_hw: Field, mm_per_px_hw: Field, first_mm: float, spacing_mm: float, width_mm: float
) -> npt.NDArray[np.bool_]:
    """(h, w) bool: within half of `width_mm` of a line, and at least half a pixel, so that no line is broken."""
    half_mm = np.maximum(np.float32(width_mm / 2), np.float32(0.5) * mm_per_px_hw)
    near: npt.NDArray[np.bool_] = _away_mm(place_mm_hw, first_mm, spacing_mm) <= half_mm
    return near


def grid_classes(
    rows_mm_hw: tuple[Field, Field], columns_mm_hw: tuple[Field, Field], first_mm: tuple[float, float], width_mm: float
) -> Mask:
    """(h, w) uint8: 0 paper, 1 horizontal, 2 vertical 5-mm line of the paper, 3 intersection.

    Args:
        rows_mm_hw: y on the paper and its change a pixel, (h, w) float32 each.
        columns_mm_hw: x on the paper and its change a pixel, (h, w) float32 each.
        first_mm: x of a vertical and y of a horizontal line.
        width_mm: of the lines' classes.
    """
    horizontal = on_line(*rows_mm_hw, first_mm[1], 5.0, width_mm).view(np.uint8)
    vertical = on_line(*columns_mm_hw, first_mm[0], 5.0, width_mm).view(np.uint8)
    mask: Mask = horizontal * np.uint8(HORIZONTAL) + vertical * np.uint8(VERTICAL)  # 1 + 2 is the intersection's 3
    return mask


def _away_mm(place_mm_hw: Field, first_mm: float, spacing_mm: float) -> Field:
    """Distance to the nearest line."""
    number = place_mm_hw - np.float32(first_mm)
    number *= np.float32(1 / spacing_mm)
    number -= np.rint(number)
    number *= np.float32(spacing_mm)
    np.abs(number, out=number)
    return number
