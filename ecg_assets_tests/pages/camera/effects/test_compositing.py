"""How light, stains and things are laid over a picture."""

import numpy as np
import pytest

from ecg_assets.pages.camera.effects.compositing import Piece, lit, over, plain, through, transmission
from ecg_assets.pages.camera.effects.sprite import Sprite, round_rectangle
from ecg_assets_tests.pages.camera.effects.helpers import blank


def test_light_multiplies_and_saturates() -> None:
    gain = np.full((256, 320), 1.5, dtype=np.float32)
    assert lit(blank(100), gain)[0, 0, 0] == 150
    assert lit(blank(200), gain)[0, 0, 0] == 255


def test_a_coarse_gain_is_stretched_over_the_picture() -> None:
    gain = np.array([[0.0, 1.0], [0.0, 1.0]], dtype=np.float32)
    seen = lit(blank(200), gain)
    assert seen[0, 0, 0] == 0 and seen[0, -1, 0] == 200


def test_a_stain_of_density_one_lets_through_what_is_not_absorbed_and_twice_as_dense_its_square() -> None:
    density = np.array([[0.0, 1.0, 2.0]], dtype=np.float32)
    gain = transmission(density, (0.5, 0.2, 0.0))
    assert gain.dtype == np.uint8
    np.testing.assert_allclose(gain[0] / 255, [(1, 1, 1), (0.5, 0.8, 1), (0.25, 0.64, 1)], atol=0.01)
    np.testing.assert_allclose(through(blank(200)[:1, :3], density, (0.5, 0.2, 0.0))[0, 1], (100, 160, 200), atol=2)


@pytest.mark.parametrize(("opacity", "level"), [(0, 200), (255, 100), (128, 150)])
def test_opacity_mixes_two_colours(opacity: int, level: int) -> None:
    layer = np.full((4, 4), opacity, dtype=np.uint8)
    mixed = over(blank(200, 4, 4), plain((4, 4), (100, 100, 100)), layer)
    assert mixed[0, 0, 0] == pytest.approx(level, abs=1)


@pytest.mark.parametrize(
    ("left", "top", "pixels"), [(-5, -5, 25), (2, 3, 100), (315, 3, 50), (2, 251, 50), (400, 3, 0), (2, -40, 0)]
)
def test_a_piece_is_cut_at_the_pictures_edges(left: int, top: int, pixels: int) -> None:
    picture, hidden = blank(255), np.zeros((256, 320), dtype=np.bool_)
    Piece(left, top, plain((10, 10), (0, 0, 0)), np.full((10, 10), 255, dtype=np.uint8)).put_on(picture, hidden)
    assert hidden.sum() == pixels
    assert (picture == 0).all(axis=-1).sum() == pixels


@pytest.mark.parametrize(("opacity", "hides"), [(127, False), (128, True)])
def test_what_is_half_opaque_hides(opacity: int, hides: bool) -> None:
    hidden = np.zeros((256, 320), dtype=np.bool_)
    piece = Piece(0, 0, plain((10, 10), (0, 0, 0)), np.full((10, 10), opacity, dtype=np.uint8))
    piece.put_on(blank(255), hidden)
    assert hidden[5, 5] == hides


@pytest.mark.parametrize("angle", [0.0, 0.6, np.pi / 2, 3.0])
def test_a_turned_thing_keeps_its_middle_and_its_size(angle: float) -> None:
    sprite = Sprite(plain((30, 60), (0, 0, 0)), np.full((30, 60), 255, dtype=np.uint8))
    hidden = np.zeros((256, 320), dtype=np.bool_)
    sprite.turned(angle, np.array([150.0, 100.0]), (256, 320)).put_on(blank(255), hidden)
    rows, columns = np.nonzero(hidden)
    assert columns.mean() + 0.5 == pytest.approx(150, abs=0.6)
    assert rows.mean() + 0.5 == pytest.approx(100, abs=0.6)
    assert hidden.sum() == pytest.approx(30 * 60, rel=0.04)


def test_a_round_rectangle_has_round_corners() -> None:
    opacity = round_rectangle(40, 20, 6)
    assert opacity.shape == (20, 40)
    assert opacity[10, 20] == 255 and opacity[1, 1] == 0 and opacity[10, 2] == 255
