"""Uploads batches to an XLA device in the background: `MpDeviceLoader`'s prefetch, by the `ParallelLoader` inside it.

`MpDeviceLoader` itself ends a step at every batch, in the replica that reaches it first. Replicas that are threads of
one process may do that only together (see `replica_gate`). Therefore the uploaded batches are taken from the loader's
queue, and only the loop's `sync()` ends steps. A `ParallelLoader` can also be closed when an epoch is interrupted.
"""

from collections.abc import Generator, Iterator
from typing import Generic

import torch
from torch_xla.distributed.parallel_loader import ParallelLoader

from ecg_assets.training.runtime.base import Fed, Label

# Batches are prefetched by other threads; here one waits to be sent, and two wait on the device.
_ON_HOST, _ON_DEVICE = 1, 2


class _Kept(Generic[Label]):
    """Batches that keep their exception, because torch_xla's thread would treat it as their end."""

    def __init__(self, batches: Iterator[Fed[Label]]) -> None:
        self._batches = batches
        self.error: Exception | None = None

    def __iter__(self) -> Iterator[Fed[Label]]:
        try:
            yield from self._batches
        except Exception as error:
            self.error = error


def fed(batches: Iterator[Fed[Label]], device: torch.device) -> Generator[Fed[Label], None, None]:
    """Yields each batch with its tensors on the device, prefetching a few.

    Raises:
        Exceptions of `batches` and of the upload.
    """
    kept = _Kept(batches)
    loader = ParallelLoader(  # type: ignore[no-untyped-call]
        kept, [device], loader_prefetch_size=_ON_HOST, device_prefetch_size=_ON_DEVICE
    )
    try:
        while (batch := loader.next_item(device)) is not None:  # type: ignore[no-untyped-call]
            yield batch
        if kept.error is not None:
            raise kept.error
        if not loader._exception_queue.empty():
            raise loader._exception_queue.get()
    finally:
        loader.close()  # type: ignore[no-untyped-call]
