"""A page that was taken for upright and is not."""

import numpy as np
import pytest

from ecg_assets.digitize.benchmark.rendered_pages import records_of_split
from ecg_assets.digitize.digitizer import Digitizer
from ecg_assets.digitize.rectification.canvas import dense_canvas
from ecg_assets.digitize.rectification.flat_page import turned_around
from ecg_assets.scans.segment import Segmenter
from ecg_assets_tests.digitize.known_pages import SCALE, known_flat_page

RECORD = records_of_split("validation", 1)[0]


def nobody_asked(tiles: np.ndarray) -> np.ndarray:
    raise AssertionError("the page is flat already")


@pytest.mark.parametrize("style", ["kaggle", pytest.param("twelve-rows", marks=pytest.mark.soak)])
def test_a_page_whose_leads_contradict_each_other_is_read_upside_down(style: str) -> None:
    flat, _ = known_flat_page(RECORD, style)
    reader = Digitizer(Segmenter(nobody_asked, 5))
    upright = reader.digitize_flat(flat, RECORD.fs_hz)
    around = reader.digitize_flat(turned_around(flat), RECORD.fs_hz)
    assert around.flat.page.quarter_turns == upright.flat.page.quarter_turns == 0
    assert around.arrangement.name == upright.arrangement.name
    np.testing.assert_allclose(around.signal_mv, upright.signal_mv, atol=0.02)


def test_turned_twice_a_page_is_as_it_was_and_its_crossings_stay_on_the_picture() -> None:
    flat, _ = known_flat_page(RECORD, "kaggle")
    once = turned_around(flat)
    assert once.page.quarter_turns == 2
    laid = dense_canvas(once.surface.x_px, once.surface.y_px, SCALE)
    np.testing.assert_allclose(laid.x_px_hw, once.canvas.x_px_hw, atol=0.01)
    np.testing.assert_allclose(laid.y_px_hw, once.canvas.y_px_hw, atol=0.01)
    twice = turned_around(once)
    np.testing.assert_allclose(twice.surface.x_px, flat.surface.x_px)
    np.testing.assert_allclose(twice.surface.y_px, flat.surface.y_px)
    np.testing.assert_array_equal(twice.wave_hw, flat.wave_hw)
