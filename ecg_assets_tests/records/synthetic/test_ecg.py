"""Synthetic ECGs: what a reader measures in them is in the normal adult ranges, and disease looks like itself."""

from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from ecg_assets.records.record import LEADS, SAMPLING_RATES_HZ
from ecg_assets.records.synthetic.dower import project, twelve_leads
from ecg_assets.records.synthetic.ecg import SyntheticEcg, synthesize
from ecg_assets.records.synthetic.mix import Morphology, read_table
from ecg_assets.records.synthetic.morphology import draw_heart
from ecg_assets.records.synthetic.rhythm import Beat
from ecg_assets.store.rng import rng_for
from ecg_assets_tests.records.synthetic.ecg_measure import Array, Measured, mean_beat, measure, r_times

NORMAL_HEARTS = 60
RHYTHMS, MORPHOLOGIES = list(read_table().rhythms), list(read_table().morphologies)
SINUS, PVCS, PACS, AF = "sinus rhythm", "ventricular premature beats", "atrial premature beats", "atrial fibrillation"


@cache
def clean(index: int, rhythm: str = SINUS, morphology: str = "normal") -> SyntheticEcg:
    """A noise-free record at 1000 Hz."""
    record_id = str(90_000_001 + index)
    return synthesize(record_id, 1000, 5, rhythm=rhythm, morphology=morphology, noise=False)


@cache
def measured(index: int, morphology: str = "normal") -> Measured:
    """What a reader finds in `clean`."""
    return measure(clean(index, SINUS, morphology).signal_mv, 1000)


def lead(ecg_mv: Array, name: str) -> Array:
    values_mv: Array = ecg_mv[LEADS.index(name)]
    return values_mv


# Limb leads


@pytest.mark.parametrize(
    ("rhythm", "morphology"), [(name, None) for name in RHYTHMS] + [(SINUS, name) for name in MORPHOLOGIES]
)
def test_limb_leads_follow_einthoven_and_goldberger_with_all_noise(rhythm: str, morphology: str | None) -> None:
    signal_mv = synthesize("90000001", 500, 3, rhythm=rhythm, morphology=morphology).signal_mv
    i, ii = signal_mv[0], signal_mv[1]
    derived = {"III": ii - i, "aVR": -(i + ii) / 2, "aVL": i - ii / 2, "aVF": ii - i / 2}
    for name, expected in derived.items():
        np.testing.assert_allclose(lead(signal_mv, name), expected, atol=1e-12)


def test_without_noise_all_leads_come_from_three_dimensions() -> None:
    singular = np.linalg.svd(clean(0).signal_mv, compute_uv=False)
    assert singular[3] < 1e-9 * singular[0] < singular[2]


# Normal ranges (rate 50-100, PR 120-200, QRS 70-110, QTc 350-450, axis -30 to +90, P < 0.25 mV, R <= 2.5 mV)


@pytest.mark.parametrize("index", range(NORMAL_HEARTS))
def test_normal_hearts_lie_in_the_normal_adult_ranges(index: int) -> None:
    found = measured(index)
    assert 50 <= found.rate <= 100
    assert 120 <= found.pr_ms <= 200
    assert 70 <= found.qrs_ms <= 110
    assert 350 <= found.qtc_ms(1 / 3) <= 450 and 350 <= found.qtc_ms(1 / 2) <= 450
    assert -30 <= found.axis <= 90
    p_waves = found.beat_mv[:, max(0, found.qrs[0] - int(found.pr_ms)) : found.qrs[0] - 20]
    assert np.abs(p_waves).max() < 0.25
    assert clean(index).signal_mv[9:].max() <= 2.5


def test_no_heart_of_many_is_of_low_voltage_or_beyond_the_limits_of_hypertrophy() -> None:
    """No limb QRS above 0.5 mV is low voltage; R in V4-V6 above 2.5 mV, or S V1 + R V5 above 3.5 mV (Sokolow), high."""
    for index in range(400):
        heart = draw_heart(rng_for(2, str(index), "test"), Morphology())
        leads_mv = twelve_leads(project(heart.qrs.at(np.arange(-100.0, 100.0)), heart.torso))
        assert np.ptp(leads_mv[:6], axis=1).max() > 0.5
        assert leads_mv[9:].max() < 2.3
        assert lead(leads_mv, "V5").max() - lead(leads_mv, "V1").min() < 3.5


