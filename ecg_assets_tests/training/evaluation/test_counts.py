"""Tolerant F-scores and detections against their definitions, counted by brute force, and exact sums."""

from itertools import permutations, product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ecg_assets.training.evaluation.boundary_f_score import Matches, near_matches
from ecg_assets.training.evaluation.counts import Cell, Mask, divided, summed, tally_of
from ecg_assets.training.evaluation.point_matching import detection_matches, most_pairs
from ecg_assets_tests.training.evaluation.cards import shifted_cells, truth_hw


def dots(*places: tuple[int, int], side: int = 40) -> Mask:
    """1 at each (y, x)."""
    bits_hw = np.zeros((side, side), dtype=np.uint8)
    for y, x in places:
        bits_hw[y, x] = 1
    return bits_hw


def pixels_near(these: Mask, those: Mask, tolerance_px: float) -> int:
    others = np.argwhere(those)
    return sum(
        bool(len(others)) and float(np.min(np.hypot(*(others - one).T))) <= tolerance_px for one in np.argwhere(these)
    )


@pytest.mark.parametrize("tolerance_px", [1, 2])
@pytest.mark.parametrize("share", [0.002, 0.02, 0.2])
def test_near_pixels_are_those_of_a_search_over_all_pairs(tolerance_px: int, share: float) -> None:
    rng = np.random.default_rng(1)
    truth, predicted = ((rng.random((30, 41)) < share).astype(np.uint8) for _ in range(2))
    assert near_matches(truth, predicted, tolerance_px) == Matches(
        predicted_hits=pixels_near(predicted, truth, tolerance_px),
        predicted=int(predicted.sum()),
        true_hits=pixels_near(truth, predicted, tolerance_px),
        true=int(truth.sum()),
    )


@pytest.mark.parametrize(("shift_px", "f_1", "f_2"), [(0, 1.0, 1.0), (1, 1.0, 1.0), (2, 0.0, 1.0), (3, 0.0, 0.0)])
def test_a_line_that_is_displaced_counts_up_to_the_tolerance(shift_px: int, f_1: float, f_2: float) -> None:
    truth, predicted = np.zeros((2, 30, 30), dtype=np.uint8)
    truth[10], predicted[10 + shift_px] = 1, 1
    assert near_matches(truth, predicted, 1).f == f_1
    assert near_matches(truth, predicted, 2).f == f_2


def test_the_distance_is_euclidean() -> None:
    assert near_matches(dots((10, 10)), dots((11, 11)), 1).f == 0
    assert near_matches(dots((10, 10)), dots((11, 11)), 2).f == 1
    assert near_matches(dots((10, 10)), dots((12, 12)), 2).f == 0


def test_precision_recall_and_f_are_of_the_shares_near_and_empty_sets_are_told_apart() -> None:
    matches = near_matches(dots((5, 5), (20, 20)), dots((5, 6), (30, 30), (30, 31), (35, 5)), 1)
    assert (matches.precision, matches.recall) == (0.25, 0.5)
    assert matches.f == pytest.approx(2 * 0.25 * 0.5 / 0.75)
    assert near_matches(dots(), dots(), 1).f is None
    assert near_matches(dots(), dots((1, 1)), 1).f == 0
    assert near_matches(dots((1, 1)), dots(), 1).f == 0


def test_intersections_are_matched_one_to_one_within_3_px() -> None:
    truth = dots((10, 10), (30, 30))
    assert detection_matches(truth, dots((10, 13), (33, 30))).f == 1
    assert detection_matches(truth, dots((10, 14), (30, 30))).true_hits == 1
    twice = detection_matches(truth, dots((10, 9), (10, 12), (30, 30)))
    assert (twice.true_hits, twice.predicted) == (2, 3), "the second one at the same place is a false one"
    one_for_two = detection_matches(dots((10, 8), (10, 12)), dots((10, 10)))
    assert (one_for_two.true_hits, one_for_two.true) == (1, 2)


def test_a_component_counts_once_whatever_its_size_and_diagonal_pixels_belong_together() -> None:
    truth = np.zeros((40, 40), dtype=np.uint8)
    truth[10:13, 10:13] = 1
    found = detection_matches(truth, dots((10, 10), (11, 11), (12, 12)))
    assert (found.true, found.predicted, found.true_hits) == (1, 1, 1)


def test_nearest_first_would_lose_a_pair_that_the_matching_finds() -> None:
    truth, predicted = dots((10, 10), (10, 13)), dots((10, 12), (10, 15))
    assert detection_matches(truth, predicted).true_hits == 2


@settings(max_examples=80, deadline=None)
@given(st.sets(st.tuples(st.integers(0, 4), st.integers(0, 4)), max_size=14))
def test_as_many_pairs_as_there_can_be(edges: set[tuple[int, int]]) -> None:
    left, right = (np.array([edge[side] for edge in edges], dtype=np.int64) for side in (0, 1))
    best = max(sum((one, other) in edges for one, other in enumerate(order)) for order in permutations(range(5)))
    assert most_pairs(left, right) == best


def test_a_confusion_counts_pixels_by_true_and_predicted_class() -> None:
    rng, truth = np.random.default_rng(0), truth_hw()
    predicted = rng.integers(0, 5, truth.shape, dtype=np.uint8)
    tally = tally_of(truth, predicted, 5)
    for true, other in product(range(5), repeat=2):
        assert tally.counts[true, other] == np.sum((truth == true) & (predicted == other))
    assert tally.named_counts["wave"]["horizontal"] == tally.counts[4, 1]


def test_counts_add_up_exactly_whichever_way_the_samples_are_divided() -> None:
    cells = shifted_cells()
    total = summed(cell.tally for cell in cells)
    assert total.samples == 4
    assert total.intersections.true == sum(cell.tally.intersections.true for cell in cells) == 4 * 16
    assert total.near[2]["wave"].predicted == sum(cell.tally.near[2]["wave"].predicted for cell in cells) == 4 * 64
    for by in ("recipe", "layout"):
        assert summed(divided(cells, by).values()) == total
    again = [Cell.model_validate_json(cell.model_dump_json()) for cell in cells]
    assert again == cells


def test_three_classes_have_no_intersections_and_their_own_names() -> None:
    tally = tally_of(np.array([[0, 1, 2]], np.uint8), np.array([[0, 1, 1]], np.uint8), 3)
    assert set(tally.near[1]) == {"grid", "wave"}
    assert tally.intersections.f is None
    assert tally.near_f(1)["grid"] == 1


def test_agreement_falls_with_wrong_pixels_and_a_few_on_an_empty_sample_are_no_catastrophe() -> None:
    truth, empty = truth_hw(), np.zeros((64, 64), dtype=np.uint8)
    few, many = empty.copy(), np.ones((64, 64), dtype=np.uint8)
    few[0, :3] = 4
    assert tally_of(truth, truth, 5).agreement == 1
    assert tally_of(empty, few, 5).agreement > 0.95
    assert tally_of(empty, many, 5).agreement < 0.05
    assert tally_of(truth, empty, 5).agreement < 0.2
    assert not tally_of(empty, many, 5).shows_something
