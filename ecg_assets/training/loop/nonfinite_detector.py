"""Detects non-finite losses and gradients without reading a value in every step."""

from dataclasses import dataclass, field

import torch
from torch import Tensor

from ecg_assets.training.runtime.base import Runtime


@dataclass(frozen=True)
class Seen:
    """Statistics synchronised over replicas since the last check.

    Attributes:
        loss_sum: of the steps since the last check, mean over replicas.
        steps: number of these steps.
        first_bad: the first step since then whose loss or gradient was not finite; 0 if all were finite.
        bad_weights: whether a weight or moment is not finite.
        own_bad: samples of this replica's batch of that step with non-finite loss.
        losses_r: each replica's sum within `loss_sum`, from which it resumes after a stop between two checks.
    """

    loss_sum: float
    steps: int
    first_bad: int
    bad_weights: bool
    own_bad: list[int]
    losses_r: list[float] = field(default_factory=list)


class Watch:
    """Adds up losses on the device, and keeps the first non-finite step with its samples' losses."""

    def __init__(self, runtime: Runtime, batch_size: int) -> None:
        self._runtime, self._batch_size = runtime, batch_size
        self.reset()

    def reset(self) -> None:
        """Clears the statistics."""
        self.go_on(0.0, 0)

    def go_on(self, loss_sum: float, steps: int) -> None:
        """Begins with this replica's losses of the unchecked steps of an earlier run."""
        # Sent from the host, because values created on the device would become part of the compiled graph.
        self._sums = self._sent([loss_sum, float(steps)])
        self._first = self._sent([0.0])
        self._losses_b = self._sent([0.0] * self._batch_size)

    def note(self, step: int, losses_b: Tensor, norm: Tensor) -> None:
        """Records a step: its samples' losses in this replica, and the gradient's norm over all replicas."""
        loss = losses_b.mean()
        self._sums = self._sums + torch.stack([loss, torch.ones_like(loss)])
        bad = ~_is_finite(loss + norm)
        new = bad & (self._first[0] == 0)
        self._first = torch.where(new, self._sent([float(step)]), self._first)
        self._losses_b = torch.where(new, losses_b, self._losses_b)

    def look(self, weights: list[Tensor]) -> Seen:
        """Reads the statistics since the last check; the same in all replicas except `own_bad`."""
        runtime = self._runtime
        finite = torch.stack([_is_finite(tensor).all() for tensor in weights]).all()
        own_first = torch.zeros(runtime.world_size)
        own_first[runtime.ordinal] = 1.0
        own = own_first.to(runtime.device)
        # Kept per replica, because rounding of a common sum would depend on when the checks are.
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
    """As `torch.isfinite`, but in f32: torch compares with infinity in f64, which a TPU emulates for every weight."""
    return x - x == 0
