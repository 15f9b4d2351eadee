"""Bars between leads: they are found to a fraction of a pixel, and nothing else is taken for them."""

import numpy as np
import pytest

from ecg_assets.digitize.calibration.printed_extent import Extent
from ecg_assets.digitize.calibration.separators import at_bars, find_bars, without_bars
from ecg_assets.digitize.lead_layout.layout_match import slots_of
from ecg_assets.digitize.rectification.canvas import CANVAS_PX_PER_MM_X, CANVAS_PX_PER_MM_Y
from ecg_assets.pages.style.layouts import layout_named

INK, FINE = 180.0, 8
ROWS_Y = np.array([300.0, 590.0, 880.0, 1140.0])
SLOTS = slots_of(layout_named("3x4+1"))


def at_separators(extent: Extent, dark_hw: np.ndarray) -> Extent:
    """What bars say of a page whose begin is known roughly."""
    return at_bars(extent, find_bars(extent, SLOTS, ROWS_Y, dark_hw, INK))


def page(first_mm: float, thick_mm: float = 0.8, tall_mm: float = 6.2) -> np.ndarray:
    """(h, w) float32: darkness of three rows' level traces with bars where leads change, and of one without."""
    dark = np.zeros((1300, 4600), np.float32)
    across = np.arange(4600 * FINE) / FINE / CANVAS_PX_PER_MM_X
    half = round(tall_mm / 2 * CANVAS_PX_PER_MM_Y)
    for row, line in enumerate(ROWS_Y.astype(int)):
        dark[line - 1 : line + 2] = INK
        for part in (1, 2, 3) if row < 3 else ():
            share = np.abs(across - first_mm - 62.5 * part) <= thick_mm / 2
            bar = INK * share.reshape(-1, FINE).mean(axis=1, dtype=np.float32)
            dark[line - half : line + half] = np.maximum(dark[line - half : line + half], bar)
    return dark


@pytest.mark.parametrize("off_mm", [0.0, 0.04, -0.33, 0.6])
def test_time_begins_where_bars_say(off_mm: float) -> None:
    found = at_separators(Extent(20.0, 270.0, True), page(20.0 + off_mm))
    assert found.first_mm == pytest.approx(20.0 + off_mm, abs=0.01)
    assert found.last_mm - found.first_mm == pytest.approx(250)
    assert found.known


@pytest.mark.parametrize("off_mm", [0.0, 0.03, 0.05, 0.09, 0.11])
def test_bars_that_cover_pixels_of_the_print_in_part_are_found_as_well(off_mm: float) -> None:
    # As printed at 200 dpi: a pixel is two columns of the canvas wide, and a bar's sides cover what they cover of one.
    px_per_mm, columns = 200 / 25.4, 2300
    edges = np.arange(columns + 1) / px_per_mm
    dark = page(20.0)
    half = round(3.1 * CANVAS_PX_PER_MM_Y)
    for line in ROWS_Y[:3].astype(int):
        cover = np.zeros(columns, np.float32)
        for part in (1, 2, 3):
            middle = 20.0 + off_mm + 62.5 * part
            inside = np.clip(edges, middle - 0.4, middle + 0.4)
            cover += (np.diff(inside) * px_per_mm).astype(np.float32)
        places = (np.arange(dark.shape[1]) + 0.5) / CANVAS_PX_PER_MM_X * px_per_mm - 0.5
        dark[line - half : line + half] = INK * np.interp(places, np.arange(columns), cover)
        dark[line - 1 : line + 2] = INK
    found = at_separators(Extent(20.0, 270.0, True), dark)
    assert found.first_mm == pytest.approx(20.0 + off_mm, abs=0.004)


@pytest.mark.parametrize("line_mm", [-0.6, -0.5, 0.5, 0.6])
def test_lines_of_a_grey_grid_beside_bars_move_nothing(line_mm: float) -> None:
    dark = page(20.0)
    for part in (1, 2, 3):
        at = round((20.0 + 62.5 * part + line_mm) * CANVAS_PX_PER_MM_X)
        dark[:, at - 1 : at + 1] = np.maximum(dark[:, at - 1 : at + 1], INK / 3)
    found = at_separators(Extent(20.0, 270.0, True), dark)
    assert found.first_mm == pytest.approx(20.0, abs=0.006)


def test_a_steep_wave_beside_one_bar_does_not_move_the_others_middle() -> None:
    dark = page(20.0)
    beside = round((20.0 + 62.5 + 0.4) * CANVAS_PX_PER_MM_X)
    dark[240:330, beside : beside + 2] = INK
    found = at_separators(Extent(20.0, 270.0, True), dark)
    assert found.first_mm == pytest.approx(20.0, abs=0.004)


def test_traces_lines_and_lone_bars_move_nothing() -> None:
    extent = Extent(20.0, 270.0, True)
    for nothing in (page(20.2, thick_mm=0.15), page(20.2, tall_mm=1.5), np.zeros((1300, 4600), np.float32)):
        assert at_separators(extent, nothing) == extent
    two = page(20.2)
    two[:, 2000:] = two[700:] = 0
    assert at_separators(extent, two) == extent


def test_bars_that_are_taken_for_traces_are_left_out_and_what_stands_out_of_them_is_not() -> None:
    dark = page(20.0)
    middle = round((20.0 + 62.5) * CANVAS_PX_PER_MM_X)
    wave = np.where(dark > 0, np.float32(0.6), np.float32(0))
    wave[200:250, middle : middle + 3] = 1  # a peak that a bar hides the foot of
    bars = find_bars(Extent(20.0, 270.0, True), SLOTS, ROWS_Y, dark, INK)
    assert len(bars) == 9
    left = without_bars(wave, bars)
    half = round(3.1 * CANVAS_PX_PER_MM_Y)
    assert left[300 - half : 300 + half, middle - 6 : middle + 6].max() == 0
    assert left[200:250, middle : middle + 3].min() == 1
    np.testing.assert_array_equal(left[:, : middle - 20], wave[:, : middle - 20])
    seen_through = np.where(wave == 1, np.float32(1), wave / 3)
    np.testing.assert_array_equal(without_bars(seen_through, bars), seen_through)
