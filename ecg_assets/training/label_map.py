"""Maps the samples' five classes to a network's five or three."""

from collections.abc import Sequence
from typing import Literal

import numpy as np
import numpy.typing as npt

from ecg_assets.samples.classes import CLASSES

ClassCount = Literal[3, 5]

# Least share of the pixels that a class is weighted by.
_LEAST_SHARE = 1e-4

THREE_CLASSES: tuple[str, ...] = ("background", "grid", "wave")
THREE_OF_FIVE: npt.NDArray[np.uint8] = np.array([0, 1, 1, 1, 2], dtype=np.uint8)


def class_names(classes: int) -> tuple[str, ...]:
    """Names of the classes, in the order of their numbers."""
    return THREE_CLASSES if classes == len(THREE_CLASSES) else CLASSES


def to_classes(mask: npt.NDArray[np.uint8], classes: int) -> npt.NDArray[np.uint8]:
    """Converts a mask of five classes, any shape, to one of `classes` classes."""
    return THREE_OF_FIVE[mask] if classes == len(THREE_CLASSES) else mask


def collapse(confusion: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Converts a confusion matrix of five classes (5, 5) to one of three (3, 3); one of three is unchanged."""
    if len(confusion) == len(THREE_CLASSES):
        return confusion
    into = np.eye(len(THREE_CLASSES), dtype=np.int64)[THREE_OF_FIVE]  # (5, 3)
    return np.asarray(into.T @ confusion @ into, dtype=np.int64)


def measured_weights(shares: Sequence[float], classes: int) -> tuple[float, ...]:
    """Weights of a cross entropy from the classes' shares of the pixels.

    A weight is the cube root of background's share over the class's share. Weights in proportion to that ratio would
    raise the recall of rare classes at the cost of their precision.

    Args:
        shares: of the five classes, summing to 1.
        classes: number of the network's classes.

    Returns:
        One for each class; background has 1.
    """
    summed = np.bincount(THREE_OF_FIVE, weights=shares) if classes == len(THREE_CLASSES) else np.asarray(shares)
    rarer = summed[0] / np.maximum(summed, _LEAST_SHARE)
    return tuple(round(float(weight), 3) for weight in np.cbrt(rarer))
