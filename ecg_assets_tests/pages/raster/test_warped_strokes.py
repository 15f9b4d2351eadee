"""Strokes in any direction: right ink, right mask, whole lines, cut at the picture's edge."""

import cv2
import numpy as np
import pytest

from ecg_assets.pages.classes import HALF_COVERED
from ecg_assets.pages.raster.warped_strokes import stroke_polylines
from ecg_assets_tests.pages.supersample import Points, framed, match, supersampled, turned

STROKE_PX = 2.1


def heartbeats(fs_hz: int, noise_mv: float = 0.01) -> Points:
    """Two beats at 25 mm/s, 10 mm/mV and 200 dpi: (n, 2) px."""
    time_s = np.arange(0, 1.4, 1 / fs_hz)
    since_s = time_s % 0.7
    bumps = ((0.15, 0.03, 0.15), (0.28, 0.008, -0.2), (0.3, 0.012, 1.3), (0.325, 0.01, -0.4), (0.5, 0.05, 0.3))
    value_mv = sum(height * np.exp(-(((since_s - at) / width) ** 2)) for at, width, height in bumps)
    value_mv = value_mv + np.random.default_rng(2).normal(0, noise_mv, len(time_s))
    return np.stack([time_s * 196.85, -value_mv * 78.74], axis=1)


@pytest.mark.parametrize("degrees", [0, 4, 23, 45, 71, 90, 135, 180, 261])
@pytest.mark.parametrize("fs_hz", [100, 500, 1025])
def test_a_stroke_at_any_turn_is_that_of_a_round_pen(fs_hz: int, degrees: float) -> None:
    trace, shape = framed(turned(heartbeats(fs_hz), degrees))
    found = match(stroke_polylines([trace], STROKE_PX, shape), supersampled([trace], STROKE_PX, shape))
    assert found.iou >= 0.985, found
    assert 0.99 <= found.ink <= 1.01, found
    assert found.error_255 <= 3, found


@pytest.mark.parametrize("width_px", [0.4, 0.7, 1.3, 3.4, 7.0])
def test_ink_is_right_for_any_width(width_px: float) -> None:
    trace, shape = framed(turned(heartbeats(500), 12))
    found = match(stroke_polylines([trace], width_px, shape), supersampled([trace], width_px, shape))
    assert found.ink == pytest.approx(1, abs=0.03 if width_px < 1 else 0.015)
    assert found.error_255 <= 4


def test_a_stroke_at_least_a_pixel_wide_is_connected() -> None:
    rng = np.random.default_rng(6)
    for turn in range(60):
        trace, shape = framed(turned(heartbeats(250), rng.uniform(0, 360)), 3 + rng.uniform(0, 1))
        mask = stroke_polylines([trace], 1.0, shape) >= HALF_COVERED
        assert cv2.connectedComponents(mask.astype(np.uint8))[0] == 2, turn


def test_a_stroke_that_turns_back_on_itself_counts_its_ink_once() -> None:
    there = np.array([[20.3, 20.2], [80.1, 31.7]])
    once = stroke_polylines([there], 3.0, (60, 100))
    twice = stroke_polylines([np.concatenate([there, there[::-1], there])], 3.0, (60, 100))
    np.testing.assert_allclose(twice, once, atol=0.02)
    assert twice.max() <= 1


def test_each_polyline_has_its_own_width() -> None:
    rows = [np.array([[10.0, y], [90.0, y]]) for y in (15.5, 45.5)]
    both = stroke_polylines(rows, [1.0, 6.0], (60, 100))
    assert both[:30, 50].sum() == pytest.approx(1.0, abs=0.01)
    assert both[30:, 50].sum() == pytest.approx(6.0, abs=0.01)


def test_what_is_cut_by_the_edge_is_drawn_as_if_the_picture_were_larger() -> None:
    trace, (height, width) = framed(turned(heartbeats(500), 30))
    whole = stroke_polylines([trace], STROKE_PX, (height, width))
    cut = stroke_polylines([trace - (40, 50)], STROKE_PX, (height - 90, width - 90))
    np.testing.assert_allclose(cut, whole[50:-40, 40:-50], atol=0.08)
    assert np.abs(cut - whole[50:-40, 40:-50]).mean() < 0.001


def test_what_lies_far_outside_costs_no_memory_and_leaves_no_ink() -> None:
    far = 1e7
    line = stroke_polylines([np.array([[-far, 4.0], [far, 4.0]])], 2.0, (8, 8))
    np.testing.assert_allclose(line.sum(axis=0), 2.0, atol=0.01)
    beside = [np.array([[-far, -far], [far, -far]]), np.array([[50.0, 50.0], [60.0, 60.0]])]
    assert stroke_polylines(beside, 2.0, (8, 8)).sum() == 0


def test_gaps_part_a_polyline_and_a_corner_alone_is_a_dot() -> None:
    gap = np.array([[10.0, 10.0], [30.0, 10.0], [np.nan, np.nan], [60.0, 10.0], [np.nan, 0.0], [80.0, 10.0], [90, 10]])
    page = stroke_polylines([gap, np.zeros((0, 2))], 4.0, (20, 100))
    inked = page[10] >= HALF_COVERED
    assert np.flatnonzero(np.diff(inked.astype(int)) == 1).size == 3
    assert page[:, 50:70].sum() == pytest.approx(np.pi * 4, rel=0.02)
    assert stroke_polylines([], 2.0, (5, 6)).shape == (5, 6)
    assert stroke_polylines([], 2.0, (5, 6)).sum() == 0
