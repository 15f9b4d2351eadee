"""Every named rhythm and morphology is what its name says, seen in the signal."""

from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from ecg_assets.records.record import LEADS
from ecg_assets.records.synthetic.ecg import SyntheticEcg, synthesize
from ecg_assets.records.synthetic.mix import SyntheticTableError, choose, read_table
from ecg_assets.store.rng import rng_for
from ecg_assets_tests.records.synthetic.ecg_measure import Array, measure, r_times

TABLE = read_table()
# Lowest and highest ventricular rate (/min) of ten seconds, where the rhythm is by definition within them.
RATES = {
    "sinus rhythm": (58, 101),
    "sinus bradycardia": (36, 61),
    "sinus tachycardia": (99, 152),
    "complete heart block": (27, 47),
    "supraventricular tachycardia": (148, 212),
    "ventricular tachycardia": (123, 202),
    "paced rhythm": (59, 81),
}
INTERVALS = ("sinus bradycardia", "sinus rhythm", "sinus tachycardia", "supraventricular tachycardia", "paced rhythm")


def made(index: int, rhythm: str = "sinus rhythm", morphology: str = "normal") -> SyntheticEcg:
    """Noise-free, at 1000 Hz."""
    record_id = str(90_000_101 + index)
    return synthesize(record_id, 1000, 3, rhythm=rhythm, morphology=morphology, noise=False)


def intervals(ecg: SyntheticEcg) -> Array:
    return np.diff([beat.time_s for beat in ecg.beats])


def lead(ecg: SyntheticEcg, name: str) -> Array:
    values_mv: Array = ecg.signal_mv[LEADS.index(name)]
    return values_mv


def qrs_of(ecg: SyntheticEcg, name: str) -> Array:
    """The mean beat's QRS in one lead."""
    found = measure(ecg.signal_mv, 1000)
    return found.lead(name, 0, found.qrs[1] - found.qrs[0])


def p_waves(ecg: SyntheticEcg, at_s: float, before_ms: tuple[int, int]) -> float:
    """How far II rises in a window before a beat, over its lowest there."""
    place = round(at_s * 1000)
    part = lead(ecg, "II")[max(0, place - before_ms[0]) : max(1, place - before_ms[1])]
    return float(np.ptp(part)) if len(part) else 0.0


@pytest.mark.parametrize("rhythm", RATES)
def test_rates_lie_where_the_rhythms_name_puts_them(rhythm: str) -> None:
    low, high = RATES[rhythm]
    for index in range(12):
        assert low <= 60 / intervals(made(index, rhythm)).mean() <= high, index


@pytest.mark.parametrize("rhythm", INTERVALS)
def test_the_beats_of_regular_rhythms_are_found_in_the_signal(rhythm: str) -> None:
    for index in range(4):
        ecg = made(index, rhythm)
        found = r_times(ecg.signal_mv, 1000)
        inner = [beat.time_s for beat in ecg.beats if 0.3 < beat.time_s < 9.7]
        assert all(np.abs(found - time_s).min() < 0.09 for time_s in inner), index


def test_sinus_arrhythmia_varies_with_breathing_more_than_sinus_rhythm() -> None:
    def variation(rhythm: str) -> list[float]:
        return [float(np.std(rr) / np.mean(rr)) for rr in (intervals(made(index, rhythm)) for index in range(12))]

    assert min(variation("sinus arrhythmia")) > 0.03
    assert np.median(variation("sinus arrhythmia")) > 3 * np.median(variation("sinus rhythm"))


def test_first_degree_block_has_a_pr_above_200_ms_and_every_p_is_followed() -> None:
    for index in range(12):
        ecg = made(index, "first-degree block")
        assert 205 <= ecg.heart.pr_ms <= 290
        # The P wave begins PR before QRS, which begins about 40 ms before R: it lies earlier than a usual one.
        heights = [p_waves(ecg, beat.time_s, (round(ecg.heart.pr_ms) + 50, 170)) for beat in ecg.beats[1:]]
        assert min(heights) > 0.025


def test_wenckebach_lengthens_pr_until_a_beat_drops() -> None:
    for index in range(12):
        ecg = made(index, "second-degree block, Wenckebach")
        pr_ms = np.array([beat.pr_ms for beat in ecg.beats], dtype=float)
        rr_s = intervals(ecg)
        falls = np.flatnonzero(np.diff(pr_ms) < 0)
        assert len(falls) >= 1, "a beat drops in ten seconds"
        assert all(rr_s[fall] > 1.2 * np.delete(rr_s, falls).min() for fall in falls)
        assert np.diff(pr_ms)[np.diff(pr_ms) > 0].min() > 5


