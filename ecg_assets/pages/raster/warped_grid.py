"""Draws the grid lines of a bent paper, computed from each pixel's place on the paper.

All lines repeat after 5 mm, and their width in pixels depends on the scale only. So a pixel's value is looked up in two
small tables, one per direction, by its place within 5 mm and by its scale.
"""

from dataclasses import dataclass
from itertools import groupby

import numpy as np
import numpy.typing as npt

from ecg_assets.pages.classes import HORIZONTAL, VERTICAL

Field = npt.NDArray[np.float32]
Mask = npt.NDArray[np.uint8]
Values = npt.NDArray[np.float64]
Whole = npt.NDArray[np.int32]

# Pixels processed at a time, in whole rows, so that intermediate arrays stay in the processor's cache.
_BAND_PIXELS = 32_768
# A place in 16 bits, of which a table uses the upper 11: steps of 0.0024 mm, a fiftieth of a pixel at 200 dpi.
_PERIOD_MM, _PERIOD_STEPS = 5.0, 65_536
_SCALE_BITS = 5
SCALES = 1 << _SCALE_BITS
_PLACES = _PERIOD_STEPS >> _SCALE_BITS
# An entry: the printed level in the lower 5 bits, the class above them.
_PRINTED_BITS = 5
_PRINTED = (1 << _PRINTED_BITS) - 1


@dataclass(frozen=True)
class Family:
    """Lines printed at one distance, in both directions.

    Attributes:
        spacing_mm: from line to line, a fraction of 5 mm.
        width_mm: of the lines.
        first_mm: x of a vertical and y of a horizontal line.
        dots: whether only the crossings are printed.
        levels: a fully covered pixel's level.
        above: added to every level except 0; both together are at most 31.
    """

    spacing_mm: float
    width_mm: float
    first_mm: tuple[float, float]
    dots: bool
    levels: int
    above: int


@dataclass(frozen=True)
class ClassLines:
    """The 5-mm lines of a mask: x of a vertical and y of a horizontal line, and the width of all."""

    first_mm: tuple[float, float]
    width_mm: float


@dataclass(frozen=True)
class Scale:
    """Millimetres of paper per pixel, in steps of a few per cent.

    Attributes:
        step_hw: (h, w) uint8, 0 to 31.
        least, most: mm per pixel of the steps 0 and 31; steps between are geometric.
    """

    step_hw: Mask
    least: float
    most: float

    @staticmethod
    def steps(mm_per_px: Field, least: float, most: float) -> Mask:
        """uint8: the steps of scales from `least` to `most`; scales beyond take the first or last step."""
        if most <= least:
            return np.zeros(mm_per_px.shape, dtype=np.uint8)
        share = np.log(np.clip(mm_per_px, least, most) / least) / np.log(most / least)
        stepped: Mask = np.rint(share * (SCALES - 1)).astype(np.uint8)
        return stepped

    @classmethod
    def of(cls, mm_per_px_hw: Field) -> "Scale":
        """From each pixel's scale, (h, w) float32."""
        least, most = float(mm_per_px_hw.min()), float(mm_per_px_hw.max())
        return cls(cls.steps(mm_per_px_hw, least, most), least, most)

    def mm_per_px(self, offset: float = 0.0) -> Values:
        """(32,) float64, mm per pixel of each step, shifted by `offset` steps."""
        share = (np.arange(SCALES) + offset) / (SCALES - 1)
        values: Values = self.least * (self.most / self.least) ** share
        return values


@dataclass(frozen=True)
class Places:
    """The pixels' places on the paper: x and y in mm, (h, w) float32 each, and their change per pixel."""

    x_mm: Field
    y_mm: Field
    scale_x: Scale
    scale_y: Scale


def drawn_grid(places: Places, families: list[Family], classes: ClassLines | None) -> tuple[Mask, Mask]:
    """The printed levels, and the classes of the 5-mm lines.

    Returns:
        Levels, (h, w) uint8: 0 where the paper is bare, else the level of the line; later families lie over earlier
        ones. And classes, (h, w) uint8: 0 paper, 1 horizontal, 2 vertical line of the paper, 3 intersection. A class
        line is as wide as it says, and at least a pixel, so that none is broken.
    """
    levels, mask = (np.empty(places.x_mm.shape, dtype=np.uint8) for _ in range(2))
    # Dots are where lines cross, so they use separate tables.
    runs = [(dots, list(run)) for dots, run in groupby(families, key=lambda family: family.dots)] or [(False, [])]
    tables = [_tables(places, run, classes if not place else None) for place, (_, run) in enumerate(runs)]
    for rows in _bands(levels.shape):
        across = _index(places.x_mm[rows], places.scale_x.step_hw[rows])
        down = _index(places.y_mm[rows], places.scale_y.step_hw[rows])
        for place, ((dots, _), (vertical, horizontal)) in enumerate(zip(runs, tables, strict=True)):
            # `clip` never takes effect; it lets numpy write to `out` without a copy.
            ahead, aside = vertical.take(across, mode="clip"), horizontal.take(down, mode="clip")
            if not place:
                np.right_shift(ahead | aside, _PRINTED_BITS, out=mask[rows])
            ahead &= _PRINTED
            aside &= _PRINTED
            printed = np.minimum(ahead, aside) if dots else np.maximum(ahead, aside)
            if place:
                np.copyto(levels[rows], printed, where=printed > 0)
            else:
                levels[rows] = printed
    return levels, mask


