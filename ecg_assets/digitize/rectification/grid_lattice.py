"""Finds the crossings of the 5-mm lines in a network's prediction, and numbers them from neighbour to neighbour."""

from collections import deque
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt
from scipy.spatial import KDTree

Field = npt.NDArray[np.float32]
Points = npt.NDArray[np.float64]
Node = tuple[int, int]

# Both lines of a crossing continue to either side: they are followed this far.
_ALONG, _ACROSS = 0.15, 0.035
_LEAST_RESPONSE = 0.02
# How far, in cells, a crossing may lie from where its neighbours expect it; each cell leapt over adds a little.
_NEAR, _NEAR_PER_LEAP = 0.22, 0.04
_LEAPS = (1, 2, 3)
_LEAST_NODES = 24
# A crossing further than the first value, in cells, from the middle of its neighbours is dropped; if half of all are
# further than the second, the lattice is not a printed grid: a paper's are within a fiftieth, even in wrinkles.
_BENT, _MOSTLY_BENT = 0.12, 0.035
_DIRECTIONS: tuple[Node, ...] = ((1, 0), (-1, 0), (0, 1), (0, -1))


@dataclass(frozen=True)
class Lattice:
    """Crossings of 5-mm lines.

    Attributes:
        numbers: (n, 2) int64, column and row of each crossing, from 0.
        places_px: (n, 2) float64, x and y in the picture, pixel centres at whole numbers.
    """

    numbers: npt.NDArray[np.int64]
    places_px: Points

    @property
    def columns(self) -> int:
        """Number of columns of crossings, gaps included."""
        return int(self.numbers[:, 0].max()) + 1

    @property
    def rows(self) -> int:
        """Number of rows of crossings, gaps included."""
        return int(self.numbers[:, 1].max()) + 1


def find_lattice(level_hw: Field, upright_hw: Field, cell_px: float) -> Lattice | None:
    """Walks from crossing to crossing.

    Args:
        level_hw: (h, w) float32, probability of a 5-mm line from left to right, crossings included.
        upright_hw: the same of lines from top to bottom.
        cell_px: approximate length of 5 mm in pixels.

    Returns:
        None if too few crossings are connected.
    """
    places = _crossings(level_hw, upright_hw, cell_px)
    if len(places) < _LEAST_NODES:
        return None
    walked = _Walk(places, cell_px).longest()
    walked = _without_bent(walked, cell_px)
    if len(walked) < _LEAST_NODES or _irregular(walked, cell_px):
        return None
    numbers = np.array(list(walked), dtype=np.int64)
    return Lattice(numbers - numbers.min(axis=0), np.array(list(walked.values())))


def _crossings(level_hw: Field, upright_hw: Field, cell_px: float) -> Points:
    """(n, 2) places, the clearest first; two do not lie closer than half a cell."""
    along, across = cell_px * _ALONG, max(1.0, cell_px * _ACROSS)
    level = cv2.GaussianBlur(level_hw, (0, 0), sigmaX=along, sigmaY=across)
    upright = cv2.GaussianBlur(upright_hw, (0, 0), sigmaX=across, sigmaY=along)
    response = level * upright
    reach = max(3, int(cell_px * 0.5) | 1)
    peaks = (response >= cv2.dilate(response, np.ones((reach, reach), np.uint8))) & (response > _LEAST_RESPONSE)
    peaks[[0, -1], :] = peaks[:, [0, -1]] = False
    rows, columns = np.nonzero(peaks)
    order = np.argsort(-response[rows, columns], kind="stable")
    rows, columns = rows[order], columns[order]
    x = columns + _vertex(level_hw=response, rows=rows, columns=columns, step=(0, 1))
    y = rows + _vertex(level_hw=response, rows=rows, columns=columns, step=(1, 0))
    return np.stack([x, y], axis=1)


def _vertex(
    level_hw: Field, rows: npt.NDArray[np.int64], columns: npt.NDArray[np.int64], step: tuple[int, int]
) -> npt.NDArray[np.float64]:
    """Where a parabola through the logarithms of a peak and its two neighbours is highest, -0.5 to 0.5."""
    before, here, after = (
        np.log(np.maximum(level_hw[rows + sign * step[0], columns + sign * step[1]].astype(np.float64), 1e-9))
        for sign in (-1, 0, 1)
    )
    bend = before - 2 * here + after
    return np.clip(np.where(bend < -1e-12, 0.5 * (before - after) / np.minimum(bend, -1e-12), 0.0), -0.5, 0.5)


