"""The competition's metric: worked examples, and a literal implementation in exact fractions beside it."""

from fractions import Fraction

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ecg_assets.digitize.scoring.snr import (
    HIGHEST_RATIO,
    LOWEST_DB,
    MAX_SHIFT_S,
    Power,
    ShapeError,
    align,
    lead_power,
    lead_powers,
    printed_window,
    score_db,
    total,
)

Values = npt.NDArray[np.float64]
NAN = float("nan")
# int(0.2 * 5) = 1: small enough to be worked out by hand.
FS_HZ = 5


def beats(count: int, silent: int) -> Values:
    """A sine that is flat for `silent` samples at both ends, so that nothing is lost when it is shifted by so many."""
    values: Values = np.sin(np.arange(count) * 0.07)
    values[:silent] = values[-silent:] = 0
    return values


def test_a_perfect_prediction_scores_25_8433_db() -> None:
    truth = np.stack([beats(500, 10)] * 12)
    ratio = total(lead_powers(truth, truth, 100).values()).ratio
    assert ratio == HIGHEST_RATIO
    assert score_db([ratio]) == pytest.approx(25.8433, abs=5e-5)


def test_half_the_height_is_a_ratio_of_4() -> None:
    truth = np.array([1.0, -1, 1, -1])
    power = lead_power(truth, truth / 2, FS_HZ)
    assert (power.signal, power.noise) == (4, 1)
    assert score_db([power.ratio]) == pytest.approx(6.0206, abs=5e-5)


def test_the_truth_keeps_its_mean() -> None:
    truth = np.array([4.0, 2, 4, 2])  # the offset brings p = (.5, -.5, .5, -.5) to (3.5, 2.5, 3.5, 2.5)
    power = lead_power(truth, np.array([0.5, -0.5, 0.5, -0.5]), FS_HZ)
    assert (power.signal, power.noise) == (40, 1)


def test_an_offset_of_any_size_is_forgiven() -> None:
    truth = beats(200, 5)
    assert align(truth, truth + 3, 100).offset_mv == pytest.approx(3)
    assert lead_power(truth, truth + 3, 100).ratio == HIGHEST_RATIO


@pytest.mark.parametrize("shift", [-20, -7, 7, 20])
def test_a_shift_of_up_to_a_fifth_of_a_second_is_forgiven(shift: int) -> None:
    truth = beats(400, 25)
    early = np.roll(truth, -shift)
    assert align(truth, early, 100).shift == shift
    assert lead_power(truth, early, 100).ratio == HIGHEST_RATIO


@pytest.mark.parametrize("shift", [-21, 21])
def test_a_longer_shift_is_not(shift: int) -> None:
    truth = beats(400, 25)
    assert lead_power(truth, np.roll(truth, shift), 100).ratio < 100


@pytest.mark.parametrize(("fs_hz", "samples"), [(250, 50), (256, 51), (500, 100), (512, 102), (1000, 200), (1025, 205)])
def test_the_longest_shift_at_each_sampling_rate(fs_hz: int, samples: int) -> None:
    assert int(MAX_SHIFT_S * fs_hz) == samples
    truth = beats(5 * samples, samples + 5)
    assert align(truth, np.roll(truth, -samples), fs_hz).shift == samples


def test_what_a_shift_brings_in_is_nan_and_counts_as_0() -> None:
    # k = 1 by the spike; overlap (5, 0, 0) and (5, 0, 0): no offset; the first sample is lost, its truth is 2.
    truth = np.array([2.0, 5, 0, 0])
    predicted = np.array([5.0, 0, 0, 0])
    aligned = align(truth, predicted, FS_HZ)
    assert aligned.shift == 1
    np.testing.assert_array_equal(aligned.values_mv, [NAN, 5, 0, 0])
    power = lead_power(truth, predicted, FS_HZ)
    assert (power.signal, power.noise) == (29, 4)


def test_nan_in_the_prediction_is_0() -> None:
    power = lead_power(np.array([0.0, 4, 2, 0]), np.array([0.0, 4, NAN, 0]), FS_HZ)
    assert (power.signal, power.noise) == (20, 4)


def test_a_prediction_of_nothing_is_a_ratio_of_1() -> None:
    power = lead_power(np.array([0.0, 4, 2, 0]), np.full(4, NAN), FS_HZ)
    assert power.ratio == 1


def test_infinite_predictions_count_as_unknown() -> None:
    power = lead_power(np.array([0.0, 4, 2, 0]), np.array([0.0, 4, np.inf, 0]), FS_HZ)
    assert (power.signal, power.noise) == (20, 4)


