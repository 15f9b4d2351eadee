"""Tiles cover a page of any size, and their blend is as good as the network's answer on each."""

from itertools import pairwise

import numpy as np
import numpy.typing as npt
import pytest

from ecg_assets.scans.overlay import overlay
from ecg_assets.scans.tiles import OVERLAP_PX, TILE_PX, blend_window, predict_page, tile_starts


@pytest.mark.parametrize("length_px", [1, 511, 512, 513, 960, 961, 1700, 2200])
def test_tiles_cover_each_axis_and_overlap(length_px: int) -> None:
    starts = tile_starts(length_px)
    assert starts[0] == 0
    assert max(starts) + TILE_PX == max(length_px, TILE_PX)
    assert all(later - earlier <= TILE_PX - OVERLAP_PX for earlier, later in pairwise(starts))


def brightness_as_score(tiles: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
    """A network of two classes that reads the first channel's brightness."""
    bright = tiles[..., 0].astype(np.float32) / 255
    return np.stack([1 - bright, bright], axis=1)


@pytest.mark.parametrize("size", [(64, 80), (512, 512), (600, 1300), (1700, 2200)])
def test_a_pixelwise_answer_survives_tiling_exactly(size: tuple[int, int]) -> None:
    image = np.random.default_rng(0).integers(0, 256, (*size, 3), np.uint8)
    scores = predict_page(image, brightness_as_score, classes=2)
    assert scores.shape == (2, *size)
    np.testing.assert_allclose(scores[1], image[..., 0] / 255, atol=1e-5)
    np.testing.assert_allclose(scores.sum(0), 1, atol=1e-5)


def test_the_rim_of_a_tile_counts_less_than_the_middle_of_its_neighbour() -> None:
    window = blend_window()
    assert window[256, 256] == 1
    assert window[0, 256] < 0.01
    assert (window > 0).all()


def test_the_overlay_shows_each_class_in_its_colour_and_leaves_the_background() -> None:
    image = np.full((1, 5, 3), 255, np.uint8)
    drawn = overlay(image, np.arange(5, dtype=np.uint8)[None], classes=5)[0].astype(int)
    background, horizontal, vertical, crossing, wave = drawn
    assert background.tolist() == [255, 255, 255]
    assert horizontal[0] > max(horizontal[1:]) + 80
    assert vertical[2] > max(vertical[:2]) + 50
    assert min(crossing[:2]) > crossing[2] + 80
    assert wave[1] > max(wave[0], wave[2]) + 20
    with pytest.raises(ValueError, match="expected 3"):
        overlay(image, np.zeros((1, 5), np.uint8), classes=4)
