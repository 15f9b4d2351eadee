"""Which classes a network tells apart: the samples' five, or three that are made of them."""

from collections.abc import Sequence
from typing import Literal

import numpy as np
import numpy.typing as npt

from ecg_assets.samples.classes import CLASSES

ClassCount = Literal[3, 5]

# A class that hardly occurs is weighted as if it had this share of the pixels.
_LEAST_SHARE = 1e-4

THREE_CLASSES: tuple[str, ...] = ("background", "grid", "wave")
THREE_OF_FIVE: npt.NDArray[np.uint8] = np.array([0, 1, 1, 1, 2], dtype=np.uint8)


def class_names(classes: int) -> tuple[str, ...]:
    """Names of the classes, in the order of their numbers."""
    return THREE_CLASSES if classes == len(THREE_CLASSES) else CLASSES


def to_classes(mask: npt.NDArray[np.uint8], classes: int) -> npt.NDArray[np.uint8]:
    """A mask of five classes, any shape, as one of `classes` classes."""
    return THREE_OF_FIVE[mask] if classes == len(THREE_CLASSES) else mask


def collapse(confusion: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """A confusion matrix of five classes (5, 5) as one of three (3, 3); one of three stays as it is."""
    if len(confusion) == len(THREE_CLASSES):
        return confusion
    into = np.eye(len(THREE_CLASSES), dtype=np.int64)[THREE_OF_FIVE]  # (5, 3)
    return np.asarray(into.T @ confusion @ into, dtype=np.int64)


def measured_weights(shares: Sequence[float], classes: int) -> tuple[float, ...]:
    """Weights of a cross entropy from the classes' shares of the pixels.

    The cube root of how much rarer than background a class is: in proportion to it, rare classes would win in recall
    what they lose in precision.

    Args:
        shares: of the five classes, summing to 1.
        classes: that the network tells apart.

    Returns:
        One for each class; background has 1.
    """
    summed = np.bincount(THREE_OF_FIVE, weights=shares) if classes == len(THREE_CLASSES) else np.asarray(shares)
    rarer = summed[0] / np.maximum(summed, _LEAST_SHARE)
    return tuple(round(float(weight), 3) for weight in np.cbrt(rarer))
