"""Runs replicas with torch_xla under `xmp.spawn`, on all cores of a TPU or, for tests and without a TPU, on the CPU.

Nothing here may touch the XLA runtime before `xmp.spawn`, which forks the processes that own the devices.
"""

import contextlib
import faulthandler
import os
import signal
import sys
import time
import traceback
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures.process import BrokenProcessPool
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import psutil
import torch
import torch_xla
import torch_xla.core.xla_model as xm
import torch_xla.debug.metrics as met
import torch_xla.distributed.xla_multiprocessing as xmp
import torch_xla.runtime as xr
from torch import Tensor
from torch_xla.utils.checkpoint import checkpoint

from ecg_assets.store.compute.parent_death import end_with_parent
from ecg_assets.store.log import Log
from ecg_assets.training.runtime.base import Fed, Label, ReplicaError, Runtime
from ecg_assets.training.runtime.device_feed import fed
from ecg_assets.training.runtime.heartbeat import Heartbeats, Silence, Watchdog
from ecg_assets.training.runtime.replica_gate import ReplicaGate
from ecg_assets.training.tpu.host import check_world, expected_world, find_host
from ecg_assets.training.tpu.pci import tpu_chips

REPLICA_FAILED = 70  # EX_SOFTWARE of sysexits(3)
# Phrases in errors of the compiler and the device that mean out of memory.
_NO_MEMORY = "RESOURCE_EXHAUSTED"
_STOP_REQUEST_WAIT_S = 2.0
# Seconds for writing all threads' stacks.
_STACKS_S = 1.0
# The operation that reads one value; all others under this prefix were computed on the host.
_FALLBACK_PREFIX, _READ_ONE_VALUE = "aten::", "aten::_local_scalar_dense"


class XlaRuntime:
    """One replica; implements `Runtime`. Create it in the replica's own thread."""

    kind = "xla"

    def __init__(self, gate: ReplicaGate | None, heartbeats: Heartbeats) -> None:
        self.device = torch_xla.device()
        self.ordinal = xr.global_ordinal()
        self.world_size = xr.world_size()
        self.host_replicas = xr.local_device_count()
        host = find_host() if os.environ.get("PJRT_DEVICE") != "CPU" else None
        self.core: str | None = None if host is None else host.version
        self._gate, self._heartbeats = gate, heartbeats
        self._leads = xr.local_ordinal() == 0

    @property
    def is_master(self) -> bool:
        """Whether this is replica 0 of all hosts."""
        return self.ordinal == 0

    def broadcast(self, tensors: Sequence[Tensor]) -> None:
        """Gives all replicas the first one's values, in place."""
        if self.world_size > 1:
            xm.collective_broadcast(list(tensors))
        self.sync()

    def reduce_gradients(self, optimizer: torch.optim.Optimizer) -> None:
        """Replaces each gradient by its mean over the replicas, in one collective."""
        xm.reduce_gradients(optimizer)

    def total(self, tensor: Tensor) -> Tensor:
        """The sum over the replicas."""
        summed = tensor.clone()
        xm.all_reduce(xm.REDUCE_SUM, [summed])
        return summed

    def sync(self) -> None:
        """Compiles (the first time) and starts the queued operations."""
        self.beat()
        if self._gate is None:
            torch_xla.sync()
        else:
            self._gate.step(self._leads, torch_xla.sync)

    def within_memory(self, compute: Callable[[], Tensor]) -> Tensor | None:
        """None if compiler or device run out of memory; the failed operations are still queued."""
        try:
            result = compute()
            result.cpu()  # waits; torch_xla's own wait would block the process's other replicas
        except (RuntimeError, ValueError) as error:
            if _NO_MEMORY not in str(error):
                raise
            return None
        return result

    def recomputed(self, function: Callable[..., Tensor], *tensors: Tensor) -> Tensor:
        """torch_xla's checkpointing, whose barrier keeps the compiler from undoing it."""
        result: Tensor = checkpoint(function, *tensors, use_reentrant=True, preserve_rng_state=False)
        return result

    def feed(self, batches: Iterator[Fed[Label]]) -> Generator[Fed[Label], None, None]:
        """torch_xla's background upload, without ending steps."""
        return fed(batches, self.device)

    def autocast(self, bf16: bool) -> AbstractContextManager[Any]:
        """torch_xla's autocast."""
        return torch.autocast("xla", dtype=torch.bfloat16, enabled=bf16)

    def beat(self) -> None:
        """Writes a heartbeat."""
        self._heartbeats.beat(self.ordinal)

    def compiles(self) -> int:
        """Number of graphs compiled so far by this process, all its replicas together."""
        data = met.metric_data("CompileTime")  # type: ignore[no-untyped-call]
        return int(data[0]) if data else 0

    def fallbacks(self) -> list[str]:
        """Counters of operations that ran on the host, except reading a value."""
        names: list[str] = met.counter_names()  # type: ignore[no-untyped-call]
        return [name for name in names if name.startswith(_FALLBACK_PREFIX) and name != _READ_ONE_VALUE]


