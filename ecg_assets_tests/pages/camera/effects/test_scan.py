"""Grey and black-and-white scans, and halftone."""

import numpy as np
import pytest

from ecg_assets_tests.pages.camera.effects.helpers import INK, blank, page, run


@pytest.mark.parametrize("name", ["grey", "threshold"])
@pytest.mark.parametrize("strength", [0.3, 0.6, 1.0])
def test_no_colour_is_left(name: str, strength: float) -> None:
    seen = run(name, page(), strength).astype(int)
    assert np.ptp(seen, axis=-1).max() <= 1


@pytest.mark.parametrize("seed", range(4))
def test_a_threshold_leaves_two_levels_and_a_little_between(seed: int) -> None:
    seen = run("threshold", page(), 0.6, seed)[..., 0]
    assert ((seen < 40) | (seen > 225)).mean() > 0.9


def test_a_moderate_threshold_keeps_the_trace_black_and_the_paper_white() -> None:
    seen = run("threshold", page(), 0.3)[..., 0]
    inked = (page() == INK).all(axis=-1)
    assert (seen[inked] < 60).mean() > 0.95
    assert (seen[(page() == 255).all(axis=-1)] > 200).mean() > 0.95


def test_a_threshold_follows_the_light_over_the_page() -> None:
    shaded = (page() * np.linspace(0.35, 1, page().shape[1])[None, :, None]).astype(np.uint8)
    seen = run("threshold", shaded, 0.3)[..., 0]
    assert (seen[(page() == 255).all(axis=-1)] > 200).mean() > 0.9


def test_halftone_keeps_the_tone_of_grey_with_dots() -> None:
    seen = run("halftone", blank(150), 0.6, 2).astype(float)
    assert seen.mean() == pytest.approx(150 * 0.93, abs=25)
    assert seen[..., 0].std() > 60
