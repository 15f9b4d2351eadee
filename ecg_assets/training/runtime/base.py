"""The runtime interface of the training loop: one replica's device and its communication with other replicas.

Everything after a `sync()` is queued; values are read (`.item()`, `.cpu()`) only right after a `sync()`, and every
replica calls the same methods in the same order. XLA requires that, and it costs plain torch nothing.
"""

from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import AbstractContextManager
from typing import Any, Protocol, TypeVar

import torch
from torch import Tensor

Label = TypeVar("Label")
# Tensors of the host or of the device, with any data that the loop keeps with them.
Fed = tuple[Label, Sequence[Tensor]]


class ReplicaError(RuntimeError):
    """A replica's process died or hung, or the replica failed, which ends the whole group."""


class Runtime(Protocol):
    """One replica.

    Attributes:
        kind: `xla` or `torch`.
        device: of this replica's tensors.
        ordinal: this replica's index, 0 to world_size - 1.
        world_size: number of replicas on all hosts.
        host_replicas: number of replicas on this host.
        core: the TPU core's version, for example `v3`; None without a TPU.
    """

    kind: str
    device: torch.device
    ordinal: int
    world_size: int
    host_replicas: int
    core: str | None

    @property
    def is_master(self) -> bool:
        """Whether this is the replica that writes files and events."""
        ...

    def broadcast(self, tensors: Sequence[Tensor]) -> None:
        """Gives all replicas the first one's values, in place."""
        ...

    def reduce_gradients(self, optimizer: torch.optim.Optimizer) -> None:
        """Replaces each gradient by its mean over the replicas."""
        ...

    def total(self, tensor: Tensor) -> Tensor:
        """The sum over the replicas; read it after `sync()`."""
        ...

    def sync(self) -> None:
        """Ends a step: compiles (the first time) and starts the queued operations."""
        ...

    def within_memory(self, compute: Callable[[], Tensor]) -> Tensor | None:
        """The computed result of `compute`, which calls `sync()` last; None if it does not fit in memory."""
        ...

    def recomputed(self, function: Callable[..., Tensor], *tensors: Tensor) -> Tensor:
        """`function` of `tensors`; intermediate values are recomputed for the gradients instead of being stored."""
        ...

    def feed(self, batches: Iterator[Fed[Label]]) -> Generator[Fed[Label], None, None]:
        """Uploads each batch to the device, in order, while earlier steps are computed.

        Close it or exhaust it. Exceptions of `batches` are raised.
        """
        ...

    def autocast(self, bf16: bool) -> AbstractContextManager[Any]:
        """A context in which the network computes in bf16, or in f32."""
        ...

    def beat(self) -> None:
        """Writes a heartbeat; a replica without one for too long is considered hung."""
        ...

    def compiles(self) -> int:
        """Number of graphs that this process has compiled so far."""
        ...

    def fallbacks(self) -> list[str]:
        """Operations that ran on the host because the device does not support them; normally empty."""
        ...
