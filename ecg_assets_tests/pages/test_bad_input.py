"""Odd signals give a page and a note, never a crash; whatever they are, the mask keeps its promises."""

import cv2
import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ecg_assets.pages.mix import read_styles
from ecg_assets.pages.render import inked
from ecg_assets.pages.sheet import sheet_of
from ecg_assets.records.record import LEADS, Record
from ecg_assets_tests.pages.pages import page_of, plan_of, record_of

STYLES = read_styles().styles
SAMPLES = np.arange(5000)


@pytest.mark.parametrize(
    ("values", "notes"),
    [
        (np.zeros(5000), {}),
        (np.where(SAMPLES % 50 == 0, -20.0, 20.0), {"off_page_panels": ["V4", "II"]}),
        (np.full(5000, 20.0), {"off_page_panels": ["V4", "II"]}),
        (np.where(SAMPLES % 700 < 100, np.nan, 0.3), {"partial_panels": ["V4", "II", "II"]}),
        (np.where(SAMPLES == 4000, 0.5, np.nan), {"partial_panels": ["V4", "II"], "empty_panels": ["II"]}),
        (np.full(5000, np.nan), {"empty_panels": ["V4", "II", "II"]}),
    ],
    ids=["flat", "spikes off the page", "20 mV", "gaps", "one sample", "no sample"],
)
def test_an_odd_lead_gives_a_page_and_a_note(values: npt.NDArray[np.float64], notes: dict[str, list[str]]) -> None:
    record = record_of({"V4": values, "II": values})
    page = page_of(record)
    for note in ("off_page_panels", "partial_panels", "empty_panels"):
        assert sorted(page.layout[note]) == sorted(notes.get(note, [])) or note == "off_page_panels"
        assert set(notes.get(note, [])) <= set(page.layout[note])
    sheet_of(plan_of(record), record)


def test_a_record_without_any_sample_gives_an_empty_page_that_says_so() -> None:
    record = Record("3", 500, np.full((12, 5000), np.nan, dtype=np.float32))
    page = page_of(record)
    assert not page.wave_hw.any()
    assert len(page.layout["empty_panels"]) == 13
    assert sheet_of(plan_of(record), record).traces_mm == []


signals = st.builds(
    lambda kind, size, seed: _signal(kind, size, seed),
    st.sampled_from(["noise", "spikes", "steps", "walk", "gaps", "tiny"]),
    st.floats(0.001, 20),
    st.integers(0, 2**31),
)


def _signal(kind: str, size_mv: float, seed: int) -> npt.NDArray[np.float64]:
    rng = np.random.default_rng(seed)
    noise = rng.standard_normal(5000)
    made = {
        "noise": noise * size_mv,
        "spikes": np.where(rng.random(5000) < 0.02, size_mv, 0.0) * np.sign(noise),
        "steps": np.repeat(rng.uniform(-size_mv, size_mv, 50), 100),
        "walk": np.cumsum(noise) * size_mv / 50,
        "gaps": np.where(rng.random(5000) < 0.3, np.nan, noise * size_mv),
        "tiny": noise * 1e-6,
    }[kind]
    clipped: npt.NDArray[np.float64] = np.clip(made, -20, 20)
    return clipped


@settings(max_examples=60, deadline=None)
@given(
    values=signals,
    lead=st.sampled_from(LEADS),
    style=st.sampled_from(["kaggle", "twelve-rows", "coarse-print", "cabrera", "fast-paper"]),
)
def test_whatever_the_signal_the_mask_is_ink_within_the_page_and_the_same_again(
    values: npt.NDArray[np.float64], lead: str, style: str
) -> None:
    record = record_of({lead: values})
    page, again = page_of(record, STYLES[style]), page_of(record, STYLES[style])
    assert page.wave_hw.shape == page.index_hw.shape == STYLES[style].shape_px
    assert inked(page.index_hw)[page.wave_hw].all()
    np.testing.assert_array_equal(page.index_hw, again.index_hw)
    np.testing.assert_array_equal(page.wave_hw, again.wave_hw)


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 2**31), size=st.floats(0.05, 1.0), style=st.sampled_from(["kaggle", "coarse-print"]))
def test_a_trace_without_gaps_is_connected(seed: int, size: float, style: str) -> None:
    rng = np.random.default_rng(seed)
    # One lead alone, far from where the others would be.
    values = np.full((12, 5000), np.nan, dtype=np.float32)
    values[LEADS.index("V2")] = np.clip(rng.standard_normal(5000) * size, -2, 2)
    record = Record("4", 500, values)
    wave = page_of(record, STYLES[style]).wave_hw
    pieces, _ = cv2.connectedComponents(wave.astype(np.uint8), connectivity=8)
    assert pieces == 2  # the background and one trace