def test_of_equal_correlations_the_smallest_lag_is_taken() -> None:
    # A constant correlates with nothing: all lags are equal, and at lag 0 it becomes the truth's mean.
    aligned = align(np.array([4.0, 0, 0, 4]), np.full(4, 0.3), FS_HZ)
    assert aligned.shift == 0
    power = lead_power(np.array([4.0, 0, 0, 4]), np.full(4, 0.3), FS_HZ)
    assert power.signal == 32
    assert power.noise == pytest.approx(16)


def test_without_signal_the_ratio_is_0_and_without_error_384() -> None:
    flat = np.zeros(4)
    assert lead_power(flat, np.array([1.0, -1, 1, -1]), FS_HZ).ratio == 0
    assert lead_power(flat, flat + 2, FS_HZ).ratio == HIGHEST_RATIO


def test_a_records_ratio_is_of_the_sums_over_its_leads() -> None:
    truth, predicted = np.full((12, 4), NAN), np.full((12, 4), NAN)
    truth[0], predicted[0] = [1, -1, 1, -1], [0.5, -0.5, 0.5, -0.5]
    truth[11], predicted[11] = [2, -2, 2, -2], [1, -1, 1, -1]
    powers = lead_powers(truth, predicted, FS_HZ)
    assert powers == {"I": Power(4, 1), "V6": Power(16, 4)}
    assert total(powers.values()) == Power(20, 5)


def test_the_prediction_counts_only_where_the_truth_is_printed() -> None:
    truth, predicted = np.full((12, 8), NAN), np.full((12, 8), 9.0)
    truth[3, 2:6], predicted[3, 2:6] = [1, -1, 1, -1], [0.5, -0.5, 0.5, -0.5]
    assert lead_powers(truth, predicted, FS_HZ) == {"aVR": Power(4, 1)}


def test_the_score_is_of_the_mean_ratio() -> None:
    assert score_db([4, 0]) == pytest.approx(10 * np.log10(2))
    assert score_db([0, 0]) == score_db([]) == LOWEST_DB


def test_snr_without_the_cap() -> None:
    assert Power(1e6, 1).db == pytest.approx(60)
    assert Power(1e6, 1).ratio == HIGHEST_RATIO
    assert (Power(1, 0).db, Power(0, 1).db) == (float("inf"), float("-inf"))


def test_shapes_that_do_not_fit_are_named() -> None:
    with pytest.raises(ShapeError, match=r"\(4,\).*\(5,\)"):
        align(np.zeros(4), np.zeros(5), FS_HZ)
    with pytest.raises(ShapeError, match=r"expected \(12, n\)"):
        lead_powers(np.zeros((11, 4)), np.zeros((11, 4)), FS_HZ)


def test_the_printed_window_is_from_the_first_to_the_last_number() -> None:
    assert printed_window(np.array([NAN, 1, NAN, 2, NAN])) == slice(1, 4)
    assert printed_window(np.full(3, NAN)) == slice(0, 0)


numbers = st.integers(-4, 4)
known_or_not = st.one_of(numbers, numbers, numbers, st.none())


@settings(max_examples=400, deadline=None)
@given(st.data(), st.integers(1, 12), st.sampled_from([5, 10, 16]))
def test_it_agrees_with_the_definition_taken_literally(data: st.DataObject, count: int, fs_hz: int) -> None:
    truth = data.draw(st.lists(numbers, min_size=count, max_size=count))
    predicted = data.draw(st.lists(known_or_not, min_size=count, max_size=count))
    power = lead_power(np.array(truth, float), np.array([NAN if one is None else one for one in predicted]), fs_hz)
    signal, noise = literal(truth, predicted, int(0.2 * fs_hz))
    assert power.signal == float(signal)
    assert power.noise == pytest.approx(float(noise), abs=1e-9)


def literal(truth: list[int], predicted: list[int | None], farthest: int) -> tuple[Fraction, Fraction]:
    """S and N by loops over exact fractions."""
    count = len(truth)
    known = [one for one in predicted if one is not None]
    truth_mean = Fraction(sum(truth), count)
    mean = Fraction(sum(known), len(known)) if known else Fraction(0)
    best, best_lag = None, 0
    for lag in range(-farthest, farthest + 1):
        correlation = Fraction(0)
        for i in range(count):
            value = predicted[i - lag] if 0 <= i - lag < count else None
            if value is not None:
                correlation += (truth[i] - truth_mean) * (value - mean)
        if abs(lag) < count and (best is None or (correlation, -abs(lag)) > (best, -abs(best_lag))):
            best, best_lag = correlation, lag
    shifted = [predicted[i - best_lag] if 0 <= i - best_lag < count else None for i in range(count)]
    differences = [value - one for value, one in zip(shifted, truth, strict=True) if value is not None]
    offset = Fraction(sum(differences), len(differences)) if differences else Fraction(0)
    noise = sum(
        (one - (value - offset if value is not None else 0)) ** 2 for one, value in zip(truth, shifted, strict=True)
    )
    return Fraction(sum(one * one for one in truth)), Fraction(noise)
