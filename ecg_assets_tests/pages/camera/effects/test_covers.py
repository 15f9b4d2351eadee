"""What lies on a page, is drawn on it or printed over it: what hides is told, and only that."""

import numpy as np
import pytest

from ecg_assets.pages.camera.effects.clips import clip
from ecg_assets.pages.camera.effects.objects import finger, label, sheet, tape
from ecg_assets.pages.classes import HALF_COVERED_255
from ecg_assets_tests.pages.camera.effects.helpers import blank, page, run

SEEDS = range(40)


@pytest.mark.parametrize("name", ["occlusion", "pen_marks", "stray_text"])
def test_more_is_hidden_the_stronger(name: str) -> None:
    weak, strong = (np.mean([run(name, page(), s, seed)[1].mean() for seed in SEEDS]) for s in (0.0, 1.0))
    assert weak < 0.03
    assert strong > 3 * weak


def test_things_hide_a_good_part_at_full_strength_and_rarely_all() -> None:
    hidden = [run("occlusion", page(512, 512), 1.0, seed)[1].mean() for seed in SEEDS]
    assert 0.1 < np.mean(hidden) < 0.6
    assert np.quantile(hidden, 0.9) < 0.85


@pytest.mark.parametrize("name", ["occlusion", "pen_marks", "stray_text"])
def test_what_is_hidden_no_longer_depends_much_on_the_page(name: str) -> None:
    for seed in range(12):
        on_white, hidden = run(name, blank(255), 0.9, seed)
        on_black, again = run(name, blank(0), 0.9, seed)
        np.testing.assert_array_equal(hidden, again)
        difference = on_white.astype(int) - on_black
        assert (difference[hidden] <= 128).all()


def test_clear_tape_and_highlighters_hide_nothing() -> None:
    tapes = [tape(np.random.default_rng(seed), 1.0).opacity_hw.max() for seed in SEEDS]
    assert min(tapes) < HALF_COVERED_255 < max(tapes)
    seen = [run("pen_marks", blank(), 0.3, seed) for seed in range(60)]
    # A broad light stroke of which nothing is told as hidden.
    assert any((picture != 255).any(axis=-1).sum() > 300 and not hidden.any() for picture, hidden in seen)


@pytest.mark.parametrize("draw", [label, tape, clip])
@pytest.mark.parametrize("scale", [0.1, 1.0])
def test_things_of_any_size_have_a_colour_for_each_opacity(draw: object, scale: float) -> None:
    assert callable(draw)
    for seed in range(10):
        thing = draw(np.random.default_rng(seed), scale)
        assert thing.colour_hwc.shape == (*thing.opacity_hw.shape, 3)
        assert thing.opacity_hw.max() > 0


def test_a_finger_is_round_at_its_tip_and_a_sheet_is_not() -> None:
    one = finger(np.random.default_rng(0), 1.0, 300)
    width = one.opacity_hw.shape[1]
    assert one.opacity_hw[2, 2] == 0 and one.opacity_hw[width, width // 2] == 255
    assert sheet(np.random.default_rng(0), 60, 40).opacity_hw.min() == 255


def test_a_finger_is_darker_at_its_sides() -> None:
    one = finger(np.random.default_rng(0), 1.0, 300)
    across = one.colour_hwc[200].astype(float).mean(axis=-1)
    assert across[: len(across) // 10].mean() < 0.8 * across.max()