def paper_levels(places: Places, families: list[Family]) -> Mask:
    """(h, w) uint8: the printed levels; see `drawn_grid`."""
    return drawn_grid(places, families, None)[0]


def grid_classes(places: Places, first_mm: tuple[float, float], width_mm: float) -> Mask:
    """(h, w) uint8: the classes of the 5-mm lines; see `drawn_grid`."""
    return drawn_grid(places, [], ClassLines(first_mm, width_mm))[1]


def line_coverage(
    place_mm: npt.NDArray[np.floating],
    px_per_mm: npt.NDArray[np.floating],
    first_mm: float,
    spacing_mm: float,
    width_mm: float,
) -> npt.NDArray[np.floating]:
    """Share of each pixel that a family of parallel lines covers, 0 to 1.

    A pixel that reaches from half a pixel before its middle to half a pixel after it overlaps a line of width w at the
    distance d by w / 2 + 1 / 2 - d, at most by itself and by the line.

    Args:
        place_mm: places on the paper across the lines.
        px_per_mm: pixels per millimetre there.
        first_mm: place of one of the lines.
        spacing_mm: from line to line.
        width_mm: of the lines.
    """
    overlap = (width_mm / 2 - _away_mm(place_mm, first_mm, spacing_mm)) * px_per_mm + 0.5
    coverage: npt.NDArray[np.floating] = np.clip(np.minimum(overlap, width_mm * px_per_mm), 0, 1)
    return coverage


def _tables(places: Places, families: list[Family], classes: ClassLines | None) -> list[Mask]:
    """(65536,) uint8 each, by place and scale: of the vertical lines, across x, and of the horizontal ones."""
    return [
        _table(scale, axis, kind, families, classes)
        for axis, (scale, kind) in enumerate(((places.scale_x, VERTICAL), (places.scale_y, HORIZONTAL)))
    ]


def _table(scale: Scale, axis: int, kind: int, families: list[Family], classes: ClassLines | None) -> Mask:
    step_mm = _PERIOD_MM / _PLACES
    place_mm = ((np.arange(_PLACES) + 0.5) * step_mm)[:, None]
    table = np.zeros((_PLACES, SCALES), dtype=np.uint8)
    for family in families:
        coverage = line_coverage(
            place_mm, 1 / scale.mm_per_px(), family.first_mm[axis], family.spacing_mm, family.width_mm
        )
        level = (coverage * family.levels + 0.5).astype(np.uint8)
        np.add(level, np.uint8(family.above), out=table, where=level > 0)
    if classes is not None:
        # A step's largest scale, plus the places' step, so that rounding cannot break a line of a single pixel.
        half_mm = np.maximum(0.5 * scale.mm_per_px(0.75) + step_mm / 2, classes.width_mm / 2)
        near = _away_mm(place_mm, classes.first_mm[axis], _PERIOD_MM) <= half_mm
        table |= near.astype(np.uint8) << np.uint8(_PRINTED_BITS + kind - 1)
    return table.ravel()


def _index(place_mm: Field, step: Mask) -> Whole:
    """The pixels' table indices: place within the period, then scale."""
    index = (place_mm * np.float32(_PERIOD_STEPS / _PERIOD_MM)).astype(np.int32)
    index &= _PERIOD_STEPS - SCALES
    index |= step
    return index


def _away_mm(place_mm: npt.NDArray[np.floating], first_mm: float, spacing_mm: float) -> npt.NDArray[np.floating]:
    """Distance to the nearest line."""
    number = (place_mm - first_mm) / spacing_mm
    away: npt.NDArray[np.floating] = np.abs(number - np.rint(number)) * spacing_mm
    return away


def _bands(shape: tuple[int, ...]) -> list[slice]:
    rows = max(1, _BAND_PIXELS // shape[1])
    return [slice(first, first + rows) for first in range(0, shape[0], rows)]
