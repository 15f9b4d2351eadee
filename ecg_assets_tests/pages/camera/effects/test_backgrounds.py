"""Table tops."""

import numpy as np

from ecg_assets.pages.camera.effects.backgrounds import background


def test_table_tops_differ_and_fill_the_picture() -> None:
    tops = [background((120, 160), np.random.default_rng(seed)) for seed in range(40)]
    assert all(top.shape == (120, 160, 3) and top.dtype == np.uint8 for top in tops)
    means = [top.mean() for top in tops]
    assert min(means) < 60 and max(means) > 180


def test_same_seed_same_table() -> None:
    first, again = (background((64, 80), np.random.default_rng(4)) for _ in range(2))
    assert first.tobytes() == again.tobytes()


def test_no_table_is_a_plain_colour() -> None:
    for seed in range(20):
        assert background((200, 200), np.random.default_rng(seed)).std(axis=(0, 1)).max() > 1
