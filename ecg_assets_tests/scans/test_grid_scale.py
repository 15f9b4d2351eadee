"""The grid's period tells the scale: of lines that lean, of doubled ones, of none."""

import cv2
import numpy as np
import numpy.typing as npt
import pytest

from ecg_assets.scans.grid_scale import find_scale

Field = npt.NDArray[np.float32]


def lines(period_px: float, lean_degrees: float = 0.0, noise: float = 0.0, side: int = 512) -> Field:
    """Probabilities of lines that run up and down, `period_px` apart across them."""
    y, x = np.mgrid[0:side, 0:side]
    angle = np.deg2rad(lean_degrees)
    across = x * np.cos(angle) + y * np.sin(angle)
    away = np.abs((across + period_px / 2) % period_px - period_px / 2)
    seen = (away < 1.5) + noise * np.random.default_rng(0).random((side, side))
    probabilities: Field = np.clip(seen, 0, 1).astype(np.float32)
    return probabilities


@pytest.mark.parametrize("period_px", [15.0, 39.37, 62.5, 100.0])
@pytest.mark.parametrize("lean_degrees", [0, 4, -9])
def test_the_period_is_found_whatever_the_lean(period_px: float, lean_degrees: float) -> None:
    tile = lines(period_px, lean_degrees, noise=0.2)
    found = find_scale([tile], [tile.T])
    assert found is not None
    expected = period_px / np.cos(np.deg2rad(lean_degrees)) / 5
    assert found.px_per_mm_x == pytest.approx(expected, rel=0.02)
    assert found.px_per_mm_y == pytest.approx(expected, rel=0.02)


def test_both_directions_have_their_own_scale() -> None:
    found = find_scale([lines(40.0)], [lines(46.0).T])
    assert found is not None
    assert (found.px_per_mm_x, found.px_per_mm_y) == pytest.approx((8.0, 9.2), rel=0.02)


def test_missing_lines_do_not_double_the_period() -> None:
    tile = lines(40.0)
    tile[:, 110:130] = 0  # one of the lines is hidden
    found = find_scale([tile], [tile.T])
    assert found is not None
    assert found.px_per_mm == pytest.approx(8.0, rel=0.03)


def test_a_direction_in_which_nothing_is_seen_follows_the_other() -> None:
    found = find_scale([lines(40.0)], [np.zeros((512, 512), np.float32)])
    assert found is not None
    assert found.px_per_mm_y == pytest.approx(8.0, rel=0.02)


def test_noise_and_blobs_are_no_grid() -> None:
    noise = np.random.default_rng(1).random((512, 512)).astype(np.float32)
    blobs = (cv2.GaussianBlur(noise, (0, 0), 9) > 0.505).astype(np.float32)
    for tile in (noise, blobs, np.zeros_like(noise)):
        assert find_scale([tile], [tile]) is None
