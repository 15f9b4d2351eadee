"""What the training loop asks of the machine: one replica's device, and how it meets the other replicas.

Everything after a `sync()` is queued; values are read (`.item()`, `.cpu()`) only right after a `sync()`, and every
replica calls the same methods in the same order. That holds for XLA, and costs plain torch nothing.
"""

from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import AbstractContextManager
from typing import Any, Protocol, TypeVar

import torch
from torch import Tensor

Label = TypeVar("Label")
# Host tensors, or the same ones on the device, with whatever the loop wants to know of them.
Fed = tuple[Label, Sequence[Tensor]]


class ReplicaError(RuntimeError):
    """A replica's process died or hung, or the replica ended with an error, and with it the whole group."""


class Runtime(Protocol):
    """One replica.

    Attributes:
        kind: `xla` or `torch`.
        device: where this replica's tensors live.
        ordinal: this replica's number, 0 to world_size - 1.
        world_size: how many replicas train together, on all hosts.
        host_replicas: how many of them share this host.
        core: the version of the TPU core that it is, for example `v3`; None where it is none.
    """

    kind: str
    device: torch.device
    ordinal: int
    world_size: int
    host_replicas: int
    core: str | None

    @property
    def is_master(self) -> bool:
        """Whether this is the one replica that writes files and tells events."""
        ...

    def broadcast(self, tensors: Sequence[Tensor]) -> None:
        """Gives all replicas the first one's values, in place."""
        ...

    def reduce_gradients(self, optimizer: torch.optim.Optimizer) -> None:
        """Replaces each gradient by its mean over the replicas."""
        ...

    def total(self, tensor: Tensor) -> Tensor:
        """The sum over the replicas; to be read after `sync()`."""
        ...

    def sync(self) -> None:
        """Ends a step: what was queued is compiled (the first time) and started."""
        ...

    def within_memory(self, compute: Callable[[], Tensor]) -> Tensor | None:
        """What `compute`, which calls `sync()` last, gives, once it is computed; None where memory does not suffice."""
        ...

    def recomputed(self, function: Callable[..., Tensor], *tensors: Tensor) -> Tensor:
        """`function` of `tensors`; what lies between is computed again for the gradients instead of being kept."""
        ...

    def feed(self, batches: Iterator[Fed[Label]]) -> Generator[Fed[Label], None, None]:
        """Brings each batch to the device, in order, while the steps before it are computed.

        To be closed, or used up. What `batches` raises is raised.
        """
        ...

    def autocast(self, bf16: bool) -> AbstractContextManager[Any]:
        """In which the network computes in bf16, or in f32."""
        ...

    def beat(self) -> None:
        """A sign of life; a replica that gives none for too long is taken to hang."""
        ...

    def compiles(self) -> int:
        """Graphs that this process has compiled so far."""
        ...

    def fallbacks(self) -> list[str]:
        """Operations that ran on the host because the device knows them not; there should be none."""
        ...
