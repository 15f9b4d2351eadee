"""The empty paper: millimetre grid, its colours, and the classes of its 5-mm lines."""

from functools import cache

import numpy as np
import numpy.typing as npt

from ecg_assets.pages.layout import PAGE_HEIGHT_PX, PAGE_WIDTH_PX, PX_PER_MM

HORIZONTAL_LINES, VERTICAL_LINES = 44, 56
FIRST_HORIZONTAL_Y_PX = 7.0
CLASS_LINE_PX = 3  # 0.38 mm at 200 dpi

HORIZONTAL, VERTICAL, INTERSECTION = 1, 2, 3

# Paper colours; a page's palette holds each of them under every level of ink.
WHITE, MINOR, FAINT_MAJOR, MAJOR = range(4)
PAPER_COLOURS: npt.NDArray[np.uint8] = np.array(
    [[255, 255, 255], [254, 223, 219], [255, 204, 204], [255, 0, 0]], dtype=np.uint8
)

PaperIndex = npt.NDArray[np.uint8]
GridMask = npt.NDArray[np.uint8]


def major_rows_px() -> list[int]:
    """Pixel rows of the horizontal 5-mm lines."""
    return [round(FIRST_HORIZONTAL_Y_PX + 5 * PX_PER_MM * line) for line in range(HORIZONTAL_LINES)]


def major_columns_px() -> list[int]:
    """Pixel columns of the vertical 5-mm lines; the last one is the page's right edge."""
    return [*(round(5 * PX_PER_MM * line) for line in range(VERTICAL_LINES)), PAGE_WIDTH_PX - 1]


@cache
def clean_grid() -> PaperIndex:
    """(1700, 2200) uint8, indices into `PAPER_COLOURS`. Read-only: it is shared."""
    paper = np.full((PAGE_HEIGHT_PX, PAGE_WIDTH_PX), WHITE, dtype=np.uint8)
    paper[_millimetres(FIRST_HORIZONTAL_Y_PX, PAGE_HEIGHT_PX)] = MINOR
    paper[:, _millimetres(0.0, PAGE_WIDTH_PX)] = MINOR
    rows, columns = major_rows_px(), major_columns_px()
    for colour, offsets in ((FAINT_MAJOR, (-1, 1)), (MAJOR, (0,))):
        for offset in offsets:
            paper[_inside(rows, offset, PAGE_HEIGHT_PX)] = colour
            paper[:, _inside(columns, offset, PAGE_WIDTH_PX)] = colour
    paper.flags.writeable = False
    return paper


@cache
def grid_mask() -> GridMask:
    """(1700, 2200) uint8: 0 paper, 1 horizontal, 2 vertical 5-mm line, 3 where they cross. Read-only."""
    half = CLASS_LINE_PX // 2
    on_row, on_column = np.zeros(PAGE_HEIGHT_PX, dtype=np.uint8), np.zeros(PAGE_WIDTH_PX, dtype=np.uint8)
    for offset in range(-half, half + 1):
        on_row[_inside(major_rows_px(), offset, PAGE_HEIGHT_PX)] = HORIZONTAL
        on_column[_inside(major_columns_px(), offset, PAGE_WIDTH_PX)] = VERTICAL
    mask: GridMask = on_row[:, None] + on_column[None, :]  # 1 + 2 is the intersection's 3
    mask.flags.writeable = False
    return mask


def _millimetres(start_px: float, size_px: int) -> list[int]:
    """Pixels of all 1-mm lines, to both sides of `start_px`."""
    before = int(start_px / PX_PER_MM)
    count = int(size_px / PX_PER_MM) + 1
    lines = (round(start_px + PX_PER_MM * line) for line in range(-before, count))
    return [line for line in lines if 0 <= line < size_px]


def _inside(lines: list[int], offset: int, size_px: int) -> list[int]:
    return [line + offset for line in lines if 0 <= line + offset < size_px]