def test_intervals_found_in_the_signal_are_those_that_the_record_states() -> None:
    for index in range(NORMAL_HEARTS):
        found, heart = measured(index), clean(index).heart
        assert abs(found.qrs_ms - heart.qrs_ms) < 12
        assert abs(found.pr_ms - heart.pr_ms) < 20
        assert abs(found.qtc_ms(1 / 3) - heart.qtc_ms) < 12
        assert abs(found.axis - heart.axis_degrees) < 10


def test_records_differ_in_axis_amplitudes_and_intervals() -> None:
    found = [measured(index) for index in range(NORMAL_HEARTS)]
    spread = {
        "axis": (np.ptp([m.axis for m in found]), 60),
        "rate": (np.ptp([m.rate for m in found]), 25),
        "pr": (np.ptp([m.pr_ms for m in found]), 35),
        "qrs": (np.ptp([m.qrs_ms for m in found]), 15),
        "qtc": (np.ptp([m.qtc_ms(1 / 3) for m in found]), 25),
        "r_v5": (np.ptp([m.lead("V5", 0, 100).max() for m in found]), 0.8),
    }
    assert {name for name, (size, least) in spread.items() if size < least} == set()


@pytest.mark.parametrize("index", range(0, NORMAL_HEARTS, 3))
def test_normal_chest_leads_progress_from_rs_in_v1_to_r_in_v6(index: int) -> None:
    found = measured(index)
    share = {}
    for name in LEADS[6:]:
        qrs = found.lead(name, 0, found.qrs[1] - found.qrs[0])
        share[name] = qrs.max() / (qrs.max() - qrs.min())
    assert share["V1"] < 0.5 < share["V5"] and share["V6"] > 0.6
    assert share["V1"] < share["V3"] < share["V5"]


@pytest.mark.parametrize("index", range(0, NORMAL_HEARTS, 3))
def test_normal_avr_is_all_down_and_p_and_t_are_up_in_two_and_v5(index: int) -> None:
    found = measured(index)
    length = found.qrs[1] - found.qrs[0]
    assert found.lead("aVR", 0, length).sum() < 0
    for start, stop in ((-int(found.pr_ms) + 20, -30), (length + 120, int(found.qt_ms) - 40)):
        assert found.lead("aVR", start, stop).mean() < 0
        assert found.lead("II", start, stop).mean() > 0
        assert found.lead("V5", start, stop).mean() > 0


def test_pr_and_qrs_keep_their_milliseconds_at_any_rate_and_qt_follows_the_cube_root() -> None:
    heart = clean(0).heart
    slow, fast = heart.beat(Beat(0, "sinus", 1.2)), heart.beat(Beat(0, "sinus", 0.6))
    atria_and_qrs = len(heart.p.centre_ms) + len(heart.qrs.centre_ms)
    np.testing.assert_array_equal(slow.centre_ms[:atria_and_qrs], fast.centre_ms[:atria_and_qrs])
    np.testing.assert_array_equal(slow.width_ms[:atria_and_qrs], fast.width_ms[:atria_and_qrs])
    assert heart.qt_ms(1.2) / heart.qt_ms(0.6) == pytest.approx(2 ** (1 / 3))
    assert slow.width_ms[-1] / fast.width_ms[-1] == pytest.approx(2 ** (1 / 3))


def test_sinus_rhythm_varies_a_little_from_beat_to_beat() -> None:
    variations = []
    for index in range(20):
        intervals = np.diff(r_times(clean(index).signal_mv, 1000))
        variations.append(intervals.std() / intervals.mean())
    assert min(variations) > 0.003 and max(variations) < 0.08


# Disease


@pytest.mark.parametrize("index", range(12))
def test_atrial_fibrillation_is_irregular_and_has_no_p_wave(index: int) -> None:
    signal_mv = clean(index, AF).signal_mv
    intervals = np.diff(r_times(signal_mv, 1000))
    assert intervals.std() / intervals.mean() > 0.1
    assert intervals.min() > 0.3
    assert _p_height_mv(signal_mv) < 0.04
    assert np.median([_p_height_mv(clean(other).signal_mv) for other in range(12)]) > 0.05, "P would show"


