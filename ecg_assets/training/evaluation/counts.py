"""Counts from which all scores are computed; they add up exactly over any partition of the samples."""

from collections.abc import Iterable
from functools import reduce
from typing import Literal

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict

from ecg_assets.pages.classes import INTERSECTION
from ecg_assets.samples.classes import CLASSES
from ecg_assets.training.evaluation.boundary_f_score import TOLERANCES_PX, Matches, near_matches
from ecg_assets.training.evaluation.point_matching import detection_matches
from ecg_assets.training.evaluation.scores import Scores, scores_of
from ecg_assets.training.label_map import class_names, collapse

Mask = npt.NDArray[np.uint8]
Division = Literal["recipe", "layout"]

# Agreeing pixels added to every sample, so that three wrong pixels on an empty page are not ranked worst of all.
_AGREEING_PX = 100


class Tally(BaseModel):
    """Counts of some samples.

    Attributes:
        samples: number of samples.
        confusion: pixels by (true class, predicted class).
        near: for each tolerance in pixels and each class except background, the pixels near each other.
        intersections: matched one to one within 3 px; empty for networks without that class.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    samples: int
    confusion: list[list[int]]
    near: dict[int, dict[str, Matches]]
    intersections: Matches

    def __add__(self, other: "Tally") -> "Tally":
        return Tally(
            samples=self.samples + other.samples,
            confusion=(self.counts + other.counts).tolist(),
            near={
                tolerance: {name: matches + other.near[tolerance][name] for name, matches in classes.items()}
                for tolerance, classes in self.near.items()
            },
            intersections=self.intersections + other.intersections,
        )

    @property
    def counts(self) -> npt.NDArray[np.int64]:
        """The confusion matrix, int64."""
        return np.array(self.confusion, dtype=np.int64)

    @property
    def named_counts(self) -> dict[str, dict[str, int]]:
        """The confusion matrix by names: pixels of each true class, by predicted class."""
        names = class_names(len(self.confusion))
        return {true: dict(zip(names, row, strict=True)) for true, row in zip(names, self.confusion, strict=True)}

    @property
    def scores(self) -> Scores:
        """IoU, Dice, precision and recall of each class."""
        return scores_of(self.counts)

    @property
    def three_class_dice(self) -> dict[str, float | None]:
        """Dice of background, grid (all lines together) and wave."""
        return scores_of(collapse(self.counts)).dice

    def near_f(self, tolerance_px: int) -> dict[str, float | None]:
        """F score of each class except background within a tolerance; None if neither present nor predicted."""
        return {name: matches.f for name, matches in self.near[tolerance_px].items()}

    @property
    def agreement(self) -> float:
        """Agreement of truth and prediction within 1 px over all classes except background: 1 is perfect.

        Near pixels of both over all pixels of both, each plus a constant. Samples are ranked by it.
        """
        classes = self.near[TOLERANCES_PX[0]].values()
        hits = sum(one.predicted_hits + one.true_hits for one in classes)
        pixels = sum(one.predicted + one.true for one in classes)
        return (hits + _AGREEING_PX) / (pixels + _AGREEING_PX)

    @property
    def shows_something(self) -> bool:
        """Whether the truth has anything except background."""
        return bool(self.counts[1:].any())


class Cell(BaseModel):
    """The samples of one recipe and one layout.

    Attributes:
        recipe: of the degradations.
        layout: of the page; `unknown` for samples without one (not an ECG, or of an earlier version).
        tally: their counts.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    recipe: str
    layout: str
    tally: Tally


def tally_of(truth_hw: Mask, predicted_hw: Mask, classes: int) -> Tally:
    """Counts of one sample.

    Args:
        truth_hw, predicted_hw: (h, w) uint8, class numbers below `classes`.
        classes: 3 or 5.
    """
    names = class_names(classes)
    pairs = np.bincount((truth_hw * np.uint8(classes) + predicted_hw).ravel(), minlength=classes * classes)
    bits = {
        name: ((truth_hw == number).view(np.uint8), (predicted_hw == number).view(np.uint8))
        for number, name in enumerate(names)
        if number
    }
    intersections = bits.get(CLASSES[INTERSECTION])
    return Tally(
        samples=1,
        confusion=pairs.reshape(classes, classes).tolist(),
        near={
            tolerance: {name: near_matches(*pair, tolerance) for name, pair in bits.items()}
            for tolerance in TOLERANCES_PX
        },
        intersections=detection_matches(*intersections) if intersections else Matches(),
    )


def no_samples(classes: int) -> Tally:
    """Zero counts, for a network of 3 or 5 classes."""
    return Tally(
        samples=0,
        confusion=np.zeros((classes, classes), dtype=np.int64).tolist(),
        near={tolerance: {name: Matches() for name in class_names(classes)[1:]} for tolerance in TOLERANCES_PX},
        intersections=Matches(),
    )


def summed(tallies: Iterable[Tally]) -> Tally:
    """The sum of all.

    Raises:
        TypeError: the list is empty.
    """
    return reduce(lambda one, other: one + other, tallies)


def divided(cells: Iterable[Cell], by: Division) -> dict[str, Tally]:
    """The counts of each recipe, or of each layout, sorted by name."""
    groups: dict[str, list[Tally]] = {}
    for cell in cells:
        groups.setdefault(cell.recipe if by == "recipe" else cell.layout, []).append(cell.tally)
    return {name: summed(groups[name]) for name in sorted(groups)}
