"""Bars between leads tell where time begins where no pulse does."""

import numpy as np
import pytest

from ecg_assets.digitize.calibration.printed_extent import Extent
from ecg_assets.digitize.calibration.separator_comb import bars_extent
from ecg_assets.digitize.rectification.canvas import CANVAS_PX_PER_MM_X, CANVAS_PX_PER_MM_Y

ROWS_Y = np.array([300.0, 590.0, 880.0, 1140.0])


def page(begin_mm: float, left_out: int = 0, wide_mm: float = 0.8, tall_mm: float = 6.2) -> np.ndarray:
    """(h, w) float32: three rows with bars, less the first so many of them, a row without, grid lines and noise."""
    ink = np.random.default_rng(0).normal(0, 0.15, (1300, 4600)).astype(np.float32)
    ink[:, :: 5 * CANVAS_PX_PER_MM_X] += 0.3
    half = round(tall_mm / 2 * CANVAS_PX_PER_MM_Y)
    places = [(line, part) for part in (1, 2, 3) for line in ROWS_Y[:3].astype(int)][left_out:]
    for line, part in places:
        middle, side = (begin_mm + 62.5 * part) * CANVAS_PX_PER_MM_X, wide_mm / 2 * CANVAS_PX_PER_MM_X
        ink[line - half : line + half, round(middle - side) : round(middle + side)] = 0.9
    for line in ROWS_Y.astype(int):
        ink[line - 2 : line + 2] = 1
    return ink


def found(ink: np.ndarray) -> Extent | None:
    return bars_extent(ink, 150 * ink, 150.0, ROWS_Y)


@pytest.mark.parametrize("begin_mm", [12.4, 20.0, 33.3])
@pytest.mark.parametrize("left_out", [0, 2])
def test_time_begins_a_quarter_before_the_first_bars(begin_mm: float, left_out: int) -> None:
    extent = found(page(begin_mm, left_out))
    assert extent is not None
    assert extent.first_mm == pytest.approx(begin_mm, abs=0.04)
    assert extent.known
    assert extent.last_mm - extent.first_mm == pytest.approx(250)


@pytest.mark.parametrize("nothing", [page(20, 9), page(20, 3), page(20, 0, wide_mm=0.13), page(20, 0, tall_mm=1.5)])
def test_too_few_bars_lines_and_names_say_nothing(nothing: np.ndarray) -> None:
    assert found(nothing) is None


def test_beats_about_as_far_apart_as_bars_say_nothing() -> None:
    several = page(20, 9)
    half = round(3.1 * CANVAS_PX_PER_MM_Y)
    offs = iter((-0.5, 0.1, 0.5, -0.3, 0.3, -0.1, 0.45, -0.45, 0.2))
    for line in ROWS_Y[:3].astype(int):
        for part in (1, 2, 3):
            middle = (20 + next(offs) + 62.5 * part) * CANVAS_PX_PER_MM_X
            several[line - half : line + half, round(middle - 6) : round(middle + 6)] = 0.9
    assert found(several) is None
