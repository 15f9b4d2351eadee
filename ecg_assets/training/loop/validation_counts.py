"""Counts a validation as the evaluation report does, on the host, and adds the counts up exactly over replicas."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ecg_assets.training.evaluation.counts import Tally, no_samples, tally_of
from ecg_assets.training.runtime.base import Runtime

# A count is summed as high * 2^20 + low in 32-bit integers, because not every device sums 64-bit integers.
_LOW_BITS = 20


class ValidationCounts:
    """Counts the predictions for one replica's samples; 5 ms of host time per sample of 512 px.

    The host counts one batch while the device computes the next one, so the compiled step is the network only.
    """

    def __init__(self, classes: int) -> None:
        self._classes = classes
        self._tally = no_samples(classes)
        self._waiting: tuple[Tensor, Tensor, Tensor] | None = None

    def add(self, predicted_bhw: Tensor, mask_bhw: Tensor, valid_b: Tensor) -> None:
        """Takes a batch whose step was started, and counts the previous one.

        Args:
            predicted_bhw, mask_bhw: (b, h, w) uint8 classes, on the device.
            valid_b: (b,); samples with 0 pad the last batch and are not counted.
        """
        self._count()
        self._waiting = predicted_bhw, mask_bhw, valid_b

    def total(self, runtime: Runtime) -> Tally:
        """The counts of all replicas' samples, the same in every replica; ends a step."""
        self._count()
        own_n = np.fromiter(_leaves(self._tally.model_dump()), dtype=np.int64)
        halves_2n = np.stack([own_n >> _LOW_BITS, own_n & ((1 << _LOW_BITS) - 1)]).astype(np.int32)
        summed_2n = runtime.total(torch.from_numpy(halves_2n).to(runtime.device))
        runtime.sync()
        high_n, low_n = summed_2n.cpu().to(torch.int64)
        numbers = iter(((high_n << _LOW_BITS) + low_n).tolist())
        return Tally.model_validate(_filled(no_samples(self._classes).model_dump(), numbers))

    def _count(self) -> None:
        if self._waiting is None:
            return
        predicted_bhw, mask_bhw, valid_b = (tensor.cpu().numpy() for tensor in self._waiting)
        self._waiting = None
        for predicted_hw, mask_hw in zip(predicted_bhw[valid_b > 0], mask_bhw[valid_b > 0], strict=True):
            self._tally += tally_of(mask_hw, predicted_hw, self._classes)


def _leaves(tree: Any) -> Iterator[int]:
    """The numbers of nested dicts and lists, in their order, which is the order of the classes."""
    if isinstance(tree, int):
        yield tree
        return
    for branch in tree.values() if isinstance(tree, dict) else tree:
        yield from _leaves(branch)


def _filled(tree: Any, numbers: Iterator[int]) -> Any:
    """The same tree with other numbers."""
    if isinstance(tree, dict):
        return {name: _filled(branch, numbers) for name, branch in tree.items()}
    return [_filled(branch, numbers) for branch in tree] if isinstance(tree, list) else next(numbers)
