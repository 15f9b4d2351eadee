"""The noise bank and smooth fields."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ecg_assets.pages.camera.effects.noise import coarse, normal_noise, smooth_field, upscaled


@pytest.mark.parametrize("grain_px", [0.0, 0.7, 1.2])
@pytest.mark.parametrize("shape", [(512, 512), (1700, 2200)])
def test_noise_is_standard_normal_whatever_its_grain(grain_px: float, shape: tuple[int, int]) -> None:
    noise = normal_noise(shape, np.random.default_rng(0), grain_px)
    assert noise.shape == shape and noise.dtype == np.float32
    assert noise.mean() == pytest.approx(0, abs=0.03)
    assert noise.std() == pytest.approx(1, abs=0.03)


def test_grain_correlates_neighbours_and_white_noise_does_not() -> None:
    white, grainy = (normal_noise((512, 512), np.random.default_rng(0), grain) for grain in (0.0, 1.2))
    assert np.corrcoef(white[:, 1:].ravel(), white[:, :-1].ravel())[0, 1] == pytest.approx(0, abs=0.01)
    assert np.corrcoef(grainy[:, 1:].ravel(), grainy[:, :-1].ravel())[0, 1] > 0.7


def test_the_bank_is_laid_without_a_seam() -> None:
    noise = normal_noise((2100, 64), np.random.default_rng(5), 1.2)
    steps = np.abs(np.diff(noise, axis=0)).mean(axis=1)
    assert steps.max() < 1.8 * np.median(steps)


def test_cuts_differ() -> None:
    cuts = [normal_noise((64, 64), np.random.default_rng(seed)).tobytes() for seed in range(30)]
    assert len(set(cuts)) == 30


@settings(max_examples=30, deadline=None)
@given(height=st.integers(2, 300), width=st.integers(2, 300), cell=st.floats(1, 500), seed=st.integers(0, 999))
def test_smooth_fields_have_any_shape_and_stay_finite(height: int, width: int, cell: float, seed: int) -> None:
    field = smooth_field((height, width), cell, np.random.default_rng(seed))
    assert field.shape == (height, width) and field.dtype == np.float32
    assert np.isfinite(field).all() and np.abs(field).max() < 8


def test_smooth_fields_change_over_the_cell_and_not_from_pixel_to_pixel() -> None:
    fields = [smooth_field((400, 400), 40, np.random.default_rng(seed)) for seed in range(20)]
    assert np.std(fields) == pytest.approx(0.85, abs=0.15)
    assert np.abs(np.diff(fields, axis=2)).max() < 0.3
    assert abs(np.mean([field[0, 0] * field[0, 120] for field in fields])) < 0.6


def test_a_coarse_field_covers_the_picture() -> None:
    assert coarse((512, 300), 16) == (32, 19)
    assert coarse((5, 5), 16) == (2, 2)
    assert upscaled(np.ones((2, 2), dtype=np.float32), (7, 9)).shape == (7, 9)
