"""Old paper, and print from its other side."""

import numpy as np

from ecg_assets_tests.pages.camera.effects.helpers import INK, blank, run


def test_aged_paper_loses_most_blue() -> None:
    means = np.mean([run("paper_ageing", blank(), 0.8, seed).mean(axis=(0, 1)) for seed in range(10)], axis=0)
    assert means[0] > means[1] > means[2]
    assert means[2] < 190


def test_what_bleeds_through_is_mirrored_and_paler_than_the_page() -> None:
    drawn = blank()
    drawn[60:200, 30:40] = INK
    seen = run("bleed_through", drawn, 0.8)[..., 0]
    new = (seen < 235) & (drawn[..., 0] == 255)
    assert 0.6 * 140 * 10 < new.sum() < 2.2 * 140 * 10
    assert seen[new].min() > 90


def test_blank_paper_has_nothing_to_bleed_through() -> None:
    assert run("bleed_through", blank(), 1.0).min() == 255
