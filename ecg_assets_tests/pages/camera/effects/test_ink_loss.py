"""Faded and broken ink."""

import numpy as np
import pytest

from ecg_assets_tests.pages.camera.effects.helpers import page, run


def test_faded_ink_is_pale_but_never_gone() -> None:
    left = np.array([run("fading", page(), 1.0, seed) for seed in range(20)])
    assert left.min() >= 0.1
    assert 0.2 < left.mean() < 0.45


def test_fading_changes_slowly() -> None:
    left = run("fading", page(512, 512), 1.0)
    assert np.abs(np.diff(left, axis=1)).max() < 0.03


@pytest.mark.parametrize(("strength", "low", "high"), [(0.2, 0.0, 0.2), (1.0, 0.15, 0.8)])
def test_broken_ink_lacks_more_the_stronger(strength: float, low: float, high: float) -> None:
    missing = np.mean([(run("broken_ink", page(), strength, seed) < 0.5).mean() for seed in range(30)])
    assert low <= missing < high


def test_broken_ink_has_sharp_gaps() -> None:
    steps = [np.abs(np.diff(run("broken_ink", page(), 1.0, seed), axis=0)).max() for seed in range(10)]
    assert np.median(steps) > 0.2
