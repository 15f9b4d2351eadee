"""Which classes a network tells apart: the samples' five, or three that are made of them."""

from typing import Literal

import numpy as np
import numpy.typing as npt

from ecg_assets.samples.classes import CLASSES

ClassCount = Literal[3, 5]

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
