"""Coffee, splashes and mould."""

import numpy as np
import pytest

from ecg_assets.pages.camera.effects.stains import _dry
from ecg_assets_tests.pages.camera.effects.helpers import blank, page, run


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


def test_a_puddle_dries_with_a_rim_that_is_sharp_outside_and_fades_inwards() -> None:
    density = np.zeros((101, 101), dtype=np.float32)
    round_outline, even_rim = (np.full(256, value, dtype=np.float32) for value in (30.0, 1.0))
    _dry(density, np.array([50.0, 50.0]), round_outline, even_rim, inside=0.2, rim_px=2.0)
    outwards = density[50, 50:]
    assert outwards[0] == pytest.approx(0.2, abs=0.01)
    assert outwards[29] > 0.9
    assert (outwards[32:] == 0).all()
    assert (np.diff(outwards[:29]) >= 0).all()


def test_mould_grows_in_clusters() -> None:
    spots = run("mould", blank(255, 512, 512), 0.6, 3).min(axis=-1) < 110
    share = spots.reshape(16, 32, 16, 32).mean(axis=(1, 3))
    assert share.std() > 0.6 * share.mean()
