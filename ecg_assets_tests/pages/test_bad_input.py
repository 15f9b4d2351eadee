"""Odd signals give a page and a note, never a crash; whatever they are, the mask keeps its promises."""

import cv2
import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ecg_assets.pages.camera.picture import take_picture
from ecg_assets.pages.camera.recipe import recipe_named, throw
from ecg_assets.pages.camera.sheet import sheet_of
from ecg_assets.pages.camera.warps.camera import photo_camera
from ecg_assets.pages.camera.warps.registry import deformation_named, deformations
from ecg_assets.pages.camera.warps.warp import PageWarp
from ecg_assets.pages.style.style_mix import read_styles
from ecg_assets.pages.upright.page import inked
from ecg_assets.records.record import LEADS, Record
from ecg_assets_tests.pages.pages import page_of, plan_of, record_of

STYLES = read_styles().styles
SAMPLES = np.arange(5000)


@pytest.mark.parametrize(
    ("values", "notes"),
    [
        (np.zeros(5000), {"flat_panels": ["V4", "II", "II"]}),
        (np.full(5000, -1.5), {"flat_panels": ["V4", "II", "II"]}),
        (np.where(SAMPLES % 50 == 0, -20.0, 20.0), {"off_page_panels": ["V4", "II", "II"]}),
        (np.full(5000, 20.0), {"off_page_panels": ["V4", "II", "II"]}),
        (np.where(SAMPLES % 700 < 100, np.nan, 0.3), {"partial_panels": ["V4", "II", "II"]}),
        (np.where(SAMPLES == 4000, 0.5, np.nan), {"partial_panels": ["V4", "II"], "empty_panels": ["II"]}),
        (np.full(5000, np.nan), {"empty_panels": ["V4", "II", "II"]}),
    ],
    ids=["flat", "flat off zero", "spikes off the page", "20 mV", "gaps", "one sample", "no sample"],
)
def test_an_odd_lead_gives_a_page_and_a_note(values: npt.NDArray[np.float64], notes: dict[str, list[str]]) -> None:
    record = record_of({"V4": values, "II": values})
    page = page_of(record)
    for note in ("off_page_panels", "partial_panels", "empty_panels", "flat_panels"):
        told = [lead for lead in page.layout[note] if lead in ("V4", "II")]
        if note in notes or note in ("partial_panels", "empty_panels"):
            assert sorted(told) == sorted(notes.get(note, [])), note
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


# Pages of 400 dpi take long, and are drawn as those of 300.
PRINTED = sorted(name for name, style in STYLES.items() if style.dpi < 400)


def one_lead(lead: str, seed: int, size_mv: float, fs_hz: int) -> Record:
    """Noise in one lead alone, so low that it stays in its row."""
    values = np.full((12, 10 * fs_hz), np.nan, dtype=np.float32)
    noise = np.random.default_rng(seed).standard_normal(10 * fs_hz) * size_mv
    values[LEADS.index(lead)] = np.clip(noise, -0.9, 0.9)
    return Record("4", fs_hz, values)


@settings(max_examples=25, deadline=None)
@given(
    seed=st.integers(0, 2**31),
    size=st.floats(0.05, 1.0),
    style=st.sampled_from(PRINTED),
    lead=st.sampled_from(LEADS),
    fs_hz=st.sampled_from([100, 250, 500, 1025]),
)
def test_a_trace_without_gaps_is_connected_across_each_panel(
    seed: int, size: float, style: str, lead: str, fs_hz: int
) -> None:
    page = page_of(one_lead(lead, seed, size, fs_hz), STYLES[style])
    pieces, _ = cv2.connectedComponents(page.wave_hw.astype(np.uint8), connectivity=8)
    assert pieces - 1 == sum(panel["count"] > 0 for panel in page.layout["panels"])


BENDS = sorted(deformations())


@settings(max_examples=12, deadline=None)
@given(seed=st.integers(0, 2**31), bend=st.sampled_from(BENDS), strength=st.floats(0, 1), px_per_mm=st.floats(1.5, 5))
def test_a_trace_stays_one_piece_on_the_paper_however_the_paper_lies(
    seed: int, bend: str, strength: float, px_per_mm: float
) -> None:
    style = STYLES["machine-3x4"]
    record = one_lead("V2", seed, 0.4, 250)
    size_px = (round(style.paper_mm[0] * px_per_mm), round(style.paper_mm[1] * px_per_mm))
    rng = np.random.default_rng(seed)
    # Not so near that a part of the trace leaves the frame.
    camera = photo_camera(style.paper_mm, size_px, rng, 0.3 * strength)
    warp = PageWarp(camera, [deformation_named(bend)(rng, strength, style.paper_mm)], style.paper_mm, size_px)
    plain = throw("clean", recipe_named("clean"), rng)
    picture = take_picture(sheet_of(plan_of(record, style), record), warp, plain, rng)
    wave = picture.mask_hw == 4
    pieces, _ = cv2.connectedComponents(wave.astype(np.uint8), connectivity=8)
    assert pieces == 2  # the background and one trace
    assert picture.mask_hw.shape == picture.image_hwc.shape[:2] == size_px[::-1]
    assert warp.paper_map().on_paper_hw[wave].all()
