"""Finds losses and gradients that are not finite without reading a value in every step."""

from dataclasses import dataclass, field

import torch
from torch import Tensor

from ecg_assets.training.runtime.base import Runtime


@dataclass(frozen=True)
class Seen:
    """What all replicas know after a look.

    Attributes:
        loss_sum: of the steps since the last look, mean over replicas.
        steps: how many they were.
        first_bad: the first step since then whose loss or gradient was not finite; 0 when all were.
        bad_weights: whether a weight or moment is not finite.
        own_bad: which samples of this replica's batch of that step have a loss that is not finite.
        losses_r: of `loss_sum`, the sum of each replica; what it goes on from after a stop between two looks.
    """

    loss_sum: float
    steps: int
    first_bad: int
    bad_weights: bool
    own_bad: list[int]
    losses_r: list[float] = field(default_factory=list)


class Watch:
    """Adds up losses on the device, and keeps the first step that was not finite, with its samples' losses."""

    def __init__(self, runtime: Runtime, batch_size: int) -> None:
        self._runtime, self._batch_size = runtime, batch_size
        self.reset()

    def reset(self) -> None:
        """Forgets what was seen."""
        self.go_on(0.0, 0)

    def go_on(self, loss_sum: float, steps: int) -> None:
        """Begins with this replica's losses of steps that an earlier run has ended with."""
        # Sent from the host: values that are made on the device would be part of the compiled graph.
        self._sums = self._sent([loss_sum, float(steps)])
        self._first = self._sent([0.0])
        self._losses_b = self._sent([0.0] * self._batch_size)

    def note(self, step: int, losses_b: Tensor, norm: Tensor) -> None:
        """Notes a step: its samples' losses in this replica, and the gradient's norm over all replicas."""
        loss = losses_b.mean()
        self._sums = self._sums + torch.stack([loss, torch.ones_like(loss)])
        bad = ~_is_finite(loss + norm)
        new = bad & (self._first[0] == 0)
        self._first = torch.where(new, self._sent([float(step)]), self._first)
        self._losses_b = torch.where(new, losses_b, self._losses_b)

    def look(self, weights: list[Tensor]) -> Seen:
        """Reads what was noted since the last look; the same in all replicas but for `own_bad`."""
        runtime = self._runtime
        finite = torch.stack([_is_finite(tensor).all() for tensor in weights]).all()
        own_first = torch.zeros(runtime.world_size)
        own_first[runtime.ordinal] = 1.0
        own = own_first.to(runtime.device)
        # By replica, not added up: rounding would depend on where the looks are.
        losses, firsts = torch.where(own > 0, self._sums[0], own), own * self._first
        bad = (~finite).float().view(1)
        facts = runtime.total(torch.cat([self._sums[1:], bad, losses, firsts]))
        runtime.sync()
        steps, bad_weights, *by_replica = facts.cpu().tolist()
        losses_r, firsts_r = by_replica[: runtime.world_size], by_replica[runtime.world_size :]
        found = [int(first) for first in firsts_r if first > 0]
        first_bad = min(found, default=0)
        own_bad: list[int] = []
        if first_bad and int(firsts_r[runtime.ordinal]) == first_bad:
            own_bad = torch.nonzero(~torch.isfinite(self._losses_b.cpu())).flatten().tolist()
        world = runtime.world_size
        loss_sum = sum(losses_r) / world
        seen = Seen(loss_sum, round(steps / world), first_bad, bad_weights > 0, own_bad, losses_r)
        self.reset()
        return seen

    def _sent(self, values: list[float]) -> Tensor:
        return torch.tensor(values, dtype=torch.float32).to(self._runtime.device)


def _is_finite(x: Tensor) -> Tensor:
    """As `torch.isfinite`, which compares with infinity in f64: a TPU has to emulate that, for every weight."""
    return x - x == 0
