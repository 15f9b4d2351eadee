"""Finding the grid of the user's paper, and refusing what has none; pictures that are not ECGs."""

from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import pytest

from ecg_assets.pages.camera.negatives import NEGATIVES
from ecg_assets.pages.paper.drawn_paper import line_places_px, paper_of
from ecg_assets.pages.paper.scanned_paper import NoGridError, UserMaskError, find_grid, read_user_mask
from ecg_assets.pages.raster.png import encode
from ecg_assets.pages.style.style_mix import read_styles
from ecg_assets_tests.real import real_data

STYLES = read_styles().styles
Image = npt.NDArray[np.uint8]


@pytest.mark.parametrize("name", sorted(name for name, style in STYLES.items() if style.grid != "none"))
def test_the_lines_of_every_printed_paper_are_found_within_half_a_pixel(name: str) -> None:
    style = STYLES[name]
    paper = paper_of(style)
    grid = find_grid(paper.colours[paper.index_hw])
    assert grid.px_per_mm == pytest.approx(style.px_per_mm, rel=1e-3)
    for found, truth in zip(
        (grid.rows_px, grid.columns_px),
        line_places_px(style.grid_lines, style.px_per_mm, 5.0, style.shape_px),
        strict=True,
    ):
        inside = truth[(truth > 4) & (truth < truth.max() - 4)]
        assert np.abs(inside[:, None] - found).min(axis=1).max() < 0.6


@pytest.mark.parametrize("noise", [0.0, 12.0])
def test_scanner_noise_and_uneven_light_do_not_hide_the_lines(noise: float) -> None:
    paper = paper_of(STYLES["pink-3x4"])
    rng = np.random.default_rng(0)
    light = np.linspace(0.75, 1.0, paper.index_hw.shape[1])[None, :, None]
    image = paper.colours[paper.index_hw] * light + rng.normal(0, noise, (*paper.index_hw.shape, 1))
    grid = find_grid(np.clip(image, 0, 255).astype(np.uint8))
    assert grid.px_per_mm == pytest.approx(200 / 25.4, rel=1e-3)


def turned(image: Image, degrees: float) -> Image:
    height, width = image.shape[:2]
    matrix = cv2.getRotationMatrix2D((width / 2, height / 2), degrees, 1.0)
    rotated: Image = cv2.warpAffine(image, matrix, (width, height), borderValue=(255, 255, 255))
    return rotated


def without_a_grid() -> dict[str, Image]:
    rng = np.random.default_rng(0)
    white = np.full((900, 1200, 3), 255, dtype=np.uint8)
    stripes, millimetres = white.copy(), white.copy()
    stripes[::40] = 0
    millimetres[::8] = 90
    millimetres[:, ::8] = 90
    board = np.repeat(((np.indices((900, 1200)) // 40).sum(axis=0) % 2 * 255)[..., None], 3, axis=2).astype(np.uint8)
    paper = paper_of(STYLES["pink-3x4"])
    return {
        "blank": white,
        "noise": rng.integers(0, 255, (900, 1200, 3), dtype=np.uint8),
        "stripes": stripes,
        "1-mm lines only": millimetres,
        "checkerboard": board,
        "text": NEGATIVES["text_page"](900, rng),
        "a turned paper": turned(paper.colours[paper.index_hw], 1.0),
        "a slightly turned paper": turned(paper.colours[paper.index_hw], 0.13),
        "small": paper.colours[paper.index_hw][:60, :60],
    }


@pytest.mark.parametrize("name", sorted(without_a_grid()))
def test_a_picture_without_a_straight_grid_is_refused(name: str) -> None:
    with pytest.raises(NoGridError, match=r"5-mm|turned"):
        find_grid(without_a_grid()[name])


def test_the_users_mask_is_used_as_it_is_and_values_that_are_no_class_are_named(tmp_path: Path) -> None:
    mask = np.random.default_rng(0).integers(0, 4, (30, 40), dtype=np.uint8)
    (tmp_path / "mask.png").write_bytes(encode(mask))
    np.testing.assert_array_equal(read_user_mask(tmp_path / "mask.png", (30, 40)), mask)
    (tmp_path / "bright.png").write_bytes(encode(mask * np.uint8(80)))
    with pytest.raises(UserMaskError, match=r"bright\.png has the values \[80, 160, 240\]; expected 0 paper"):
        read_user_mask(tmp_path / "bright.png", (30, 40))


@pytest.mark.real
def test_pages_of_another_generator_have_the_grid_that_they_are_printed_with() -> None:
    for path in sorted((real_data() / "peer_renders").glob("*-0.png")):
        picture = cv2.imread(str(path))
        assert picture is not None
        assert find_grid(picture[..., ::-1]).px_per_mm == pytest.approx(200 / 25.4, rel=2e-3)


@pytest.mark.parametrize("kind", sorted(NEGATIVES))
def test_what_is_no_ecg_is_a_picture_of_its_own_each_time_and_the_same_again(kind: str) -> None:
    pictures = [NEGATIVES[kind](256, np.random.default_rng(seed)) for seed in (1, 1, 2)]
    assert pictures[0].shape == (256, 256, 3)
    assert pictures[0].dtype == np.uint8
    np.testing.assert_array_equal(pictures[0], pictures[1])
    assert (pictures[0] != pictures[2]).mean() > 0.05
    assert pictures[0].std() > 2
