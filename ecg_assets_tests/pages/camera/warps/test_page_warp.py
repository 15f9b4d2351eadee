"""Warps: there and back again, without folds, and straight where nothing bends."""

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ecg_assets.pages.camera.warps.camera import photo_camera, scan_camera, upright_camera, view
from ecg_assets.pages.camera.warps.registry import UnknownDeformationError, deformation_named, deformations
from ecg_assets.pages.camera.warps.warp import PageWarp

PAPER_MM = (279.4, 215.9)
NAMES = sorted(deformations())


def warp_of(names: list[str], seed: int, strength: float, side_px: int | None = None) -> PageWarp:
    rng = np.random.default_rng(seed)
    bends = [deformation_named(name)(rng, strength, PAPER_MM) for name in names]
    camera = photo_camera(PAPER_MM, (2200, 1700), rng, strength)
    if side_px is None:
        return PageWarp(camera, bends, PAPER_MM, (2200, 1700))
    return PageWarp(view(camera, 800, 600, 500, side_px), bends, PAPER_MM, (side_px, side_px))


def error_px(warp: PageWarp) -> float:
    """How far a pixel's paper point, projected, lies from the pixel's middle."""
    seen = warp.paper_map()
    rows, columns = np.nonzero(seen.on_paper_hw)
    if not len(rows):
        return 0.0
    some = np.random.default_rng(0).integers(0, len(rows), 4000)
    rows, columns = rows[some], columns[some]
    points = np.stack([seen.x_mm_hw[rows, columns], seen.y_mm_hw[rows, columns]], axis=1).astype(np.float64)
    away = warp.to_picture(points) - np.stack([columns + 0.5, rows + 0.5], axis=1)
    return float(np.hypot(*away.T).max())


@settings(max_examples=30, deadline=None)
@given(name=st.sampled_from([*NAMES, "all"]), seed=st.integers(0, 2**31), strength=st.floats(0, 1))
def test_a_pixel_shows_the_paper_that_projects_to_it(name: str, seed: int, strength: float) -> None:
    assert error_px(warp_of(NAMES if name == "all" else [name], seed, strength, 256)) < 0.35


@pytest.mark.parametrize("name", NAMES)
def test_a_whole_page_is_mapped_as_well(name: str) -> None:
    assert error_px(warp_of([name], 3, 1.0)) < 0.25


@settings(max_examples=40, deadline=None)
@given(name=st.sampled_from([*NAMES, "all"]), seed=st.integers(0, 2**31))
def test_no_paper_folds_over_itself_however_strong(name: str, seed: int) -> None:
    warp = warp_of(NAMES if name == "all" else [name], seed, 1.0)
    x, y = np.meshgrid(np.linspace(0, PAPER_MM[0], 140), np.linspace(0, PAPER_MM[1], 108))
    places = warp.to_picture(np.stack([x, y], axis=-1).reshape(-1, 2)).reshape(*x.shape, 2)
    across, down = (np.asarray(np.gradient(places, axis=axis)) for axis in (1, 0))
    area = across[..., 0] * down[..., 1] - across[..., 1] * down[..., 0]
    assert area.min() > 0.1 * np.median(area)


def test_an_upright_camera_shows_a_millimetre_as_so_many_pixels_and_knows_the_papers_edge() -> None:
    seen = PageWarp(upright_camera(8.0), [], (100.0, 50.0), (900, 500)).paper_map()
    np.testing.assert_allclose(seen.x_mm_hw[10], (np.arange(900) + 0.5) / 8, atol=1e-3)
    np.testing.assert_allclose(seen.y_mm_hw[:, 7], (np.arange(500) + 0.5) / 8, atol=1e-3)
    np.testing.assert_allclose(seen.mm_per_px_x_hw, 1 / 8, rtol=1e-3)
    np.testing.assert_allclose(seen.mm_per_px_y_hw, 1 / 8, rtol=1e-3)
    np.testing.assert_array_equal(seen.on_paper_hw, inside(900, 500, 800, 400))
    assert (seen.shade_hw == 1).all()


def inside(width: int, height: int, right: int, bottom: int) -> npt.NDArray[np.bool_]:
    return (np.arange(height)[:, None] < bottom) & (np.arange(width) < right)


def test_scale_is_the_change_from_pixel_to_pixel() -> None:
    seen = warp_of(["curl"], 1, 0.8, 256).paper_map()
    change = np.hypot(*np.gradient(seen.x_mm_hw.astype(np.float64)))
    np.testing.assert_allclose(seen.mm_per_px_x_hw[20:-20, 20:-20], change[20:-20, 20:-20], rtol=0.08)


@pytest.mark.parametrize("strength", [0.0, 0.5, 1.0])
def test_a_scan_shows_nearly_all_of_the_paper_and_a_photo_most_of_it(strength: float) -> None:
    for seed in range(20):
        rng = np.random.default_rng(seed)
        for camera, least in (
            (scan_camera(PAPER_MM, (2200, 1700), rng, strength), 0.93),
            (photo_camera(PAPER_MM, (2200, 1700), rng, strength), 0.55),
        ):
            warp = PageWarp(camera, [], PAPER_MM, (2200, 1700))
            x, y = np.meshgrid(np.linspace(0, PAPER_MM[0], 40), np.linspace(0, PAPER_MM[1], 30))
            places = warp.to_picture(np.stack([x, y], axis=-1).reshape(-1, 2))
            assert ((places > -1) & (places < (2201, 1701))).all(axis=1).mean() > least


def test_a_view_is_a_scaled_cut_of_the_picture() -> None:
    camera = photo_camera(PAPER_MM, (2200, 1700), np.random.default_rng(0), 0.7)
    points = np.array([[50.0, 60.0], [200.0, 100.0]])
    whole = PageWarp(camera, [], PAPER_MM, (2200, 1700)).to_picture(points)
    cut = PageWarp(view(camera, 300, 200, 250, 500), [], PAPER_MM, (500, 500)).to_picture(points)
    np.testing.assert_allclose(cut, (whole - (300, 200)) * 2, atol=1e-6)


def test_the_coarse_map_tells_where_a_lattice_of_the_paper_lies() -> None:
    warp = warp_of(["wrinkles"], 2, 0.9)
    told = warp.coarse_map()
    row, column = 3, 5
    point = np.array([[told["x_mm"][column], told["y_mm"][row]]])
    np.testing.assert_allclose(told["picture_px"][row][column], warp.to_picture(point)[0], atol=0.15)
    assert (told["x_mm"][-1], told["y_mm"][-1]) == PAPER_MM


@pytest.mark.parametrize("name", NAMES)
def test_the_same_dice_bend_the_same_and_strength_bends_more(name: str) -> None:
    points = np.random.default_rng(0).uniform(0, 1, (200, 2)) * PAPER_MM
    plain = points
    moved = [deformation_named(name)(np.random.default_rng(4), s, PAPER_MM).move(points) for s in (0.1, 1.0, 1.0)]
    np.testing.assert_array_equal(moved[1], moved[2])
    bend = [np.hypot(*(one - one.mean(axis=0) - plain + plain.mean(axis=0)).T).mean() for one in moved[:2]]
    assert bend[1] > 2 * bend[0] > 0


def test_an_unknown_deformation_is_named_with_those_there_are() -> None:
    with pytest.raises(UnknownDeformationError, match="'melt'; there are crumple, curl, folds, wrinkles"):
        deformation_named("melt")