def test_atrial_fibrillation_has_waves_between_the_beats() -> None:
    for index in range(12):
        v1 = lead(clean(index, AF).signal_mv, "V1")
        spectrum = np.abs(np.fft.rfft((v1 - v1.mean()) * np.hanning(len(v1))))
        assert spectrum[35:90].mean() > spectrum[300:500].mean()  # 3.5 to 9 Hz


def _p_height_mv(signal_mv: Array) -> float:
    """How high the mean beat of II stands where P is (90 to 50 ms before QRS), over its surroundings."""
    ii = lead(mean_beat(signal_mv, 1000, 0.3, 0.1), "II")
    return abs(float(ii[160:225].max() - np.median(ii[225:250])))


@pytest.mark.parametrize("index", range(12))
def test_ventricular_beats_are_early_wide_without_p_and_followed_by_a_compensatory_pause(index: int) -> None:
    ecg = clean(index, PVCS)
    times = np.array([beat.time_s for beat in ecg.beats])
    found = r_times(ecg.signal_mv, 1000)
    places = [n for n, beat in enumerate(ecg.beats) if beat.origin == "ventricular" and 0 < n < len(times) - 1]
    assert places
    for n in places:
        before, after = times[n] - times[n - 1], times[n + 1] - times[n]
        assert before < 0.8 * ecg.beats[n].rr_s < after
        assert before + after == pytest.approx(2 * ecg.beats[n].rr_s, rel=0.12)
        assert np.abs(found - times[n]).min() < 0.09, "the signal has a QRS there"
        assert _width_ms(ecg.signal_mv, times[n]) > 1.3 * _width_ms(ecg.signal_mv, times[n - 1])


@pytest.mark.parametrize("index", range(12))
def test_t_of_a_ventricular_beat_is_discordant(index: int) -> None:
    heart = clean(index, PVCS).heart
    assert float(heart.ventricular_qrs.area() @ heart.ventricular_t.area()) < 0


def _width_ms(signal_mv: Array, time_s: float) -> float:
    """How long any lead moves fast around a beat."""
    place = round(time_s * 1000)
    speed = np.abs(np.gradient(signal_mv, axis=1)).max(axis=0)[max(0, place - 110) : place + 130]
    fast = np.flatnonzero(speed > 0.0075)
    return float(fast[-1] - fast[0])


@pytest.mark.parametrize("index", range(12))
def test_atrial_early_beats_are_early_and_narrow(index: int) -> None:
    ecg = clean(index, PACS)
    found = r_times(ecg.signal_mv, 1000)
    early = [n for n, beat in enumerate(ecg.beats) if beat.origin == "atrial" and n > 0]
    assert early
    for n in early:
        time_s = ecg.beats[n].time_s
        assert np.abs(found - time_s).min() < 0.05
        assert time_s - ecg.beats[n - 1].time_s < 0.85 * ecg.beats[n].rr_s
        assert _width_ms(ecg.signal_mv, time_s) < 120


@pytest.mark.parametrize("index", range(12))
def test_left_bundle_branch_block_is_wide_down_in_v1_up_in_v6_and_discordant(index: int) -> None:
    found = measured(index, "left bundle branch block")
    width = found.qrs[1] - found.qrs[0]
    assert found.qrs_ms >= 120
    assert found.lead("V1", 0, width).sum() < 0 < found.lead("V6", 0, width).sum()
    assert found.lead("V6", 0, width - 30).min() > -0.02, "no q"
    assert found.lead("V1", 250, 330).mean() > 0 > found.lead("V6", 250, 330).mean()


