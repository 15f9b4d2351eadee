"""Runs one replica with plain torch on CUDA or the CPU, in the trainer's own process."""

import faulthandler
import os
import tempfile
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.utils.checkpoint import checkpoint

from ecg_assets.store.log import Log
from ecg_assets.training.runtime.base import Fed, Label, Runtime
from ecg_assets.training.runtime.heartbeat import Heartbeats, Silence, Watchdog

STALLED = 70  # EX_SOFTWARE of sysexits(3)


class PlainRuntime:
    """The only replica; implements `Runtime`."""

    kind = "torch"
    ordinal = 0
    world_size = 1
    host_replicas = 1
    is_master = True
    core: str | None = None

    def __init__(self, heartbeats: Heartbeats) -> None:
        self._heartbeats = heartbeats
        self.device = torch.device("cuda" if torch.cuda.is_available() else "cpu")

    def broadcast(self, tensors: Sequence[Tensor]) -> None:
        """Does nothing, because there is no other replica."""

    def reduce_gradients(self, optimizer: torch.optim.Optimizer) -> None:
        """Does nothing: the mean over one replica is its own gradient."""

    def total(self, tensor: Tensor) -> Tensor:
        """The tensor itself."""
        return tensor

    def sync(self) -> None:
        """Only writes a heartbeat: torch runs each operation at once."""
        self.beat()

    def beat(self) -> None:
        """Writes a heartbeat."""
        self._heartbeats.beat(self.ordinal)

    def within_memory(self, compute: Callable[[], Tensor]) -> Tensor | None:
        """None if CUDA runs out of memory; on the CPU memory is not checked."""
        try:
            result = compute()
            result.cpu()  # waits
        except torch.OutOfMemoryError:
            return None
        return result

    def recomputed(self, function: Callable[..., Tensor], *tensors: Tensor) -> Tensor:
        """torch's own checkpointing."""
        result: Tensor = checkpoint(function, *tensors, use_reentrant=False, preserve_rng_state=False)
        return result

    def feed(self, batches: Iterator[Fed[Label]]) -> Generator[Fed[Label], None, None]:
        """CUDA copies while it computes; on the CPU there is nothing to copy."""
        for label, tensors in batches:
            yield label, [tensor.to(self.device, non_blocking=True) for tensor in tensors]

    def autocast(self, bf16: bool) -> AbstractContextManager[Any]:
        """torch's autocast for this device."""
        return torch.autocast(self.device.type, dtype=torch.bfloat16, enabled=bf16)

    def compiles(self) -> int:
        """0: nothing is compiled."""
        return 0

    def fallbacks(self) -> list[str]:
        """Empty: every operation runs on its tensors' device."""
        return []


def launch(
    replica: Callable[[Runtime], None],
    heartbeats: Path,
    stall_timeout_s: float,
    log: Log,
    on_stall: Callable[[Silence], None],
) -> None:
    """Runs `replica` in this process, and ends the process if the replica hangs, because nothing else can end it.

    Args:
        replica: what to run.
        heartbeats: folder for its heartbeats.
        stall_timeout_s: a replica without a heartbeat for this long is considered hung.
        log: then receives the stacks of all threads.
        on_stall: called last, in another thread; the process ends with code `STALLED` when it returns.
    """
    signs = Heartbeats(heartbeats)
    with Watchdog(signs, stall_timeout_s, lambda silence: _end_stalled(silence, log, on_stall)):
        runtime = PlainRuntime(signs)
        runtime.beat()
        replica(runtime)
        signs.done(runtime.ordinal)


def _end_stalled(silence: Silence, log: Log, on_stall: Callable[[Silence], None]) -> None:
    try:
        with tempfile.TemporaryFile("w+") as stacks:
            faulthandler.dump_traceback(stacks, all_threads=True)
            stacks.seek(0)
            log(f"{silence}: ending the trainer. Its stacks:\n{stacks.read()}")
        on_stall(silence)
    finally:
        os._exit(STALLED)