class _Walk:
    """Numbers crossings from one to the next."""

    def __init__(self, places: Points, cell_px: float) -> None:
        self.places, self.cell_px = places, cell_px
        self.tree = KDTree(places)
        self.steps = self._usual_steps()

    def longest(self) -> dict[Node, Points]:
        """The largest connected set of crossings; a page may show several separate ones."""
        best: dict[Node, Points] = {}
        seen: set[int] = set()
        for start in range(len(self.places)):
            if start in seen:
                continue
            found = self._from(start)
            seen |= set(found.values())
            if len(found) > len(best):
                best = {node: self.places[place] for node, place in found.items()}
            if len(best) * 2 > len(self.places):
                break
        return best

    def _usual_steps(self) -> dict[Node, Points]:
        """The median way from a crossing to its neighbour on the right, and to the one below."""
        steps: dict[Node, Points] = {}
        for direction in ((1, 0), (0, 1)):
            guess = np.array(direction) * self.cell_px
            reach = 0.3 * self.cell_px
            index = np.asarray(self.tree.query(self.places + guess, distance_upper_bound=reach)[1])
            near = index < len(self.places)
            way = self.places[index[near]] - self.places[near] if near.sum() > 4 else guess[None, :]
            steps[direction] = np.median(way, axis=0)
            steps[(-direction[0], -direction[1])] = -steps[direction]
        return steps

    def _from(self, start: int) -> dict[Node, int]:
        found, taken = {(0, 0): start}, {start}
        steps = {(0, 0): self.steps}
        queue = deque([(0, 0)])
        while queue:
            node = queue.popleft()
            for direction in _DIRECTIONS:
                self._step(node, direction, found, taken, steps, queue)
        return found

    def _step(
        self,
        node: Node,
        direction: Node,
        found: dict[Node, int],
        taken: set[int],
        steps: dict[Node, dict[Node, Points]],
        queue: deque[Node],
    ) -> None:
        own = steps[node]
        for leap in _LEAPS:
            target = (node[0] + leap * direction[0], node[1] + leap * direction[1])
            if target in found:
                return
            expected = self.places[found[node]] + leap * own[direction]
            near = self.cell_px * (_NEAR + _NEAR_PER_LEAP * (leap - 1))
            place = int(np.asarray(self.tree.query(expected, distance_upper_bound=near)[1]))
            if place < len(self.places) and place not in taken:
                found[target] = place
                taken.add(place)
                way = (self.places[place] - self.places[found[node]]) / leap
                steps[target] = _learnt(own, direction, way)
                queue.append(target)
                return


def _learnt(steps: dict[Node, Points], direction: Node, way: Points) -> dict[Node, Points]:
    """The steps that the next crossing expects: half of those expected here, half of those found; bends turn both."""
    back = (-direction[0], -direction[1])
    mixed = 0.6 * steps[direction] + 0.4 * way
    return {**steps, direction: mixed, back: -mixed}


def _without_bent(nodes: dict[Node, Points], cell_px: float) -> dict[Node, Points]:
    """Removes crossings that are off the middle of their neighbours while those are otherwise regular."""
    return {
        node: place
        for node, place in nodes.items()
        if not (away := _from_the_middle(nodes, node)) or min(away) <= _BENT * cell_px
    }


def _irregular(nodes: dict[Node, Points], cell_px: float) -> bool:
    away = [one for node in nodes for one in _from_the_middle(nodes, node)]
    return not away or float(np.median(away)) > _MOSTLY_BENT * cell_px


def _from_the_middle(nodes: dict[Node, Points], node: Node) -> list[float]:
    """How far, px, a crossing lies from the middle of its two neighbours, along each axis that has both."""
    away = []
    for dx, dy in ((1, 0), (0, 1)):
        before, after = nodes.get((node[0] - dx, node[1] - dy)), nodes.get((node[0] + dx, node[1] + dy))
        if before is not None and after is not None:
            away.append(float(np.hypot(*(nodes[node] - (before + after) / 2))))
    return away