@pytest.mark.parametrize("index", range(12))
def test_right_bundle_branch_block_is_wide_with_a_late_r_in_v1_and_a_broad_s_in_v6(index: int) -> None:
    found = measured(index, "right bundle branch block")
    width = found.qrs[1] - found.qrs[0]
    assert found.qrs_ms >= 120
    late = slice(width // 2, width)
    assert found.lead("V1", 0, width)[late].max() > 0.25
    assert found.lead("V6", 0, width)[late].min() < -0.1
    assert found.lead("V6", 0, width // 2).max() > 0.3


ST = {
    "anterior ST elevation": (("V2", "V3"), ("III",)),
    "inferior ST elevation": (("II", "III", "aVF"), ("aVL",)),
    "lateral ST elevation": (("I", "aVL", "V5"), ("III",)),
}


@pytest.mark.parametrize("morphology", ST)
def test_st_is_lifted_in_its_territory_and_not_across(morphology: str) -> None:
    up, across = ST[morphology]
    for index in range(8):
        found = measure_st(clean(index, SINUS, morphology))
        assert all(found[name] > 0.07 for name in up), (index, found)
        assert all(found[name] < 0.06 for name in across), (index, found)


def test_st_of_normal_hearts_is_level_in_the_limb_leads() -> None:
    for index in range(24):
        found = measure_st(clean(index))
        assert all(abs(found[name]) < 0.1 for name in LEADS[:6])


def measure_st(ecg: SyntheticEcg) -> dict[str, float]:
    """ST 50 ms after QRS' end, over the PR segment, in each lead (mV)."""
    found = measure(ecg.signal_mv, 1000)
    width = found.qrs[1] - found.qrs[0]
    return {name: float(found.lead(name, width + 45, width + 55).mean()) for name in LEADS}


# Noise


def test_noise_is_as_large_as_in_recorded_ecgs() -> None:
    """PTB-XL at 500 Hz, between T and P, 20-150 Hz: 3-19 microvolt in I and II, 2-19 in the chest leads."""
    limbs, chest, slow = [], [], []
    for index in range(40):
        record_id = str(90_000_001 + index)
        pure = synthesize(record_id, 500, 5, mix="normal", noise=False)
        noise_mv = synthesize(record_id, 500, 5, mix="normal").signal_mv - pure.signal_mv
        spectrum = np.fft.rfft(noise_mv, axis=1)
        hertz = np.fft.rfftfreq(noise_mv.shape[1], 1 / 500)
        fast_mv = np.fft.irfft(np.where((hertz > 20) & (hertz < 150), spectrum, 0), axis=1).std(axis=1)
        slow_mv = np.fft.irfft(np.where(hertz < 0.5, spectrum, 0), axis=1).std(axis=1)
        limbs.append(fast_mv[:2].mean())
        chest.append(fast_mv[6:].mean())
        slow.append(slow_mv.mean())
    assert 0.004 < np.median(limbs) < 0.016 and max(limbs) < 0.08
    assert 0.003 < np.median(chest) < 0.012 and np.median(chest) < np.median(limbs)
    assert 0.02 < np.median(slow) < 0.08 and max(slow) < 0.5
    assert max(limbs) > 2.5 * min(limbs), "some are noisy, some clean"


def test_noise_changes_nothing_else() -> None:
    pure = synthesize("90000004", 500, 5, noise=False)
    noisy = synthesize("90000004", 500, 5)
    assert pure.beats == noisy.beats and pure.labels == noisy.labels
    assert 0 < np.abs(noisy.signal_mv - pure.signal_mv).max() < 1.5


# Seeds, kinds, sampling


def test_same_seed_and_id_give_the_same_record_whatever_was_made_before() -> None:
    first = synthesize("90000007", 512, 11)
    synthesize("90000008", 512, 11)
    again = synthesize("90000007", 512, 11)
    np.testing.assert_array_equal(first.signal_mv, again.signal_mv)


@pytest.mark.parametrize(("record_id", "seed"), [("90000008", 11), ("90000007", 12)], ids=["other id", "other seed"])
def test_another_id_or_seed_gives_another_record(record_id: str, seed: int) -> None:
    first, other = synthesize("90000007", 512, 11), synthesize(record_id, 512, seed)
    assert abs(np.corrcoef(first.signal_mv[1], other.signal_mv[1])[0, 1]) < 0.9


@pytest.mark.parametrize("fs_hz", SAMPLING_RATES_HZ)
def test_a_heart_does_not_depend_on_the_sampling_rate(fs_hz: int) -> None:
    ecg = synthesize("90000003", fs_hz, 5, noise=False)
    assert ecg.signal_mv.shape == (12, 10 * fs_hz)
    assert np.isfinite(ecg.signal_mv).all()
    dense = synthesize("90000003", 10 * fs_hz, 5, noise=False).signal_mv[:, ::10]
    np.testing.assert_allclose(ecg.signal_mv, dense, atol=1e-4)


def test_what_a_record_states_is_frozen() -> None:
    ecg = synthesize("1", 250, 1, 1.0)
    assert replace(ecg, id="2").signal_mv is ecg.signal_mv
    with pytest.raises(AttributeError):
        ecg.rhythm = "sinus"  # type: ignore[misc]
