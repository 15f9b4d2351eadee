"""Bars between leads tell where time begins where no pulse does."""

import numpy as np
import pytest

from ecg_assets.digitize.bar_comb import bars_begin_mm
from ecg_assets.digitize.rectify import CANVAS_PX_PER_MM_X, CANVAS_PX_PER_MM_Y

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


@pytest.mark.parametrize("begin_mm", [12.4, 20.0, 33.3])
@pytest.mark.parametrize("left_out", [0, 2])
def test_time_begins_a_quarter_before_the_first_bars(begin_mm: float, left_out: int) -> None:
    assert bars_begin_mm(page(begin_mm, left_out), ROWS_Y) == pytest.approx(begin_mm, abs=0.5)


@pytest.mark.parametrize("nothing", [page(20, 9), page(20, 3), page(20, 0, wide_mm=0.13), page(20, 0, tall_mm=1.5)])
def test_too_few_bars_lines_and_names_say_nothing(nothing: np.ndarray) -> None:
    assert bars_begin_mm(nothing, ROWS_Y) is None
