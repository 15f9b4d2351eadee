"""Uneven light and shadows."""

import cv2
import numpy as np
import pytest

from ecg_assets_tests.pages.camera.effects.helpers import blank, run


@pytest.mark.parametrize("seed", range(6))
def test_light_changes_slowly(seed: int) -> None:
    lit = run("uneven_light", blank(180, 512, 512), 0.8, seed).astype(float).mean(axis=-1)
    assert np.ptp(lit) > 40
    assert np.abs(np.diff(lit, axis=1)).max() < 12


@pytest.mark.parametrize("seed", range(6))
def test_a_shadow_darkens_a_part_and_has_soft_edges(seed: int) -> None:
    dark = run("shadow", blank(200, 512, 512), 0.8, seed)[..., 1]
    assert dark.max() <= 200
    assert dark.min() < 130
    assert 0.01 < (dark < 150).mean() < 0.95
    steps = np.abs(cv2.Sobel(dark.astype(np.float32), cv2.CV_32F, 1, 0, ksize=3)) / 8
    assert steps.max() < 30


def test_shadows_are_bluish() -> None:
    dark = run("shadow", blank(200, 512, 512), 1.0, 1)
    darkest = np.unravel_index(int(dark[..., 1].argmin()), dark.shape[:2])
    red, _, blue = dark[darkest].astype(int)
    assert blue > red
