"""Grid lines of a bent paper: each pixel knows its place on the paper, so lines follow from arithmetic."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ecg_assets.pages.classes import VERTICAL

Field = npt.NDArray[np.float32]
Mask = npt.NDArray[np.uint8]

# Rows done at a time, so that what is in between stays in the processor's cache: pixels, not rows, are constant.
_BAND_PIXELS = 65_536


@dataclass(frozen=True)
class Family:
    """Lines printed at one distance, in both directions.

    Attributes:
        spacing_mm: from line to line.
        width_mm: of the lines.
        first_mm: x of a vertical and y of a horizontal line.
        dots: only the crossings are printed.
        levels: a fully covered pixel's level.
        above: is added to every level but 0.
    """

    spacing_mm: float
    width_mm: float
    first_mm: tuple[float, float]
    dots: bool
    levels: int
    above: int


@dataclass(frozen=True)
class Places:
    """Where on the paper pixels lie: x and y in mm and how fast they change a pixel, (h, w) float32 each."""

    x_mm: Field
    y_mm: Field
    mm_per_px_x: Field
    mm_per_px_y: Field

    def band(self, rows: slice) -> "Places":
        """Some rows of it."""
        return Places(self.x_mm[rows], self.y_mm[rows], self.mm_per_px_x[rows], self.mm_per_px_y[rows])


def paper_levels(places: Places, families: list[Family]) -> Mask:
    """(h, w) uint8: 0 where the paper is bare, else the level of the line; later families lie over earlier ones."""
    levels = np.zeros(places.x_mm.shape, dtype=np.uint8)
    for rows in _bands(levels.shape):
        band = places.band(rows)
        per_mm = (np.float32(1) / band.mm_per_px_x, np.float32(1) / band.mm_per_px_y)
        for family in families:
            _draw(levels[rows], band, per_mm, family)
    return levels


def _draw(levels: Mask, places: Places, per_mm: tuple[Field, Field], family: Family) -> None:
    across = line_coverage(places.x_mm, per_mm[0], family.first_mm[0], family.spacing_mm, family.width_mm)
    down = line_coverage(places.y_mm, per_mm[1], family.first_mm[1], family.spacing_mm, family.width_mm)
    coverage = np.minimum(across, down, out=across) if family.dots else np.maximum(across, down, out=across)
    coverage *= np.float32(family.levels)
    coverage += np.float32(0.5)
    level = coverage.astype(np.uint8)
    np.add(level, np.uint8(family.above), out=levels, where=level > 0)


def line_coverage(
    place_mm_hw: Field, px_per_mm_hw: Field, first_mm: float, spacing_mm: float, width_mm: float
) -> Field:
    """How much of each pixel a family of parallel lines covers, (h, w) float32 of 0 to 1.

    A pixel that reaches from half a pixel before its middle to half a pixel after it overlaps a line of width w at the
    distance d by w / 2 + 1 / 2 - d, at most by itself and by the line.

    Args:
        place_mm_hw: (h, w) float32, place on the paper across the lines.
        px_per_mm_hw: (h, w) float32, how many pixels a millimetre takes there.
        first_mm: where one of the lines stands.
        spacing_mm: from line to line.
        width_mm: of the lines.
    """
    coverage = _away_mm(place_mm_hw, first_mm, spacing_mm)
    np.subtract(np.float32(width_mm / 2), coverage, out=coverage)
    coverage *= px_per_mm_hw
    coverage += np.float32(0.5)
    np.minimum(coverage, np.float32(width_mm) * px_per_mm_hw, out=coverage)
    np.clip(coverage, 0, 1, out=coverage)
    return coverage


def grid_classes(places: Places, first_mm: tuple[float, float], width_mm: float) -> Mask:
    """(h, w) uint8: 0 paper, 1 horizontal, 2 vertical 5-mm line of the paper, 3 intersection.

    A line is as wide as `width_mm`, and at least a pixel, so that none is broken.

    Args:
        places: of the pixels.
        first_mm: x of a vertical and y of a horizontal line.
        width_mm: of the lines' classes.
    """
    mask = np.zeros(places.x_mm.shape, dtype=np.uint8)
    for rows in _bands(mask.shape):
        band = places.band(rows)
        horizontal = _on_line(band.y_mm, band.mm_per_px_y, first_mm[1], width_mm)
        vertical = _on_line(band.x_mm, band.mm_per_px_x, first_mm[0], width_mm)
        np.add(horizontal.view(np.uint8), vertical.view(np.uint8) * np.uint8(VERTICAL), out=mask[rows])
    return mask


def _on_line(place_mm_hw: Field, mm_per_px_hw: Field, first_mm: float, width_mm: float) -> npt.NDArray[np.bool_]:
    half_mm = np.maximum(np.float32(0.5) * mm_per_px_hw, np.float32(width_mm / 2))
    near: npt.NDArray[np.bool_] = _away_mm(place_mm_hw, first_mm, 5.0) <= half_mm
    return near


def _away_mm(place_mm_hw: Field, first_mm: float, spacing_mm: float) -> Field:
    """Distance to the nearest line."""
    number = place_mm_hw - np.float32(first_mm)
    if spacing_mm != 1:
        number *= np.float32(1 / spacing_mm)
    number -= np.rint(number)
    if spacing_mm != 1:
        number *= np.float32(spacing_mm)
    np.abs(number, out=number)
    return number


def _bands(shape: tuple[int, ...]) -> list[slice]:
    rows = max(1, _BAND_PIXELS // shape[1])
    return [slice(first, first + rows) for first in range(0, shape[0], rows)]
