"""A confusion matrix that stays on the device and adds up exactly."""

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from ecg_assets.training.losses import one_hot
from ecg_assets.training.scores import Scores, scores_of

__all__ = ["ConfusionMatrix", "Scores", "counts_on_host", "scores_of"]

# A count is kept as high * 2^20 + low in 32-bit integers: not every device adds 64-bit integers over replicas.
_LOW_BITS = 20


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