def test_complete_block_has_p_waves_that_do_not_care_about_slow_wide_beats() -> None:
    for index in range(6):
        ecg = made(index, "complete heart block")
        assert {beat.origin for beat in ecg.beats} == {"ventricular"}
        assert ecg.morphology is None and ecg.labels == "complete heart block"
        # Between beats, II has more P waves than there are beats.
        quiet = np.concatenate(
            [
                lead(ecg, "II")[round(b.time_s * 1000) + 620 : round(b.time_s * 1000) + 1000]
                for b in ecg.beats
                if b.time_s < 9
            ]
        )
        assert np.ptp(quiet) > 0.04


@pytest.mark.parametrize(("rhythm", "every"), [("ventricular bigeminy", 2), ("ventricular trigeminy", 3)])
def test_each_second_or_third_beat_comes_early_from_the_ventricles(rhythm: str, every: int) -> None:
    for index in range(8):
        origins = [beat.origin for beat in made(index, rhythm).beats]
        places = np.flatnonzero(np.array(origins) == "ventricular")
        assert len(places) >= 2
        assert set(np.diff(places)) == {every}


def test_atrial_fibrillation_is_irregular_and_its_beats_have_no_p() -> None:
    for index in range(12):
        ecg = made(index, "atrial fibrillation")
        rr_s = intervals(ecg)
        assert rr_s.std() / rr_s.mean() > 0.1
        assert {beat.origin for beat in ecg.beats} == {"conducted"}


def test_flutter_is_a_saw_of_four_to_six_waves_a_second_under_fewer_beats() -> None:
    for index in range(8):
        ecg = made(index, "atrial flutter")
        ii = lead(ecg, "II")
        spectrum = np.abs(np.fft.rfft((ii - ii.mean()) * np.hanning(len(ii))))  # steps of 0.1 Hz
        band = spectrum[38:57]
        hertz = 3.8 + 0.1 * int(np.argmax(band))
        ratio = hertz * intervals(ecg)
        assert np.abs(ratio - np.round(ratio)).max() < 0.2, "beats follow whole waves"
        assert ratio.min() >= 1.8 and ratio.max() <= 4.2


def test_paced_beats_follow_a_spike_and_are_wide() -> None:
    for index in range(6):
        ecg = made(index, "paced rhythm")
        steep = np.abs(np.diff(lead(ecg, "II")))
        for beat in ecg.beats:
            place = round(beat.time_s * 1000)
            if 150 < place < 9900:
                assert steep[place - 120 : place].max() > 0.12, "a spike: nothing in a heart is as steep"
        assert np.ptp(ecg.heart.ventricular_qrs.visible_ms()) > 120


@pytest.mark.parametrize("rhythm", ["ventricular tachycardia", "paced rhythm", "complete heart block"])
def test_beats_from_the_ventricles_are_wider_than_120_ms(rhythm: str) -> None:
    for index in range(8):
        ecg = made(index, rhythm)
        assert np.ptp(ecg.heart.ventricular_qrs.visible_ms()) > 120
        assert {beat.origin for beat in ecg.beats} <= {"ventricular", "paced"}


# Morphologies


@pytest.mark.parametrize(
    ("name", "low", "high"), [("left axis deviation", -90, -30), ("right axis deviation", 90, 135)]
)
def test_axis_deviates_to_its_side(name: str, low: float, high: float) -> None:
    for index in range(12):
        assert low < measure(made(index, morphology=name).signal_mv, 1000).axis < high, index


@pytest.mark.parametrize("name", ["left bundle branch block", "right bundle branch block"])
def test_a_blocked_bundle_branch_widens_qrs_beyond_120_ms(name: str) -> None:
    for index in range(12):
        assert measure(made(index, morphology=name).signal_mv, 1000).qrs_ms >= 120, index


def test_hypertrophy_is_above_the_limit_of_sokolow_and_lyon() -> None:
    for index in range(12):
        ecg = made(index, morphology="left ventricular hypertrophy")
        assert qrs_of(ecg, "V5").max() - qrs_of(ecg, "V1").min() > 3.0, index


def test_low_voltage_stays_below_half_a_millivolt_in_all_limb_leads() -> None:
    for index in range(12):
        ecg = made(index, morphology="low voltage")
        assert max(np.ptp(qrs_of(ecg, name)) for name in LEADS[:6]) < 0.5, index


SCARS = {"anterior infarction": ("V2", "V3"), "inferior infarction": ("III", "aVF")}