def launch(
    replica: Callable[[Runtime], None],
    replicas: int,
    stop_request: Path,
    heartbeats: Path,
    stall_timeout_s: float,
    log: Log,
) -> None:
    """Runs `replica` in every replica of this host, and returns when all have returned.

    Args:
        replica: importable by name, or composed of importable parts.
        replicas: number on a CPU; a TPU has one for each core.
        stop_request: file whose presence asks the replicas to stop; see `_on_terminate`.
        heartbeats: folder of the replicas' heartbeats, and of their stacks when one hangs.
        stall_timeout_s: a replica without a heartbeat for this long is considered hung, and the whole group is ended.
        log: receives notes on the environment.

    Raises:
        ReplicaError: a replica raised, hung, or its process died; its traceback is on stderr.
    """
    prepare_environment(replicas, log)
    signs, stacks = Heartbeats(heartbeats), stacks_file(heartbeats)
    stacks.unlink(missing_ok=True)
    expected = replicas if os.environ["PJRT_DEVICE"] == "CPU" else expected_world(find_host())
    main = _ReplicaMain(replica, stop_request, signs, os.getpid(), expected)
    with Watchdog(signs, stall_timeout_s, lambda silence: _end_stalled(silence, signs, stacks, log)) as watchdog:
        try:
            xmp.spawn(main, nprocs=None)  # type: ignore[no-untyped-call]
        except BrokenProcessPool as error:
            what = watchdog.silence or "a replica's process ended before the training did; its stderr says why"
            raise ReplicaError(str(what)) from error


def stacks_file(heartbeats: Path) -> Path:
    """Path of the replicas' stacks, which are written when one hangs."""
    return heartbeats.with_name("stacks.txt")


def _end_stalled(silence: Silence, signs: Heartbeats, stacks: Path, log: Log) -> None:
    """Logs every replica's stacks, and ends them all, because those in a collective with a hung one never return."""
    for pid in signs.processes():
        if psutil.pid_exists(pid):
            os.kill(pid, signal.SIGUSR1)
    time.sleep(_STACKS_S)
    shown = stacks.read_text("utf-8") if stacks.exists() else "none of the processes answered"
    log(f"{silence}: ending all replicas. Their stacks:\n{shown}")
    for child in psutil.Process().children(recursive=True):
        with contextlib.suppress(psutil.NoSuchProcess):
            child.kill()


def prepare_environment(replicas: int, log: Log) -> None:
    """Sets the environment that the replicas' processes inherit: the device, and options of CPU collectives."""
    if os.environ.pop("XLA_USE_BF16", None) is not None:
        log(
            "XLA_USE_BF16 is set and was removed: it truncates every f32 value, losses and optimizer state included; "
            "`precision: bf16` in the config chooses bf16 for the network alone"
        )
    # Otherwise a factor that rounds to 1, such as weight decay at a low learning rate, becomes part of the graph, which
    # is then compiled again.
    os.environ["XLA_NO_SPECIAL_SCALARS"] = "1"
    device = os.environ.setdefault("PJRT_DEVICE", "TPU" if tpu_chips() else "CPU")
    if device != "CPU":
        return
    os.environ["CPU_NUM_DEVICES"] = str(replicas)
    # With the asynchronous client, two replicas that share one of its threads deadlock.
    os.environ["PJRT_CPU_ASYNC_CLIENT"] = "0"
    # An execution blocks one thread per replica; the default is the number of cores.
    os.environ["XLA_THREAD_POOL_SIZE"] = str(max(16, 4 * replicas))


class _ReplicaMain:
    """The function that `xmp.spawn` calls in each replica. Unpickling it prepares the process."""

    def __init__(
        self,
        replica: Callable[[Runtime], None],
        stop_request: Path,
        heartbeats: Heartbeats,
        parent_pid: int,
        expected: int | None,
    ) -> None:
        self._arguments = (replica, stop_request, heartbeats, parent_pid, expected)
        self._replica, self._heartbeats, self._expected = replica, heartbeats, expected
        self._gate: ReplicaGate | None = None

    def __reduce__(self) -> tuple[Any, ...]:
        return _arrive, self._arguments

    def share_gate(self) -> None:
        """Creates the gate shared by all replica threads of this process, if they need one."""
        replicas = int(os.environ.get("CPU_NUM_DEVICES", "1"))
        if os.environ["PJRT_DEVICE"] == "CPU" and replicas > 1:
            self._gate = ReplicaGate(replicas)

    def __call__(self, ordinal: int) -> None:
        try:
            runtime = XlaRuntime(self._gate, self._heartbeats)
            runtime.beat()
            if self._expected is not None:
                check_world(self._expected, runtime.world_size)
            self._replica(runtime)
            self._heartbeats.done(runtime.ordinal)
        except BaseException:
            # The other replicas wait for this one in a collective and can neither continue nor return.
            sys.stderr.write(f"replica {ordinal} failed:\n{traceback.format_exc()}")
            sys.stderr.flush()
            os._exit(REPLICA_FAILED)


def _arrive(
    replica: Callable[[Runtime], None],
    stop_request: Path,
    heartbeats: Heartbeats,
    parent_pid: int,
    expected: int | None,
) -> _ReplicaMain:
    """Runs in the main thread of a replica's process, before its replica threads: only there can signals be set."""
    end_with_parent(parent_pid)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, lambda *_: _on_terminate(stop_request))
    # Replicas compute in XLA's threads; torch's threads would compete with them.
    torch.set_num_threads(1)
    # Kept open for the process's life, because it is written when the process hangs.
    stacks = stacks_file(heartbeats.folder).open("a")
    faulthandler.register(signal.SIGUSR1, file=stacks, all_threads=True)
    main = _ReplicaMain(replica, stop_request, heartbeats, parent_pid, expected)
    main.share_gate()
    return main


def _on_terminate(stop_request: Path) -> None:
    """Handles TERM, sent by the one who ends the process group, or by the pool when a sibling process has died.

    In the first case the trainer writes a stop request, and the replicas end by themselves after a checkpoint. In the
    second there is no request, and this process would wait in a collective for ever.
    """
    deadline = time.monotonic() + _STOP_REQUEST_WAIT_S
    while not stop_request.exists():
        if time.monotonic() > deadline:
            os._exit(128 + signal.SIGTERM)
        time.sleep(0.05)
