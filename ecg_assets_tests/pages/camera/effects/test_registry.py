"""What holds for every effect, whoever adds it."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ecg_assets.pages.camera.effects.registry import UnknownEffectError, effect, effects, photometric
from ecg_assets_tests.pages.camera.effects.helpers import Image, change, coloured, page, run

NAMES = sorted(effects())
WANTED = {
    "photometric": "defocus motion_blur sensor_noise stains mould moire screen_pattern grey threshold halftone colour "
    "white_balance jpeg uneven_light shadow paper_ageing bleed_through",
    "ink": "fading broken_ink",
    "cover": "occlusion pen_marks stray_text",
}
SEEDS = range(12)


def untouched(name: str) -> Image:
    """The page, or full opacity for ink."""
    return np.full_like(page(), 255) if effect(name).kind == "ink" else page()


def mean_change(name: str, strength: float) -> float:
    return float(np.mean([change(untouched(name), coloured(name, page(), strength, seed)) for seed in SEEDS]))


def test_every_wanted_effect_is_found_under_its_kind() -> None:
    for kind, names in WANTED.items():
        assert set(names.split()) <= {name for name, one in effects().items() if one.kind == kind}


@pytest.mark.parametrize("name", NAMES)
def test_each_says_in_a_sentence_what_it_is(name: str) -> None:
    assert effect(name).describe.endswith(".")
    assert len(effect(name).describe) > 20


def test_an_unknown_name_is_told_with_the_known_ones() -> None:
    with pytest.raises(UnknownEffectError, match=r"'blurr'.*defocus.*stains"):
        effect("blurr")


def test_two_effects_of_one_name_are_refused() -> None:
    effects()
    with pytest.raises(ValueError, match=r"'defocus'.*effects\.blur"):
        photometric("defocus")(lambda image_hwc, rng, strength: image_hwc)


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=12, deadline=None)
@given(height=st.integers(8, 90), width=st.integers(8, 90), strength=st.floats(0, 1), seed=st.integers(0, 2**32 - 1))
def test_shape_and_type_are_kept_at_any_size_and_strength(
    name: str, height: int, width: int, strength: float, seed: int
) -> None:
    source = page()[:height, :width]
    result = run(name, source, strength, seed)
    if effect(name).kind == "ink":
        assert result.shape == (height, width) and result.dtype == np.float32
        assert result.min() >= 0 and result.max() <= 1
        return
    picture = result[0] if effect(name).kind == "cover" else result
    assert picture.shape == source.shape and picture.dtype == np.uint8
    assert picture.flags.c_contiguous
    if effect(name).kind == "cover":
        assert result[1].shape == (height, width) and result[1].dtype == np.bool_


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("strength", [0.0, 0.5, 1.0])
def test_the_picture_given_is_not_changed_and_not_handed_back(name: str, strength: float) -> None:
    source = page().copy()
    for seed in range(4):
        result = coloured(name, source, strength, seed)
        assert not np.shares_memory(result, source)
        np.testing.assert_array_equal(source, page())


@pytest.mark.parametrize("name", NAMES)
def test_same_seed_same_bytes_and_another_seed_another_picture(name: str) -> None:
    first, again = (coloured(name, page(), 0.7, seed=3) for _ in range(2))
    assert first.tobytes() == again.tobytes()
    assert any(coloured(name, page(), 0.7, seed).tobytes() != first.tobytes() for seed in (4, 5, 6))


@pytest.mark.parametrize("name", NAMES)
def test_strength_0_is_hardly_seen_and_strength_1_far_stronger(name: str) -> None:
    weakest, middle, strongest = (mean_change(name, strength) for strength in (0.0, 0.5, 1.0))
    assert weakest < 5.0
    assert strongest > 2.5 * weakest
    assert strongest > 1.1 * middle
    assert strongest > 2.0


@pytest.mark.parametrize("name", [name for name in NAMES if effect(name).kind == "cover"])
def test_nothing_is_hidden_where_a_cover_left_the_page_as_it_was(name: str) -> None:
    for seed in SEEDS:
        picture, hidden = run(name, page(), 0.8, seed)
        assert (picture[hidden] != page()[hidden]).any(axis=-1).mean() > 0.9 if hidden.any() else True
