"""Colours, light and JPEG."""

import numpy as np
import pytest

from ecg_assets.pages.camera.effects.colour_cast import _saturated, _turned_hue
from ecg_assets_tests.pages.camera.effects.helpers import blank, change, page, run


def test_a_turn_of_the_hue_and_the_saturation_leave_greys_grey() -> None:
    for matrix in (_turned_hue(0.7), _saturated(0.2), _saturated(1.8)):
        np.testing.assert_allclose(matrix @ np.full(3, 100.0), np.full(3, 100.0), atol=0.5)


def test_no_saturation_is_the_luma() -> None:
    np.testing.assert_allclose(_saturated(0.0) @ np.array([255.0, 0, 0]), np.full(3, 76.2), atol=0.1)


def test_a_full_turn_of_the_hue_changes_nothing() -> None:
    np.testing.assert_allclose(_turned_hue(2 * np.pi), np.eye(3), atol=1e-9)


@pytest.mark.parametrize("seed", range(6))
def test_white_balance_tints_white_and_leaves_black(seed: int) -> None:
    assert np.ptp(run("white_balance", blank(200), 1.0, seed)[0, 0].astype(int)) > 20
    assert run("white_balance", blank(0), 1.0, seed).max() == 0


def test_jpeg_is_worse_the_stronger() -> None:
    changes = [change(page(), run("jpeg", page(), strength)) for strength in (0.0, 0.3, 0.6, 1.0)]
    assert changes == sorted(changes)


def test_jpeg_does_not_exchange_red_and_blue() -> None:
    red = blank(0)
    red[..., 0] = 220
    np.testing.assert_allclose(run("jpeg", red, 0.2)[50, 50], (220, 0, 0), atol=6)
