"""Crossings of the grid: where they are, and what is missing, doubled or bent."""

import numpy as np
import pytest
from scipy.spatial import KDTree

from ecg_assets.digitize.benchmark.rendered_pages import records_of_split
from ecg_assets.digitize.rectification.grid_lattice import find_lattice
from ecg_assets.digitize.rectification.surface import lay_surface
from ecg_assets_tests.digitize.known_pages import KnownGrid, Points, known_grid

RECORDS = records_of_split("validation", 3)
MARGIN = 2


def away_px(grid: KnownGrid) -> tuple[Points, float]:
    """How far the surface's crossings are from the nearest true ones, and the share of the true ones that it has."""
    surface = lay_surface(grid.lattice(), MARGIN)
    inner = slice(MARGIN, -MARGIN)
    found = np.stack([surface.x_px[inner, inner].ravel(), surface.y_px[inner, inner].ravel()], axis=1)
    height, width = grid.level_hw.shape
    framed = found[((found >= 0) & (found < (width, height))).all(axis=1)]
    near, _ = KDTree(grid.crossings_px).query(framed)
    back, _ = KDTree(framed).query(grid.crossings_px)
    return np.asarray(near), float(np.mean(np.asarray(back) < 2))


def test_an_upright_page_s_crossings_are_within_a_third_of_a_pixel() -> None:
    near, share = away_px(known_grid(RECORDS[0], "clean"))
    assert np.percentile(near, 95) <= 0.3
    assert share >= 0.97


def test_lines_that_were_printed_on_whole_pixels_do_not_bend_the_paper() -> None:
    # Style kaggle rounds its lines: half a pixel is 2.5 ms at 25 mm/s, and each lead would be shifted by its own share.
    near, _ = away_px(known_grid(RECORDS[0], "clean"))
    assert np.percentile(near, 95) <= 0.08


@pytest.mark.parametrize("number", [0, 1, 2])
def test_a_photo_s_crossings_are_within_a_pixel(number: int) -> None:
    near, share = away_px(known_grid(RECORDS[number], "photo", seed=number))
    assert np.median(near) <= 0.35
    assert np.percentile(near, 95) <= 1.0
    assert share >= 0.9


def test_missing_lines_and_holes_are_filled_and_false_lines_left_out() -> None:
    grid = known_grid(RECORDS[0], "photo", seed=4)
    height, width = grid.level_hw.shape
    level, upright = grid.level_hw.copy(), grid.upright_hw.copy()
    rng = np.random.default_rng(0)
    for _ in range(25):  # a tenth of the page
        y, x = int(rng.integers(height - 120)), int(rng.integers(width - 120))
        level[y : y + 120, x : x + 120] = upright[y : y + 120, x : x + 120] = 0
    level[::97, : width // 3] = 1  # lines that are none
    near, share = away_px(KnownGrid(level, upright, grid.crossings_px))
    assert np.percentile(near, 95) <= 1.5
    assert share >= 0.85


def test_a_picture_without_a_grid_has_no_lattice() -> None:
    noise = np.random.default_rng(0).random((2, 600, 800)).astype(np.float32) ** 8
    assert find_lattice(noise[0], noise[1], 39.4) is None
    assert find_lattice(np.zeros((600, 800), np.float32), np.zeros((600, 800), np.float32), 39.4) is None