@pytest.mark.parametrize("name", SCARS)
def test_a_scar_leaves_q_waves_in_its_territory(name: str) -> None:
    """A Q wave: down first, as deep as a quarter of R or 0.1 mV at least, in most hearts of both leads."""
    found = Counter[str]()
    for index in range(12):
        ecg = made(index, morphology=name)
        for one in SCARS[name]:
            qrs = qrs_of(ecg, one)
            first = qrs[: len(qrs) // 2]
            deepest = int(np.argmin(first))
            found[one] += int(first[deepest] < -0.1 and first[:deepest].max(initial=0.0) < 0.06)
    assert min(found[one] for one in SCARS[name]) >= 9, found


def late(ecg: SyntheticEcg, name: str, after_ms: int, length_ms: int) -> float:
    found = measure(ecg.signal_mv, 1000)
    width = found.qrs[1] - found.qrs[0]
    return float(found.lead(name, width + after_ms, width + after_ms + length_ms).mean())


def test_st_depression_lies_below_the_level_in_v5() -> None:
    for index in range(12):
        assert late(made(index, morphology="ST depression"), "V5", 55, 20) < -0.04, index


def test_early_repolarisation_lifts_the_j_point_of_v4_with_an_upright_t() -> None:
    for index in range(12):
        ecg = made(index, morphology="early repolarisation")
        assert late(ecg, "V4", 10, 30) > 0.06, index
        assert late(ecg, "V4", 160, 60) > 0.1, index


def test_t_is_turned_over_or_flat_in_v5_where_the_name_says_so() -> None:
    for index in range(12):
        found = measure(made(index, morphology="T inversion").signal_mv, 1000)
        assert found.lead("V5", 200, 330).min() < -0.1, index
        flat = measure(made(index, morphology="flat T").signal_mv, 1000)
        assert np.abs(flat.lead("V5", 200, 380)).max() < 0.2, index


def test_long_qt_is_longer_than_470_ms() -> None:
    for index in range(12):
        heart = made(index, morphology="long QT").heart
        assert 470 < heart.qtc_ms < 570
        assert heart.qt_ms(1.0) == heart.qtc_ms


# Mixes


def test_rhythms_and_morphologies_come_by_the_weights_of_the_mix() -> None:
    drawn = [choose(rng_for(1, str(index), "mix")) for index in range(3000)]
    weights = TABLE.mixes["default"]
    for told, names in (
        (weights.rhythms, [one.rhythm_name for one in drawn]),
        (weights.morphologies, [one.morphology_name for one in drawn if one.morphology_name is not None]),
    ):
        counted = Counter(names)
        assert set(told) == set(counted)
        for name, weight in told.items():
            assert counted[name] / len(names) == pytest.approx(weight / sum(told.values()), abs=0.025), name


def test_all_that_is_described_is_in_the_default_mix() -> None:
    assert set(TABLE.mixes["default"].rhythms) == set(TABLE.rhythms)
    assert set(TABLE.mixes["default"].morphologies) == set(TABLE.morphologies)


def test_a_file_adds_its_own_to_the_project_s_table(tmp_path: Path) -> None:
    path = tmp_path / "own.yaml"
    path.write_text(
        "rhythms: {gallop: {beats: sinus, rate_per_min: {median: 140, spread: 1, low: 138, high: 142}}}\n"
        "mixes: {fast: {rhythms: {gallop: 1}, morphologies: {normal: 1}}}\n"
    )
    ecg = synthesize("1", 250, 0, mix=f"{path}#fast")
    assert ecg.labels == "gallop; normal"
    assert 136 < 60 / intervals(ecg).mean() < 144


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("mixes: {fast: {rhythms: {waltz: 1}, morphologies: {normal: 1}}}", "waltz"),
        ("mixes: {fast: {rhythms: {sinus rhythm: 0}, morphologies: {normal: 1}}}", "weights of 0 or more"),
        ("rhythms: {odd: {beats: sinus, rate_per_min: {median: 9, spread: 1, low: 10, high: 20}}}", "not between"),
        ("rhythms: [1]", "no table"),
        ("a: [", "no table"),
    ],
)
def test_a_wrong_file_is_named_with_what_is_wrong(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "own.yaml"
    path.write_text(text)
    with pytest.raises(SyntheticTableError, match=said) as raised:
        synthesize("1", 250, 0, mix=f"{path}#fast")
    assert str(path) in str(raised.value)


@pytest.mark.parametrize("asked", [{"mix": "none"}, {"rhythm": "none"}, {"morphology": "none"}])
def test_an_unknown_name_is_an_error_that_names_the_known_ones(asked: dict[str, str]) -> None:
    with pytest.raises(SyntheticTableError, match=r"there is no .*'none'; there are .*(default|sinus rhythm|normal)"):
        synthesize(
            "1", 250, 0, mix=asked.get("mix", "default"), rhythm=asked.get("rhythm"), morphology=asked.get("morphology")
        )
