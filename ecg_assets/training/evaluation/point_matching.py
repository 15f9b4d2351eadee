"""Matches predicted and true intersections of a page's lines one to one."""

import cv2
import numpy as np
import numpy.typing as npt

from ecg_assets.training.evaluation.boundary_f_score import DETECTION_PX, Bits, Matches

Centres = npt.NDArray[np.float64]
Numbers = npt.NDArray[np.int64]


def detection_matches(truth_hw: Bits, predicted_hw: Bits, radius_px: float = DETECTION_PX) -> Matches:
    """Components (8-connected) of one class whose centres are matched one to one within `radius_px`.

    The matching is maximum, so the counts do not depend on the order; a second prediction at the same true component
    is a false positive.

    Args:
        truth_hw, predicted_hw: (h, w) uint8, 1 where the class is, else 0.
        radius_px: greatest distance of matched centres, Euclidean.
    """
    true, predicted = _centres(truth_hw), _centres(predicted_hw)
    matched = most_pairs(*_near_pairs(predicted, true, radius_px))
    return Matches(predicted_hits=matched, predicted=len(predicted), true_hits=matched, true=len(true))


def most_pairs(left: Numbers, right: Numbers) -> int:
    """Size of a maximum matching of the bipartite graph with the edges `left[n]`, `right[n]`.

    By augmenting paths (Kuhn 1955), searched breadth first because a path through many fragments is too deep for
    recursion.
    """
    if not len(left):
        return 0
    if np.bincount(left).max() == 1 and np.bincount(right).max() == 1:
        return len(left)
    neighbours: dict[int, list[int]] = {}
    for one, other in zip(left.tolist(), right.tolist(), strict=True):
        neighbours.setdefault(one, []).append(other)
    taken_by: dict[int, int] = {}  # right to left
    holds: dict[int, int] = {}  # left to right
    return sum(_augment(start, neighbours, taken_by, holds) for start in neighbours)


def _augment(start: int, neighbours: dict[int, list[int]], taken_by: dict[int, int], holds: dict[int, int]) -> bool:
    """Pairs `start`, reassigning other pairs if needed; False if that is impossible."""
    came_from: dict[int, int] = {}
    waiting = [start]
    for left in waiting:
        for right in neighbours[left]:
            if right in came_from:
                continue
            came_from[right] = left
            if right not in taken_by:
                _exchange(right, came_from, taken_by, holds)
                return True
            waiting.append(taken_by[right])
    return False


def _exchange(free: int, came_from: dict[int, int], taken_by: dict[int, int], holds: dict[int, int]) -> None:
    right: int | None = free
    while right is not None:
        left = came_from[right]
        before = holds.get(left)  # None for the node that the path started at
        taken_by[right], holds[left] = left, right
        right = before


def _centres(bits_hw: Bits) -> Centres:
    """(n, 2) float64, x and y, ordered by y."""
    centres = np.asarray(cv2.connectedComponentsWithStats(bits_hw, connectivity=8)[3][1:], dtype=np.float64)
    return centres[np.argsort(centres[:, 1], kind="stable")]


def _near_pairs(predicted: Centres, true: Centres, radius_px: float) -> tuple[Numbers, Numbers]:
    """Indices of predicted and true centres within the radius; only centres within its rows are compared."""
    first = np.searchsorted(true[:, 1], predicted[:, 1] - radius_px, side="left")
    last = np.searchsorted(true[:, 1], predicted[:, 1] + radius_px, side="right")
    count = last - first
    left = np.repeat(np.arange(len(predicted)), count)
    right = np.arange(count.sum()) + np.repeat(first - (np.cumsum(count) - count), count)
    near = np.hypot(*(predicted[left] - true[right]).T) <= radius_px
    return left[near], right[near]
