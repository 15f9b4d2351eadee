"""Draws the empty upright paper of a style: levels of its grid's ink, and the classes of its 5-mm lines."""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from ecg_assets.pages.classes import CLASS_LINE_MM, HALF_COVERED, HORIZONTAL, VERTICAL
from ecg_assets.pages.style.grid_style import GridStyle
from ecg_assets.pages.style.page_style import PageStyle

MAJOR_MM, MINOR_MM = 5.0, 1.0

# Paper has few colours, so that a page is a palette image: bare paper, or a line that covers up to a third, two thirds
# or all of the pixel.
LINE_LEVELS = 3
WHITE, MINOR, MAJOR = 0, 0, LINE_LEVELS  # a line's index is its kind's number plus its level of 1 to 3
PAPER_COLOURS = 1 + 2 * LINE_LEVELS
_LEAST_COVERAGE = 0.08
_PAPERS_KEPT = 6

PaperIndex = npt.NDArray[np.uint8]
GridMask = npt.NDArray[np.uint8]
Colours = npt.NDArray[np.uint8]
Line = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Paper:
    """An empty paper.

    Attributes:
        index_hw: (h, w) uint8, indices into `colours`. Read-only: it is shared.
        mask_hw: (h, w) uint8: 0 paper, 1 horizontal, 2 vertical 5-mm line, 3 where they cross. Read-only.
        colours: (n, 3) uint8 RGB, n at most 8.
    """

    index_hw: PaperIndex
    mask_hw: GridMask
    colours: Colours


@lru_cache(maxsize=_PAPERS_KEPT)
def paper_of(style: PageStyle) -> Paper:
    """The paper of a style."""
    height, width = style.shape_px
    grid, px_per_mm = style.grid_lines, style.px_per_mm
    index = np.zeros((height, width), dtype=np.uint8)
    if grid.minor is not None:
        rows, columns = _levels(grid, px_per_mm, MINOR_MM, grid.minor_mm, (height, width))
        minor = np.minimum(rows[:, None], columns) if grid.dotted else np.maximum(rows[:, None], columns)
        index = np.where(minor > 0, minor + MINOR, index).astype(np.uint8)
    if grid.major is not None:
        rows, columns = _levels(grid, px_per_mm, MAJOR_MM, grid.major_mm, (height, width))
        major = np.maximum(rows[:, None], columns)
        index = np.where(major > 0, major + MAJOR, index).astype(np.uint8)
    mask = _class_mask(grid, px_per_mm, (height, width))
    for shared in (index, mask):
        shared.flags.writeable = False
    return Paper(index, mask, paper_colours(style, LINE_LEVELS))


def paper_colours(style: PageStyle, levels: int) -> Colours:
    """(1 + 2 levels, 3) uint8 RGB: bare paper, minor lines from faint to full, major lines from faint to full."""
    white = np.array(style.paper, dtype=np.float64)
    steps = np.arange(1, levels + 1)[:, None] / levels
    grid = style.grid_lines
    lines = [white + (np.array(colour or style.paper) - white) * steps for colour in (grid.minor, grid.major)]
    colours: Colours = np.rint(np.concatenate([white[None], *lines])).astype(np.uint8)
    return colours


def line_places_px(grid: GridStyle, px_per_mm: float, spacing_mm: float, shape: tuple[int, int]) -> tuple[Line, Line]:
    """Middles of the horizontal lines (y) and the vertical ones (x) on the page, in pixels."""
    height, width = shape
    y, x = (
        _places(first_mm * px_per_mm, spacing_mm * px_per_mm, size, grid.snap)
        for first_mm, size in ((grid.first_y_mm, height), (grid.first_x_mm, width))
    )
    if grid.closing_edge and spacing_mm == MAJOR_MM:
        x = np.append(x[x < width - 0.5], width - 0.5)
    return y, x


def _places(first_px: float, spacing_px: float, size_px: int, snap: bool) -> Line:
    """Lines to both sides of `first_px`; snapped lines are in the middle of the nearest pixel."""
    numbers = np.arange(-np.floor(first_px / spacing_px) - 1, np.ceil((size_px - first_px) / spacing_px) + 1)
    places = first_px + spacing_px * numbers
    if snap:
        places = np.rint(places) + 0.5
    kept: Line = places[(places > -1) & (places < size_px + 1)]
    return kept


def _levels(
    grid: GridStyle, px_per_mm: float, spacing_mm: float, width_mm: float, shape: tuple[int, int]
) -> tuple[PaperIndex, PaperIndex]:
    """Levels 0 to 3 of each pixel row and of each pixel column."""
    rows, columns = (
        _coverage(places, max(width_mm * px_per_mm, 0.5), size)
        for places, size in zip(line_places_px(grid, px_per_mm, spacing_mm, shape), shape, strict=True)
    )
    return _quantised(rows), _quantised(columns)


def _quantised(coverage: Line) -> PaperIndex:
    levels = np.maximum(np.rint(coverage * LINE_LEVELS), coverage >= _LEAST_COVERAGE)
    quantised: PaperIndex = levels.astype(np.uint8)
    return quantised


def _coverage(places: Line, width_px: float, size_px: int) -> Line:
    """Share of each of `size_px` pixels that the lines cover."""
    edges = np.arange(size_px + 1, dtype=np.float64)[:, None]
    inside = np.clip(edges, places - width_px / 2, places + width_px / 2)
    coverage: Line = np.minimum(np.diff(inside, axis=0).sum(axis=1), 1.0)
    return coverage


def _class_mask(grid: GridStyle, px_per_mm: float, shape: tuple[int, int]) -> GridMask:
    """A line's class covers the pixels of which a 0.38 mm band covers at least half, and at least one pixel."""
    if grid.major is None:
        return np.zeros(shape, dtype=np.uint8)
    band_px = max(CLASS_LINE_MM * px_per_mm, 1.0)
    y, x = line_places_px(grid, px_per_mm, MAJOR_MM, shape)
    # A band of one pixel that straddles two covers about half of both; it stays connected and is not doubled.
    least = HALF_COVERED - 1e-9
    rows = (_coverage(y, band_px, shape[0]) >= least).astype(np.uint8) * HORIZONTAL
    columns = (_coverage(x, band_px, shape[1]) >= least).astype(np.uint8) * VERTICAL
    mask: GridMask = rows[:, None] + columns[None, :]  # 1 + 2 is the intersection's 3
    return mask
