"""From a flat page to millivolts, with the true trace in place of a network: the decoder is not the limit."""

from dataclasses import replace

import numpy as np
import pytest

from ecg_assets.digitize.benchmark.rendered_pages import STYLES, records_of_split
from ecg_assets.digitize.digitizer import Digitizer
from ecg_assets.digitize.rectification.canvas import CANVAS_PX_PER_MM_X, CANVAS_PX_PER_MM_Y
from ecg_assets.digitize.refusal import NotAnEcgError
from ecg_assets.digitize.scoring.snr import Power, lead_powers, total
from ecg_assets.digitize.tracing.baselines import find_rows
from ecg_assets.digitize.tracing.ink_runs import find_runs
from ecg_assets.pages.style.layouts import UnknownLayoutError
from ecg_assets.records.record import LEADS
from ecg_assets.scans.segment import Segmenter
from ecg_assets_tests.conftest import AdviceGiven
from ecg_assets_tests.digitize.known_pages import known_flat_page

RECORDS = records_of_split("validation", 2)


def nobody_asked(tiles: np.ndarray) -> np.ndarray:
    raise AssertionError("the page is flat already")


DIGITIZER = Digitizer(Segmenter(nobody_asked, 5))


@pytest.mark.parametrize("style", STYLES)
def test_from_the_true_trace_the_signal_comes_back(style: str) -> None:
    pages: list[Power] = []
    for record in RECORDS:
        flat, truth_mv = known_flat_page(record, style)
        found = DIGITIZER.digitize_flat(flat, record.fs_hz)
        assert (np.isfinite(found.signal_mv) == np.isfinite(truth_mv)).mean() > 0.995
        pages.append(total(lead_powers(truth_mv, found.signal_mv, record.fs_hz).values()))
    uncapped = np.mean([page.signal / page.noise for page in pages])
    assert 10 * np.log10(uncapped) >= 30
    assert min(page.db for page in pages) >= 26  # peaks of V5 and V6 run into each other on one of the pages


def test_the_facts_are_those_of_the_page() -> None:
    flat, _ = known_flat_page(RECORDS[0], "kaggle")
    info = DIGITIZER.digitize_flat(flat).info()
    assert info["layout"] == "3x4+1"
    assert (info["paper_speed_mm_per_s"], info["gain_mm_per_mv"], info["assumed"]) == (25.0, 10.0, [])
    assert info["px_per_mm"] == {"x": 16.0, "y": 8.0}
    assert set(info["lead_confidence"]) == set(LEADS)
    assert all(value > 0.5 for value in info["lead_confidence"].values())


@pytest.mark.parametrize(("style", "speed", "gain"), [("slow-paper", 12.5, 10.0), ("fast-paper", 50.0, 10.0)])
def test_speed_and_gain_are_read_from_the_pulse(style: str, speed: float, gain: float) -> None:
    flat, _ = known_flat_page(RECORDS[0], style)
    found = DIGITIZER.digitize_flat(flat)
    assert (found.scale.paper_speed_mm_per_s, found.scale.gain_mm_per_mv) == (speed, gain)


def test_each_trace_is_found_to_half_a_pixel() -> None:
    record = RECORDS[0]
    flat, truth_mv = known_flat_page(record, "kaggle")
    found = DIGITIZER.digitize_flat(flat, record.fs_hz)
    known = np.isfinite(truth_mv) & np.isfinite(found.signal_mv)
    for row, (truth, read) in enumerate(zip(truth_mv, found.signal_mv, strict=True)):
        away = (read - truth)[known[row]]
        away_px = (away - np.median(away)) * 10 * CANVAS_PX_PER_MM_Y
        assert np.sqrt((away_px**2).mean()) < 2.0  # flanks are 40 px a column
        assert np.median(np.abs(away_px)) <= 0.5


def test_a_layout_that_was_asked_for_is_taken_and_one_that_does_not_fit_is_refused() -> None:
    flat, _ = known_flat_page(RECORDS[0], "kaggle")
    assert DIGITIZER.digitize_flat(flat, layout="cabrera-3x4+1").arrangement.name == "cabrera-3x4+1"
    with pytest.raises(NotAnEcgError, match="found 4 rows of traces, but 12x1 has another number"):
        DIGITIZER.digitize_flat(flat, layout="12x1")
    with pytest.raises(UnknownLayoutError):
        DIGITIZER.digitize_flat(flat, layout="5x5")


@pytest.mark.advice("digitize/digitizer.py", "If you know the layout, name it: --layout, or `layout` in the config of ")
def test_a_layout_that_would_be_guessed_is_refused_unless_it_is_named(advice: AdviceGiven) -> None:
    flat, _ = known_flat_page(RECORDS[0], "kaggle")
    rows_y = find_rows(find_runs(flat.wave_hw), len(flat.wave_hw))
    flat.wave_hw[: int(rows_y[:2].mean())] = 0
    with pytest.raises(NotAnEcgError, match="found 3 rows of traces, but their leads fit none") as caught:
        DIGITIZER.digitize_flat(flat)
    advice.in_message(caught.value)
    assert DIGITIZER.digitize_flat(flat, layout="3x4+0").arrangement.name == "3x4+0"


def test_paper_without_a_trace_is_refused() -> None:
    flat, _ = known_flat_page(RECORDS[0], "kaggle")
    flat.wave_hw[:] = 0
    with pytest.raises(NotAnEcgError, match="no trace"):
        DIGITIZER.digitize_flat(flat)


def test_where_pulses_and_the_first_leads_begin_is_lost_bars_tell_when_time_begins() -> None:
    flat, _ = known_flat_page(RECORDS[0], "kaggle")
    begin_mm = DIGITIZER.digitize_flat(flat, RECORDS[0].fs_hz).extent.first_mm
    lost = slice(0, round((begin_mm + 40) * CANVAS_PX_PER_MM_X))
    image, wave = flat.image_hwc.copy(), flat.wave_hw.copy()
    image[:, lost], wave[:, lost] = 255, 0
    found = DIGITIZER.digitize_flat(replace(flat, image_hwc=image, wave_hw=wave), RECORDS[0].fs_hz)
    assert found.pulses is None
    assert found.extent.first_mm == pytest.approx(begin_mm, abs=0.01)
