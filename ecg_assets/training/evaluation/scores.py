"""Computes scores from counts; does not import torch, so that assets and commands can use it."""

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict

from ecg_assets.training.label_map import class_names


class Scores(BaseModel):
    """Per class, in the order of the confusion matrix; None for a class neither present nor predicted."""

    model_config = ConfigDict(frozen=True)

    iou: dict[str, float | None]
    dice: dict[str, float | None]
    precision: dict[str, float | None]
    recall: dict[str, float | None]

    @property
    def foreground_dice(self) -> float:
        """Mean Dice over all classes except background; 0 if none of them occurs."""
        known = [dice for name, dice in self.dice.items() if name != "background" and dice is not None]
        return sum(known) / len(known) if known else 0.0


def scores_of(confusion: npt.NDArray[np.int64]) -> Scores:
    """IoU, Dice, precision and recall of each class from a confusion matrix (true class, predicted class)."""
    names = class_names(len(confusion))
    hits, truth, predicted = np.diag(confusion), confusion.sum(axis=1), confusion.sum(axis=0)

    def shares(parts: npt.NDArray[np.int64], wholes: npt.NDArray[np.int64]) -> dict[str, float | None]:
        return {
            name: float(part / whole) if whole else None for name, part, whole in zip(names, parts, wholes, strict=True)
        }

    return Scores(
        iou=shares(hits, truth + predicted - hits),
        dice=shares(2 * hits, truth + predicted),
        precision=shares(hits, predicted),
        recall=shares(hits, truth),
    )
