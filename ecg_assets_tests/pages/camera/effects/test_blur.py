"""Defocus and shaking hands."""

import numpy as np
import pytest

from ecg_assets_tests.pages.camera.effects.helpers import Image, blank, run


def _point() -> Image:
    drawn = blank(0, 129, 129)
    drawn[64, 64] = 255
    return drawn


@pytest.mark.parametrize("name", ["defocus", "motion_blur"])
@pytest.mark.parametrize("strength", [0.0, 0.2, 0.6, 1.0])
def test_light_is_spread_and_not_lost(name: str, strength: float) -> None:
    stripes = blank(0)
    stripes[:, ::2] = 200
    # The edge is repeated, so what is lost or won there does not count.
    assert run(name, stripes, strength)[40:-40, 40:-40].mean() == pytest.approx(100, abs=2)


def test_defocus_spreads_a_point_evenly_and_further_the_stronger() -> None:
    reaches = []
    for strength in (0.1, 0.5, 1.0):
        dot = blank(0, 129, 129)
        dot[60:69, 60:69] = 255
        rows, columns = np.nonzero(run("defocus", dot, strength)[..., 0])
        assert np.ptp(rows) == pytest.approx(np.ptp(columns), abs=1)
        reaches.append(np.ptp(rows))
    assert reaches[0] < reaches[1] < reaches[2]
    assert reaches[2] <= 9 + 14


@pytest.mark.parametrize("seed", range(8))
def test_a_shaken_point_is_one_streak_without_gaps(seed: int) -> None:
    streak = run("motion_blur", _point(), 1.0, seed)[..., 0]
    rows, columns = np.nonzero(streak)
    assert 18 <= np.hypot(np.ptp(rows), np.ptp(columns)) <= 30
    along = rows if np.ptp(rows) > np.ptp(columns) else columns
    assert len(np.unique(along)) == np.ptp(along) + 1
    # A streak, no blot.
    assert len(rows) <= 3 * np.ptp(along)
