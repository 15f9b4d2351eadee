"""Maps a function over items: in this process, over a pool of worker processes, or by an engine such as a cluster.

Results come in the order of completion. The work in flight is bounded, so memory does not grow with the number of
items. A worker that dies is an error, never a lost item; after an error or an interrupt all workers are ended.
"""

import os
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from multiprocessing.connection import wait
from multiprocessing.reduction import ForkingPickler
from typing import Any, Protocol, TypeVar

from ecg_assets.store.compute.interrupts import interrupts_held
from ecg_assets.store.compute.worker_process import WorkerProcess

Item = TypeVar("Item")
Result = TypeVar("Result")

_IN_FLIGHT_PER_WORKER = 2


class Engine(Protocol):
    """Runs work elsewhere than in processes of this machine."""

    def map_unordered(self, function: Callable[[Item], Result], items: Iterable[Item]) -> Iterator[Result]:
        """As the function `map_unordered`; an item may be processed more than once."""
        ...


# The number of processes of this machine, or an engine in their place.
Workers = int | Engine


def usable_cores() -> int:
    """Number of cores that this process may use."""
    return max(1, len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1)


def default_workers() -> int:
    """`ECG_WORKERS`, or the number of cores this process may use."""
    named = os.environ.get("ECG_WORKERS")
    if named is None:
        return usable_cores()
    if not named.isdigit() or int(named) < 1:
        raise ValueError(f"ECG_WORKERS is {named!r}, expected a whole number from 1 up")
    return int(named)


def map_unordered(function: Callable[[Item], Result], items: Iterable[Item], workers: Workers) -> Iterator[Result]:
    """Yields `function(item)` for each item, in the order of completion.

    Args:
        function: unless `workers` is 1, importable by name, not from the main module, and with picklable results.
        items: the function's arguments.
        workers: 1: in this process; more: in this number of processes of this machine; or an engine.

    Raises:
        WorkerDiedError: a worker process was killed.
        The first exception of `function`; other work is then dropped, and the workers are ended.
    """
    if not isinstance(workers, int):
        yield from workers.map_unordered(function, items)
        return
    if workers <= 1:
        yield from map(function, items)
        return
    with _Crew(function, workers) as crew:
        yield from crew.work(iter(items))


class _Crew:
    """Worker processes; all are ended on leaving."""

    def __init__(self, function: Callable[[Any], Any], size: int) -> None:
        self._function, self._size = bytes(ForkingPickler.dumps(function)), size
        self._workers: list[WorkerProcess] = []

    def __enter__(self) -> "_Crew":
        return self

    def __exit__(self, kind: object, error: BaseException | None, traceback: object) -> None:
        with interrupts_held():
            for worker in self._workers:
                # Do not wait for items in progress if the run was interrupted or has failed.
                worker.kill() if error is not None else worker.finish()

    def work(self, items: Iterator[Any]) -> Iterator[Any]:
        """Yields the results in the order of completion."""
        self._give_out(items)
        while any(worker.held for worker in self._workers):
            ready = wait([worker.connection for worker in self._workers])
            for worker in [worker for worker in self._workers if worker.connection in ready]:
                yield worker.take()
                self._give_out(items)

    def _give_out(self, items: Iterator[Any]) -> None:
        """Sends items until each worker holds its limit, or none are left."""
        while sum(worker.held for worker in self._workers) < self._size * _IN_FLIGHT_PER_WORKER:
            for item in islice(items, 1):
                self._least_busy().give(item)
                break
            else:
                return

    def _least_busy(self) -> WorkerProcess:
        if len(self._workers) < self._size:
            with interrupts_held():
                self._workers.append(WorkerProcess(self._function))
            return self._workers[-1]
        return min(self._workers, key=lambda worker: worker.held)
