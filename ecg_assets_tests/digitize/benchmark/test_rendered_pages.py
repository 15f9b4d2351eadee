"""Pages whose signal is known: what is printed is the truth, and the same seed draws the same picture."""

import numpy as np
import pytest

from ecg_assets.digitize.benchmark.rendered_pages import (
    STYLES,
    Signal,
    Trial,
    draw_trial,
    printed_signal,
    records_of_split,
    trials,
)
from ecg_assets.pages.layout.plan import plan_page
from ecg_assets.pages.style.layouts import layout_named
from ecg_assets.pages.style.style_mix import read_styles
from ecg_assets.records.record import LEADS, Record
from ecg_assets.store.splits import split_of


@pytest.fixture(scope="module")
def record() -> Record:
    return records_of_split("test", 1)[0]


def filled(trial: Trial, lead: str) -> tuple[float, float]:
    """Seconds from the first to behind the last sample."""
    rows = np.flatnonzero(np.isfinite(trial.truth_mv[LEADS.index(lead)]))
    return float(rows[0] / trial.record.fs_hz), float((rows[-1] + 1) / trial.record.fs_hz)


def test_records_are_of_the_split_whole_and_of_all_sampling_rates() -> None:
    records = records_of_split("validation", 6)
    assert {split_of(record.id) for record in records} == {"validation"}
    assert {record.fs_hz for record in records} == {250, 256, 500, 512, 1000, 1025}
    assert all(record.signal_mv.shape == (12, 10 * record.fs_hz) for record in records)
    assert not any(np.isnan(record.signal_mv).any() for record in records)


def test_a_3x4_page_prints_quarters_and_the_rhythm_strip(record: Record) -> None:
    trial = draw_trial(record, "clean")
    assert [filled(trial, lead) for lead in ("I", "aVR", "V1", "V6", "II")] == [
        (0, 2.5), (2.5, 5), (5, 7.5), (7.5, 10), (0, 10)
    ]  # fmt: skip
    printed = np.isfinite(trial.truth_mv)
    np.testing.assert_array_equal(trial.truth_mv[printed], record.signal_mv[printed])


@pytest.mark.parametrize(
    ("style", "windows"),
    [
        ("grey-6x2", {"I": (0, 5), "aVF": (0, 5), "V1": (5, 10)}),
        ("twelve-rows", {"I": (0, 10), "V6": (0, 10)}),
        ("three-strips", {"I": (0, 2.5), "V1": (0, 10), "V5": (0, 10), "V6": (7.5, 10)}),
        # At 50 mm/s a column shows 1.25 s, at its place on the paper; the record's own seconds are not to be seen.
        ("fast-paper", {"I": (0, 1.25), "aVR": (1.25, 2.5), "V6": (3.75, 5), "II": (0, 5)}),
    ],
)
def test_each_layout_prints_its_windows(record: Record, style: str, windows: dict[str, tuple[float, float]]) -> None:
    trial = draw_trial(record, "clean", style)
    for lead, (begin, end) in windows.items():
        assert filled(trial, lead) == pytest.approx((begin, end), abs=2 / record.fs_hz)


def test_fast_paper_shows_the_beginning_of_each_quarter(record: Record) -> None:
    trial = draw_trial(record, "clean", "fast-paper")
    place, fs_hz = LEADS.index("aVR"), record.fs_hz
    shown = trial.truth_mv[place][np.isfinite(trial.truth_mv[place])]
    begin = int(2.5 * fs_hz)
    np.testing.assert_array_equal(shown, record.signal_mv[place, begin : begin + len(shown)])


def test_a_rhythm_strip_counts_before_the_short_panel_of_its_lead(record: Record) -> None:
    """At 50 mm/s V1's panel stands 2.5 s from the left and shows the record's fifth second; its strip does not."""
    style = read_styles().styles["three-strips"].model_copy(update={"paper_speed_mm_per_s": 50.0})
    truth = printed_signal(plan_page(record, "fast", style, 0), record)[LEADS.index("V1")]
    strip = record.signal_mv[LEADS.index("V1"), : 5 * record.fs_hz]
    np.testing.assert_array_equal(truth[: len(strip)], strip)
    assert np.isnan(truth[len(strip) :]).all()


def test_cabrera_prints_minus_avr_and_the_truth_is_avr(record: Record) -> None:
    trial = draw_trial(record, "clean", "cabrera")
    assert "-aVR" in layout_named(trial.layout).columns[0]
    place = LEADS.index("aVR")
    shown = np.isfinite(trial.truth_mv[place])
    np.testing.assert_array_equal(trial.truth_mv[place][shown], record.signal_mv[place][shown])


def test_the_truth_lies_on_the_traces_of_the_clean_page(record: Record) -> None:
    """What the truth says is where the wave's pixels are: 10 mm/mV around the row's zero line."""
    trial = draw_trial(record, "clean")
    px_per_mm, fs_hz = 200 / 25.4, record.fs_hz
    truth: Signal = trial.truth_mv[LEADS.index("II")]
    for second in (0.5, 3.3, 6.1, 9.7):
        row = round(second * fs_hz)
        x, y = (15 + 25 * row / fs_hz) * px_per_mm, (194.90817 - 10 * float(truth[row])) * px_per_mm
        assert (trial.mask_hw[round(y) - 2 : round(y) + 3, round(x) - 1 : round(x) + 2] == 4).any()


def test_the_same_seed_gives_the_same_picture_and_another_one_another(record: Record) -> None:
    first, again, other = (draw_trial(record, "damaged", seed=seed) for seed in (0, 0, 1))
    np.testing.assert_array_equal(first.picture_hwc, again.picture_hwc)
    np.testing.assert_array_equal(first.mask_hw, again.mask_hw)
    assert (first.picture_hwc != other.picture_hwc).any()
    np.testing.assert_array_equal(first.truth_mv, other.truth_mv)


def test_trials_are_all_of_records_styles_and_recipes(record: Record) -> None:
    names = [trial.name for trial in trials([record], ["clean", "scan"], STYLES[:2])]
    assert names == [f"{record.id}-{recipe}-{style}" for style in STYLES[:2] for recipe in ("clean", "scan")]
