"""A confusion matrix that stays on the device and adds up exactly, and the scores that follow from it."""

import numpy as np
import numpy.typing as npt
import torch
from pydantic import BaseModel, ConfigDict
from torch import Tensor

from ecg_assets.training.class_map import class_names
from ecg_assets.training.losses import one_hot

# A count is kept as high * 2^20 + low in 32-bit integers: not every device adds 64-bit integers over replicas.
_LOW_BITS = 20


class Scores(BaseModel):
    """Per class, in the order of the confusion matrix; None where the class is neither present nor predicted."""

    model_config = ConfigDict(frozen=True)

    iou: dict[str, float | None]
    dice: dict[str, float | None]
    precision: dict[str, float | None]
    recall: dict[str, float | None]

    @property
    def foreground_dice(self) -> float:
        """Mean Dice over all classes but background; 0 when none of them is there."""
        known = [dice for name, dice in self.dice.items() if name != "background" and dice is not None]
        return sum(known) / len(known) if known else 0.0


class ConfusionMatrix:
    """Counts pixels by true and predicted class, on the device, without reading a value."""

    def __init__(self, classes: int, device: torch.device) -> None:
        self.classes = classes
        # Sent from the host: zeros made on the device would be part of the compiled graph.
        self.counts = torch.zeros(2, classes, classes, dtype=torch.int32).to(device)

    def add(self, logits_bchw: Tensor, mask_bhw: Tensor, valid_b: Tensor) -> None:
        """Adds a batch of at most 16 million pixels; samples whose `valid_b` is 0 are not counted."""
        truth_bcn = (one_hot(mask_bhw, self.classes) * valid_b.view(-1, 1, 1, 1)).flatten(2)
        predicted_bcn = one_hot(logits_bchw.argmax(dim=1), self.classes).flatten(2)
        # Sums of ones: exact in f32 below 2^24.
        batch_cc = torch.einsum("btn,bpn->tp", truth_bcn, predicted_bcn).round().to(torch.int32)
        low = self.counts[1] + batch_cc
        self.counts = torch.stack([self.counts[0] + (low >> _LOW_BITS), low & ((1 << _LOW_BITS) - 1)])


def counts_on_host(counts: Tensor) -> npt.NDArray[np.int64]:
    """A `ConfusionMatrix.counts`, possibly summed over replicas, as int64 (true class, predicted class)."""
    high, low = counts.cpu().to(torch.int64).numpy()
    return np.asarray((high << _LOW_BITS) + low, dtype=np.int64)


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
