"""Counts matches within a tolerance, for F scores of thin classes.

A trace or a line is a few pixels thin, so an irrelevant shift of half a pixel costs much Dice. Precision is
therefore also measured as the share of predicted pixels that lie within a tolerance of a true one, and recall as the
share of true pixels that lie within it of a predicted one: the boundary F-measure of Martin, Fowlkes and Malik (2004,
"Learning to detect natural image boundaries using local brightness, color, and texture cues") in the form of Csurka et
al. (2013, "What is a good evaluation measure for semantic segmentation?"), which counts within a distance instead of
assigning pixels one to one, and here taken over all pixels of a class, because a stroke is nearly all boundary.
"""

from functools import cache

import cv2
import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict

Bits = npt.NDArray[np.uint8]

TOLERANCES_PX: tuple[int, ...] = (1, 2)
DETECTION_PX = 3.0


class Matches(BaseModel):
    """Counts of elements of two sets that have a counterpart in the other; additive over samples.

    Attributes:
        predicted_hits: predicted elements with a true one near.
        predicted: all predicted elements.
        true_hits: true elements with a predicted one near.
        true: all true elements.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    predicted_hits: int = 0
    predicted: int = 0
    true_hits: int = 0
    true: int = 0

    def __add__(self, other: "Matches") -> "Matches":
        return Matches(
            predicted_hits=self.predicted_hits + other.predicted_hits,
            predicted=self.predicted + other.predicted,
            true_hits=self.true_hits + other.true_hits,
            true=self.true + other.true,
        )

    @property
    def precision(self) -> float | None:
        """None if nothing is predicted."""
        return self.predicted_hits / self.predicted if self.predicted else None

    @property
    def recall(self) -> float | None:
        """None if nothing is true."""
        return self.true_hits / self.true if self.true else None

    @property
    def f(self) -> float | None:
        """Harmonic mean of precision and recall; 0 if one set is empty, None if both are."""
        if not self.predicted and not self.true:
            return None
        precision, recall = self.precision or 0.0, self.recall or 0.0
        return 2 * precision * recall / (precision + recall) if precision + recall else 0.0


def near_matches(truth_hw: Bits, predicted_hw: Bits, tolerance_px: int) -> Matches:
    """Pixels of one class within `tolerance_px` of each other, between pixel centres, Euclidean.

    Args:
        truth_hw, predicted_hw: (h, w) uint8, 1 where the class is, else 0.
        tolerance_px: a whole number of pixels.
    """
    true, predicted = cv2.countNonZero(truth_hw), cv2.countNonZero(predicted_hw)
    if not true or not predicted:
        return Matches(predicted=predicted, true=true)
    disc = _disc(tolerance_px)
    return Matches(
        predicted_hits=cv2.countNonZero(cv2.bitwise_and(predicted_hw, cv2.dilate(truth_hw, disc))),
        predicted=predicted,
        true_hits=cv2.countNonZero(cv2.bitwise_and(truth_hw, cv2.dilate(predicted_hw, disc))),
        true=true,
    )


@cache
def _disc(radius_px: int) -> Bits:
    y, x = np.mgrid[-radius_px : radius_px + 1, -radius_px : radius_px + 1]
    return np.asarray(x * x + y * y <= radius_px * radius_px, dtype=np.uint8)
