"""Times of several ways of doing the same, taken in turns, so that a busy machine slows all of them alike."""

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Times:
    """Median seconds of one call, and the quartiles."""

    median_s: float
    low_s: float
    high_s: float


def in_turns(
    ways: dict[str, Callable[[], object]],
    rounds: int,
    clock: Callable[[], float] = time.process_time,
    calls: int = 1,
) -> dict[str, Times]:
    """Calls each way a few times a round, after one round that does not count.

    Args:
        ways: named functions.
        rounds: how many of them, at least 2.
        calls: how often each way is called in its turn; the time is of one call. Pages are made by the thousand, one
            after the other: of a single one between two others' ways, much is the cost of finding the caches cold.
        clock: CPU time of this process, or `time.perf_counter` for what other processes do.
    """
    taken: dict[str, list[float]] = {name: [] for name in ways}
    for number in range(rounds + 1):
        for name, way in ways.items():
            begin = clock()
            for _ in range(calls):
                way()
            if number:
                taken[name].append((clock() - begin) / calls)
    return {name: _times(seconds) for name, seconds in taken.items()}


def _times(seconds: list[float]) -> Times:
    low, median, high = statistics.quantiles(seconds, n=4)
    return Times(median, low, high)
