"""The sensor's noise."""

import pytest

from ecg_assets_tests.pages.camera.effects.helpers import blank, run


@pytest.mark.parametrize(("level", "deviation"), [(60, 27), (128, 33), (180, 37)])
def test_noise_follows_the_light_as_shot_noise_does(level: int, deviation: float) -> None:
    """sqrt(20^2 + 38^2 level / 255) levels at full strength."""
    noisy = run("sensor_noise", blank(level, 512, 512), 1.0).astype(float)
    assert noisy[..., 1].std() == pytest.approx(deviation, rel=0.1)
    assert noisy.mean() == pytest.approx(level, abs=2.5)


def test_noise_is_in_proportion_to_the_strength() -> None:
    weak, strong = (run("sensor_noise", blank(128, 512, 512), strength).std() for strength in (0.25, 0.5))
    assert strong / weak == pytest.approx(0.51 / 0.265, rel=0.05)
