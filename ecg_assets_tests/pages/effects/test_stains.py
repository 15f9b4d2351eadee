"""Coffee, splashes and mould."""

import numpy as np
import pytest

from ecg_assets_tests.pages.effects.helpers import blank, page, run


@pytest.mark.parametrize("name", ["stains", "mould"])
@pytest.mark.parametrize("seed", range(4))
def test_dirt_only_darkens(name: str, seed: int) -> None:
    assert (run(name, page(), 1.0, seed) <= page()).all()


@pytest.mark.parametrize("name", ["stains", "mould"])
def test_clean_paper_is_left_between(name: str) -> None:
    clean = [(run(name, blank(), 0.4, seed).min(axis=-1) > 245).mean() for seed in range(8)]
    assert 0.3 < np.mean(clean) < 0.99


def test_a_trace_under_a_stain_stays_darker_than_the_stain() -> None:
    for seed in range(6):
        plain, traced = blank(), blank()
        traced[100:103] = 20
        assert (run("stains", traced, 1.0, seed)[101].astype(int) <= run("stains", plain, 1.0, seed)[101]).all()


def test_stains_dry_with_a_dark_rim() -> None:
    """Along a line through a stain the darkest place is near an end of the stain, not in its middle."""
    rims = 0
    for seed in range(30):
        dark = 255 - run("stains", blank(255, 512, 512), 0.6, seed).mean(axis=-1)
        line = dark[int(dark.sum(axis=1).argmax())]
        stained = np.flatnonzero(line > 4)
        if len(stained) > 60:
            inner = slice(stained[0] + 20, stained[-1] - 20)
            rims += line[stained[0] : stained[0] + 20].max() > 1.15 * np.median(line[inner])
    assert rims >= 8


def test_mould_grows_in_clusters() -> None:
    spots = run("mould", blank(255, 512, 512), 0.6, 3).min(axis=-1) < 110
    share = spots.reshape(16, 32, 16, 32).mean(axis=(1, 3))
    assert share.std() > 0.6 * share.mean()
