"""Maps and cameras at their edges: the paper's border, odd sizes, no paper at all, and the same bytes again."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ecg_assets.pages.camera.warps.camera import photo_camera, scan_camera, view
from ecg_assets.pages.camera.warps.registry import Deformation, Points, deformation_named, deformations
from ecg_assets.pages.camera.warps.warp import PageWarp

PAPER_MM = (279.4, 215.9)
SIZE_PX = (1100, 850)
NAMES = sorted(deformations())
SEEDS = st.integers(0, 2**32 - 1)
CORNERS_MM = np.array([[0.0, 0.0], [1.0, 0.0], [1.0, 1.0], [0.0, 1.0]]) * PAPER_MM
FIELDS = ("x_mm_hw", "y_mm_hw", "mm_per_px_x_hw", "mm_per_px_y_hw", "on_paper_hw", "shade_hw")


def drawn(name: str, seed: int, strength: float) -> Deformation:
    return deformation_named(name)(np.random.default_rng(seed), strength, PAPER_MM)


def photo_of(names: list[str], seed: int, strength: float, size_px: tuple[int, int] = SIZE_PX) -> PageWarp:
    camera = photo_camera(PAPER_MM, size_px, np.random.default_rng(seed), strength)
    return PageWarp(camera, [drawn(name, seed, strength) for name in names], PAPER_MM, size_px)


def along_the_edges(inwards_mm: float) -> Points:
    """(160, 2) float64 mm: points beside all four edges of the paper; beyond them when `inwards_mm` is negative."""
    share, (width, height) = np.linspace(0.05, 0.95, 40), PAPER_MM
    rows = [[(x * width, y) for x in share] for y in (inwards_mm, height - inwards_mm)]
    columns = [[(x, y * height) for y in share] for x in (inwards_mm, width - inwards_mm)]
    return np.array(rows + columns).reshape(-1, 2)


@pytest.mark.parametrize("name", NAMES)
def test_a_bent_papers_border_runs_where_its_points_are_mapped(name: str) -> None:
    warp = photo_of([name], 11, 0.8)
    seen = warp.paper_map()
    px_mm = float(np.median(seen.mm_per_px_x_hw))
    for inwards_mm, expected in ((px_mm, True), (-px_mm, False)):
        places = warp.to_picture(along_the_edges(inwards_mm))
        shown = places[((places > 0) & (places < SIZE_PX)).all(axis=1)].astype(np.int64)
        assert len(shown) > 20
        assert (seen.on_paper_hw[shown[:, 1], shown[:, 0]] == expected).mean() > 0.97


@pytest.mark.parametrize("name", NAMES)
def test_mm_per_px_is_how_fast_the_papers_coordinates_change(name: str) -> None:
    seen = photo_of([name], 4, 1.0, (2200, 1700)).paper_map()
    inner = seen.on_paper_hw[16:-16, 16:-16]
    for plane, steep in ((seen.x_mm_hw, seen.mm_per_px_x_hw), (seen.y_mm_hw, seen.mm_per_px_y_hw)):
        across, down = plane[16:-16, 32:] - plane[16:-16, :-32], plane[32:, 16:-16] - plane[:-32, 16:-16]
        apart = np.abs(np.hypot(across, down) / 32 / steep[16:-16, 16:-16] - 1.0)[inner]
        assert np.quantile(apart, 0.99) < 0.02
        assert apart.max() < 0.1


@pytest.mark.parametrize("names", [*([name] for name in NAMES), NAMES])
def test_the_same_seed_gives_the_same_map_to_the_byte(names: list[str]) -> None:
    one, other = (photo_of(names, 5, 0.9).paper_map() for _ in range(2))
    for field in FIELDS:
        assert getattr(one, field).tobytes() == getattr(other, field).tobytes()


@pytest.mark.parametrize("size_px", [(1, 1), (5, 3), (16, 16), (513, 511)])
def test_pictures_of_any_size_have_maps_of_that_size(size_px: tuple[int, int]) -> None:
    seen = photo_of(["curl", "folds"], 1, 1.0, size_px).paper_map()
    for field in FIELDS:
        plane = getattr(seen, field)
        assert plane.shape == size_px[::-1]
        assert plane.dtype == (np.bool_ if field == "on_paper_hw" else np.float32)
        assert np.isfinite(plane).all()


def test_a_picture_beside_the_paper_has_none_and_finite_maps() -> None:
    camera = photo_camera(PAPER_MM, SIZE_PX, np.random.default_rng(3), 1.0)
    bends = [drawn(name, 3, 1.0) for name in NAMES]
    seen = PageWarp(view(camera, -9000.0, 4000.0, 512, 512), bends, PAPER_MM, (512, 512)).paper_map()
    assert not seen.on_paper_hw.any()
    assert all(np.isfinite(getattr(seen, field)).all() for field in FIELDS)


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=15, deadline=None)
@given(seed=SEEDS, strength=st.floats(0.0, 1.0))
def test_light_is_a_moderate_factor_and_the_points_given_stay_as_they_are(
    name: str, seed: int, strength: float
) -> None:
    shape = drawn(name, seed, strength)
    points = along_the_edges(5.0)
    shape.move(points)
    np.testing.assert_array_equal(points, along_the_edges(5.0))
    if shape.shade is not None:
        x_mm, y_mm = np.meshgrid(*(np.arange(0.0, side, 2.0, dtype=np.float32) for side in PAPER_MM))
        light = shape.shade(x_mm, y_mm)
        assert light.dtype == np.float32
        assert light.shape == x_mm.shape
        assert 0.2 < light.min() <= light.max() < 1.6
        assert light.tobytes() == shape.shade(x_mm, y_mm).tobytes()


@settings(max_examples=50, deadline=None)
@given(seed=SEEDS, strength=st.floats(0.0, 1.0))
def test_all_of_the_paper_is_in_front_of_the_camera_and_never_mirrored(seed: int, strength: float) -> None:
    for maker in (scan_camera, photo_camera):
        camera = maker(PAPER_MM, SIZE_PX, np.random.default_rng(seed), strength)
        assert (CORNERS_MM @ camera[2, :2] + camera[2, 2]).min() > 0.1
        x, y = PageWarp(camera, [], PAPER_MM, SIZE_PX).to_picture(CORNERS_MM).T
        assert np.sum(x * np.roll(y, -1) - y * np.roll(x, -1)) > 0


def test_a_strong_photo_may_leave_a_part_of_the_page_out_of_the_frame_and_often_shows_the_table() -> None:
    corners_out = table_seen = 0
    for seed in range(60):
        warp = photo_of([], seed, 1.0)
        places = warp.to_picture(CORNERS_MM)
        corners_out += bool(((places < 0) | (places > SIZE_PX)).any())
        table_seen += not warp.paper_map().on_paper_hw.all()
    assert 15 < corners_out < 60
    assert table_seen > 30


def test_a_scan_and_a_photo_of_strength_0_are_upright_and_centred() -> None:
    for maker in (scan_camera, photo_camera):
        camera = maker(PAPER_MM, SIZE_PX, np.random.default_rng(1), 0.0)
        corners = PageWarp(camera, [], PAPER_MM, SIZE_PX).to_picture(CORNERS_MM)
        np.testing.assert_allclose(corners.mean(axis=0), np.array(SIZE_PX) / 2, atol=1e-3)
        np.testing.assert_allclose(corners[0] - corners[1], [corners[3, 0] - corners[2, 0], 0.0], atol=1e-3)
        assert corners[1, 0] - corners[0, 0] > 0.8 * SIZE_PX[0]


def test_crumpled_paper_has_even_facets_with_sharp_creases_between() -> None:
    shape = drawn("crumple", 3, 1.0)
    assert shape.shade is not None
    x_mm, y_mm = np.meshgrid(*(np.arange(0.5, side, 1.0, dtype=np.float32) for side in PAPER_MM))
    steps = np.abs(np.diff(shape.shade(x_mm, y_mm), axis=1))
    # From one millimetre to the next the light hardly changes within a facet, and much at a crease.
    assert np.median(steps) < 0.004
    assert np.quantile(steps, 0.98) > 10 * np.median(steps)
    assert 0.02 < (steps > 0.02).mean() < 0.4
