"""Lines of a turned and bent paper: exact coverage, unbroken classes, the paper's own horizontal and vertical."""

import cv2
import numpy as np
import numpy.typing as npt
import pytest

from ecg_assets.pages.raster.warped_grid import Family, Places, Scale, grid_classes, line_coverage, paper_levels

SIDE = 96
Field = npt.NDArray[np.float32]


def turned_paper(degrees: float, px_per_mm: float, side: int = SIDE, bend_mm: float = 0.0) -> Places:
    """A paper turned around the picture's upper left corner, its y bent more and more along x."""
    angle = np.deg2rad(degrees)
    y_px, x_px = np.mgrid[0:side, 0:side] + 0.5
    x_mm = (x_px * np.cos(angle) + y_px * np.sin(angle)) / px_per_mm
    y_mm = (y_px * np.cos(angle) - x_px * np.sin(angle)) / px_per_mm + bend_mm * -((x_px / side) ** 2)
    steep = [np.hypot(*np.gradient(place)).astype(np.float32) for place in (x_mm, y_mm)]
    return Places(x_mm.astype(np.float32), y_mm.astype(np.float32), Scale.of(steep[0]), Scale.of(steep[1]))


def lines_by_brute_force(
    degrees: float, px_per_mm: float, first_mm: float, spacing_mm: float, width_mm: float
) -> Field:
    """Share of 16 x 16 points of each pixel that lie on a vertical line of the paper."""
    fine = turned_paper(degrees, px_per_mm * 16, SIDE * 16)
    away = np.abs((fine.x_mm - first_mm + spacing_mm / 2) % spacing_mm - spacing_mm / 2)
    share: Field = (away <= width_mm / 2).reshape(SIDE, 16, SIDE, 16).mean(axis=(1, 3), dtype=np.float32)
    return share


@pytest.mark.parametrize("degrees", [0, 3, 17, 45, 80])
@pytest.mark.parametrize(("spacing_mm", "width_mm"), [(5.0, 0.3), (1.0, 0.12)])
@pytest.mark.parametrize("px_per_mm", [4.0, 7.874, 15.7])
def test_lines_cover_what_brute_force_finds(
    degrees: float, spacing_mm: float, width_mm: float, px_per_mm: float
) -> None:
    places = turned_paper(degrees, px_per_mm)
    mm_per_px = places.scale_x.mm_per_px()[places.scale_x.step_hw]
    drawn = line_coverage(places.x_mm, (1 / mm_per_px).astype(np.float32), 0.7, spacing_mm, width_mm)
    truth = lines_by_brute_force(degrees, px_per_mm, 0.7, spacing_mm, width_mm)
    assert drawn.dtype == np.float32
    assert (drawn.min(), drawn.max()) >= (0, 0)
    assert drawn.sum() == pytest.approx(truth.sum(), rel=0.05)
    # At 45 degrees a pixel reaches 0.7 px to its corner: there its coverage is rounder than that of a band.
    assert np.abs(drawn - truth).max() <= 0.23
    assert np.abs(drawn - truth).mean() <= 6 / 255


@pytest.mark.parametrize("degrees", [0, 3, 17, 45, 80])
@pytest.mark.parametrize("px_per_mm", [1.5, 2.5, 7.874, 20.0])
def test_each_class_line_runs_unbroken_through_the_picture(degrees: float, px_per_mm: float) -> None:
    places = turned_paper(degrees, px_per_mm, bend_mm=0.6)
    mask = grid_classes(places, (0.7, 1.3), 0.38)
    for lines, place, first_mm in (((1, 3), places.y_mm, 1.3), ((2, 3), places.x_mm, 0.7)):
        on_line = np.isin(mask, lines).astype(np.uint8)
        count, labels = cv2.connectedComponents(on_line, connectivity=8)
        numbers = np.rint((place - first_mm) / 5)
        for number in range(1, count):
            assert len(np.unique(numbers[labels == number])) == 1
        # One component a line: a broken line would have several of one number.
        of = [numbers[labels == number][0] for number in range(1, count)]
        assert len(of) == len(set(of))


def test_class_lines_are_038_mm_wide_and_at_least_a_pixel() -> None:
    wide = np.isin(grid_classes(turned_paper(30, 15.7), (0.7, 1.3), 0.38), (2, 3)).mean()
    assert wide == pytest.approx(0.38 / 5, rel=0.12)
    narrow = np.isin(grid_classes(turned_paper(30, 1.5, 400), (0.7, 1.3), 0.38), (2, 3)).mean()
    assert narrow == pytest.approx(1 / 1.5 / 5, rel=0.05)


def test_a_quarter_turn_of_the_paper_keeps_its_own_horizontal() -> None:
    mask = grid_classes(turned_paper(90, 8.0), (0.7, 1.3), 0.38)
    # The paper's horizontal lines now stand upright in the picture.
    horizontal = (mask == 1) | (mask == 3)
    assert horizontal.all(axis=0).any()
    assert not horizontal.all(axis=1).any()


def test_later_families_lie_over_earlier_ones_and_dots_are_crossings_only() -> None:
    minor = Family(1.0, 0.12, (0.7, 1.3), dots=True, levels=8, above=0)
    major = Family(5.0, 0.3, (0.7, 1.3), dots=False, levels=8, above=8)
    places = turned_paper(0, 20.0, 200)
    levels = paper_levels(places, [minor, major])
    assert sorted(set(np.unique(levels)) - set(range(17))) == []
    assert levels[round(1.3 * 20), 100] > 8
    dots = (levels > 0) & (levels <= 8)
    assert 0 < dots.mean() < 0.03
    np.testing.assert_array_equal(levels > 8, paper_levels(places, [major]) > 8)
