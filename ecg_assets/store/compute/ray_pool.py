"""Maps a function over items on the machines of a Ray cluster.

Tasks run at least once: a task whose machine dies is tried again on another one. So their output must be deterministic
and written atomically (`store.atomic`). Ray is imported when work begins.
"""

import os
import socket
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any, Generic, cast

from ecg_assets.store.atomic import TEMPORARY_PREFIX
from ecg_assets.store.compute.node_versions import require_versions, versions_here
from ecg_assets.store.compute.pool import Item, Result
from ecg_assets.store.compute.ray_connection import EngineError, connected
from ecg_assets.store.log import Log

_IN_FLIGHT_PER_CPU = 2
_LOOK_EVERY_S = 5.0


@dataclass(frozen=True)
class RayEngine:
    """Runs work on an existing Ray cluster; see docs/machines.md.

    Attributes:
        shared: a folder that every machine sees under the same path: the data root.
        log: receives the machines that did the work, and tasks that were tried again.
        address: `host:port` of the head; `auto` is RAY_ADDRESS, otherwise the cluster that this machine belongs to.
        max_retries: how often a task is tried again if its machine or process dies. Exceptions are not tried again.
        cpus_per_task: CPUs of a node per task.
        patience_s: how long to wait while no machine has room for a task.
    """

    shared: Path
    log: Log
    address: str = "auto"
    max_retries: int = 3
    cpus_per_task: float = 1.0
    patience_s: float = 300.0

    def map_unordered(self, function: Callable[[Item], Result], items: Iterable[Item]) -> Iterator[Result]:
        """Yields `function(item)` for each item, in the order of completion.

        Raises:
            EngineError: Ray or its cluster is missing, or a task was lost with its machine too often.
            NodeDiffersError, NotSharedError: a machine of the cluster cannot do the same work.
            The first exception of `function`.
        """
        with connected(self.address) as ray, _probe(self.shared) as probe:
            work = _Work(function, probe, versions_here())
            task = ray.remote(num_cpus=self.cpus_per_task, max_retries=self.max_retries)(_run)
            drain = _Drain(self, ray, lambda item: task.remote(work, item), iter(items))
            try:
                yield from drain.results()
            finally:
                # Running tasks end with this driver. Cancelling them could end this process: see training/tpu/pod.py.
                self.log(drain.told())


@dataclass
class _Drain(Generic[Item]):
    """Limits the work in flight, and counts the items per machine."""

    engine: RayEngine
    ray: Any
    submit: Callable[[Item], Any]
    items: Iterator[Item]
    running: list[Any] = field(default_factory=list)
    nodes: Counter[str] = field(default_factory=Counter)
    again: int = 0

    def results(self) -> Iterator[Any]:
        self._fill()
        progress = time.monotonic()
        while self.running:
            finished, self.running = self.ray.wait(self.running, timeout=_LOOK_EVERY_S)
            if finished:
                progress = time.monotonic()
            elif self._cpus() < self.engine.cpus_per_task and time.monotonic() - progress > self.engine.patience_s:
                raise EngineError(
                    f"no machine of the Ray cluster has had {self.engine.cpus_per_task:g} CPUs for "
                    f"{self.engine.patience_s:g} s: start nodes that have, and run again; finished shards are not made "
                    "again"
                )
            for reference in finished:
                yield self._get(reference)
            self._fill()

    def _fill(self) -> None:
        room = max(1, int(self._cpus() / self.engine.cpus_per_task)) * _IN_FLIGHT_PER_CPU - len(self.running)
        self.running += [self.submit(item) for item in islice(self.items, max(0, room))]

    def _get(self, reference: Any) -> Any:
        errors = self.ray.exceptions
        try:
            done: _Done[Any] = self.ray.get(reference)
        except errors.RayTaskError as error:
            if isinstance(error.cause, Exception):
                raise error.cause from error  # the same class as in a local run
            raise
        except errors.RayError as error:
            raise EngineError(
                f"a task was lost with its machine and tried {self.engine.max_retries + 1} times "
                f"({error.__class__.__name__}): run again on machines that last; finished shards are not made again"
            ) from error
        self.nodes[done.node] += 1
        if done.attempt:
            self.again += 1
            self.engine.log(f"Ray: a task was tried {done.attempt + 1} times, in the end on {done.node}")
        return done.result

    def _cpus(self) -> float:
        return float(self.ray.cluster_resources().get("CPU", 0))

    def told(self) -> str:
        where = ", ".join(f"{count} on {node}" for node, count in sorted(self.nodes.items()))
        return f"Ray: {self.nodes.total()} tasks done ({where or 'nowhere'}), {self.again} of them tried again"


class NotSharedError(RuntimeError):
    """A machine of the cluster does not have access to the data root."""


@dataclass(frozen=True)
class _Work(Generic[Item, Result]):
    """Data that every task gets besides its item."""

    function: Callable[[Item], Result]
    probe: Path
    versions: dict[str, str]


@dataclass(frozen=True)
class _Done(Generic[Result]):
    """A result, with its machine and attempt (0 is the first)."""

    result: Result
    node: str
    attempt: int


def _run(work: _Work[Item, Result], item: Item) -> _Done[Result]:
    """Runs one task on a machine of the cluster."""
    import ray

    context, utilities = cast(Any, ray.get_runtime_context()), cast(Any, ray.util)
    node = f"{utilities.get_node_ip_address()} ({context.get_node_id()[:8]})"
    require_versions(work.versions, versions_here(), node)
    if not work.probe.exists():
        raise NotSharedError(
            f"{node} does not see {work.probe.parent}: every machine of the cluster must mount the data root (of one "
            "in a bucket: ECG_ASSETS_CACHE, its working copy) under the same path"
        )
    # The attempt's number has no public name (ray 2.60).
    attempt = context.worker.core_worker.get_current_task_attempt_number()
    return _Done(work.function(item), node, int(attempt))


@contextmanager
def _probe(folder: Path) -> Iterator[Path]:
    """Creates a file with a unique name, which machines look for in the shared folder."""
    path = folder / f"{TEMPORARY_PREFIX}{uuid.uuid4().hex}-{socket.gethostname()}-{os.getpid()}"
    path.touch()
    try:
        yield path
    finally:
        path.unlink(missing_ok=True)
