"""Calibration pulses on flat pages: found to a fraction of a pixel with their scale; without one there is none."""

import numpy as np
import pytest

from ecg_assets.digitize.calibration.ink_contrast import beside_lines
from ecg_assets.digitize.calibration.pulses import Pulses, find_pulses
from ecg_assets.digitize.rectification.canvas import CANVAS_PX_PER_MM_X, CANVAS_PX_PER_MM_Y

INK = 200.0
ROWS_Y = np.array([400.0, 720.0])
TRACES = (480, 1500)
PEN_MM = 0.3


def page(left_mm: float | None, wide_mm: float = 5.0, tall_mm: float = 10.0) -> np.ndarray:
    """(h, w) float32: darkness of two rows of level trace, and pulses before them."""
    fine = 8
    dark = np.zeros((900, 1700), np.float32)
    pen = round(PEN_MM * CANVAS_PX_PER_MM_Y)
    for line in ROWS_Y.astype(int):
        dark[line - pen // 2 : line - pen // 2 + pen, TRACES[0] : TRACES[1]] = INK
        if left_mm is None:
            continue
        top = line - round(tall_mm * CANVAS_PX_PER_MM_Y)
        across = np.arange(1700 * fine) / fine / CANVAS_PX_PER_MM_X
        for flank_mm in (left_mm, left_mm + wide_mm):
            share = (np.abs(across - flank_mm) <= PEN_MM / 2).reshape(-1, fine).mean(axis=1)
            dark[top:line] = np.maximum(dark[top:line], INK * share.astype(np.float32))
        inside = (across >= left_mm) & (across <= left_mm + wide_mm)
        dark[top : top + pen] = np.maximum(dark[top : top + pen], INK * inside.reshape(-1, fine).mean(axis=1))
    return dark


def found_on(dark: np.ndarray) -> Pulses | None:
    return find_pulses(beside_lines(dark, INK), ROWS_Y, 0, dark.shape[1])


@pytest.mark.parametrize("left_mm", [20.0, 21.3, 22.71, 24.05])
def test_the_flank_is_found_between_pixels(left_mm: float) -> None:
    found = found_on(page(left_mm))
    assert found is not None
    assert (found.paper_speed_mm_per_s, found.gain_mm_per_mv) == (25, 10)
    assert found.left_mm == pytest.approx(left_mm, abs=0.5 / CANVAS_PX_PER_MM_X)
    assert found.right_mm - found.left_mm == 5


@pytest.mark.parametrize(("speed", "gain"), [(25.0, 20.0), (50.0, 10.0), (25.0, 5.0)])
def test_width_and_height_say_speed_and_gain(speed: float, gain: float) -> None:
    found = found_on(page(18.0, 0.2 * speed, gain))
    assert found is not None
    assert (found.paper_speed_mm_per_s, found.gain_mm_per_mv) == (speed, gain)


@pytest.mark.parametrize("darkness", [0.0, INK])
def test_rows_without_a_pulse_have_none(darkness: float) -> None:
    assert found_on(page(None)) is None
    assert found_on(np.full((900, 1700), np.float32(darkness))) is None


def test_rows_at_the_upper_edge_have_none() -> None:
    assert find_pulses(beside_lines(page(20.0), INK), np.array([5.0]), 0, 1700) is None


def gridded(dark: np.ndarray, share: float) -> np.ndarray:
    """With 5-mm lines so dark beside the ink."""
    lines = np.zeros(dark.shape, np.float32)
    for step, axis in ((5 * CANVAS_PX_PER_MM_Y, 0), (5 * CANVAS_PX_PER_MM_X, 1)):
        for place in range(2, dark.shape[axis], step):
            np.moveaxis(lines, axis, 0)[place : place + 3] = INK * share
    return np.asarray(np.maximum(dark, lines))


def test_a_grid_nearly_as_dark_as_the_ink_has_no_pulses_in_its_boxes_and_hides_none() -> None:
    assert found_on(gridded(page(None), 0.8)) is None
    found = found_on(gridded(page(20.1), 0.8))
    assert found is not None
    assert (found.paper_speed_mm_per_s, found.gain_mm_per_mv) == (25, 10)
    assert found.left_mm == pytest.approx(20.1, abs=0.15)  # a line lies on half of it


def test_a_pulse_is_found_wherever_traces_begin_and_not_in_the_middle_of_the_page() -> None:
    found = found_on(page(2.0))
    assert found is not None
    assert found.left_mm == pytest.approx(2.0, abs=0.1)
    assert found_on(np.roll(page(20.0), 350, axis=1)) is None


def test_a_pulse_across_a_line_is_not_one_of_half_its_height() -> None:
    dark = page(20.0)
    for line in ROWS_Y.astype(int):
        half = line - 5 * CANVAS_PX_PER_MM_Y
        dark[half : half + 3, 300:420] = INK  # darker than the roof
        top = line - 10 * CANVAS_PX_PER_MM_Y
        dark[top : top + 3, 330:390] *= 0.6
    found = found_on(dark)
    assert found is not None
    assert found.gain_mm_per_mv == 10
