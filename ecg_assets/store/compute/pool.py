"""Maps a function over items: in this process, over a pool of worker processes, or by an engine such as a cluster.

Results come as they are finished; bounded work is in flight, so memory does not grow with the number of
items. A worker that dies is an error, never a lost item.
"""

import os
import signal
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from itertools import islice
from typing import Protocol, TypeVar

from ecg_assets.store.compute.spawn import BareContext

Item = TypeVar("Item")
Result = TypeVar("Result")

_IN_FLIGHT_PER_WORKER = 2


class Engine(Protocol):
    """Works somewhere else than in processes of this machine."""

    def map_unordered(self, function: Callable[[Item], Result], items: Iterable[Item]) -> Iterator[Result]:
        """As the function of this name; an item may be worked on more than once."""
        ...


# How many processes of this machine, or what works instead of them.
Workers = int | Engine


def usable_cores() -> int:
    """Those that this process may use."""
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
    """Yields `function(item)` for each item, in the order in which they are finished.

    Args:
        function: importable by name, not from the main module, unless `workers` is 1; its results must be picklable
            then.
        items: what to work on.
        workers: 1 works in this process, more in so many of this machine, an engine where it says.

    Raises:
        Whatever `function` raised first; work that has not begun is dropped then.
    """
    if not isinstance(workers, int):
        yield from workers.map_unordered(function, items)
        return
    if workers <= 1:
        yield from map(function, items)
        return
    with ProcessPoolExecutor(
        workers, mp_context=BareContext(), initializer=_start_worker, initargs=(os.getpid(),)
    ) as pool:
        try:
            yield from _drain(pool, function, iter(items), workers * _IN_FLIGHT_PER_WORKER)
        except BaseException:
            # An interrupted run must not wait for what has begun, either; a whole one ends with its processes.
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def _drain(
    pool: ProcessPoolExecutor, function: Callable[[Item], Result], items: Iterator[Item], in_flight: int
) -> Iterator[Result]:
    running: set[Future[Result]] = {pool.submit(function, item) for item in islice(items, in_flight)}
    while running:
        finished, running = wait(running, return_when=FIRST_COMPLETED)
        for future in finished:
            yield future.result()
            running |= {pool.submit(function, item) for item in islice(items, 1)}


def _start_worker(parent_pid: int) -> None:
    """Ctrl-C and a dead parent end the pool as a whole, so a worker leaves the first to its parent."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    end_with_parent(parent_pid)


def end_with_parent(parent_pid: int, with_signal: int = signal.SIGKILL) -> None:
    """Asks the kernel to send this process `with_signal` when its parent dies (Linux; elsewhere a no-op)."""
    import ctypes
    import sys

    if not sys.platform.startswith("linux"):
        return
    set_parent_death_signal = 1  # PR_SET_PDEATHSIG of prctl(2)
    ctypes.CDLL(None, use_errno=True).prctl(set_parent_death_signal, int(with_signal))
    if os.getppid() != parent_pid:  # the parent died before the request
        os.kill(os.getpid(), with_signal)
