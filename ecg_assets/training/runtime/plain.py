"""Plain torch on CUDA or the CPU: one replica, in the trainer's own process."""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import Any

import torch
from torch import Tensor

from ecg_assets.training.runtime.base import Runtime


class PlainRuntime:
    """The only replica there is; implements `Runtime`."""

    kind = "torch"
    ordinal = 0
    world_size = 1
    is_master = True

    def __init__(self) -> None:
        self.device = torch.device("cuda" if torch.cuda.is_available() else "cpu")

    def broadcast(self, tensors: Sequence[Tensor]) -> None:
        """Nothing to do: there is no other replica."""

    def reduce_gradients(self, optimizer: torch.optim.Optimizer) -> None:
        """Nothing to do: the mean over one replica is its own gradient."""

    def total(self, tensor: Tensor) -> Tensor:
        """The tensor itself."""
        return tensor

    def sync(self) -> None:
        """Nothing to do: torch runs each operation at once."""

    def autocast(self, bf16: bool) -> AbstractContextManager[Any]:
        """torch's autocast for this device."""
        return torch.autocast(self.device.type, dtype=torch.bfloat16, enabled=bf16)

    def compiles(self) -> int:
        """0: nothing is compiled."""
        return 0

    def fallbacks(self) -> list[str]:
        """Empty: every operation runs where its tensors are."""
        return []


def launch(replica: Callable[[Runtime], None]) -> None:
    """Runs `replica` in this process."""
    replica(PlainRuntime())
