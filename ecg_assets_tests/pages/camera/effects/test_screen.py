"""Photographs of screens."""

import numpy as np
import pytest

from ecg_assets_tests.pages.camera.effects.helpers import blank, run


def _strongest_period(channel: np.typing.NDArray[np.uint8]) -> float:
    """Pixels a turn of the strongest wave of a square picture."""
    spectrum = np.abs(np.fft.rfft2(channel - channel.mean()))
    row, column = np.unravel_index(int(spectrum.argmax()), spectrum.shape)
    size = channel.shape[0]
    return float(size / np.hypot(min(row, size - row), column))


@pytest.mark.parametrize("seed", range(6))
def test_a_screens_pixels_are_a_few_pixels_apart(seed: int) -> None:
    seen = run("screen_pattern", blank(200, 512, 512), 0.8, seed)
    assert 2.0 < _strongest_period(seen[..., 0]) < 7.0


def test_red_green_and_blue_stand_beside_each_other() -> None:
    seen = run("screen_pattern", blank(150, 512, 512), 0.8, 2).astype(float)
    red, blue = (seen[..., channel] - seen[..., channel].mean() for channel in (0, 2))
    assert np.corrcoef(red.ravel(), blue.ravel())[0, 1] < 0.5


@pytest.mark.parametrize("seed", range(6))
def test_moire_is_broader_than_the_screens_pixels(seed: int) -> None:
    seen = run("moire", blank(150, 512, 512), 0.6, seed)
    assert 7.0 < _strongest_period(seen[..., 1]) < 520.0


def test_moire_is_coloured_but_keeps_the_pictures_mean() -> None:
    seen = run("moire", blank(150, 512, 512), 0.5, 1).astype(float)
    assert seen.mean() == pytest.approx(150, abs=6)
    assert np.ptp(seen, axis=-1).max() > 15
