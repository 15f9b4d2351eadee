"""What a piece of work takes: wall time, and CPU time with that of its processes, which a busy machine changes less."""

import resource
import time
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Spent:
    """Seconds of one piece of work; `cpu_s` of this process and of those that it has started and seen the end of."""

    wall_s: float
    cpu_s: float

    def __str__(self) -> str:
        return f"{self.wall_s:.1f} s ({self.cpu_s:.1f} s of CPU)"


def spent(way: Callable[[], object]) -> Spent:
    """Does it, and says what it took."""
    wall_s, cpu_s = time.perf_counter(), _cpu_s()
    way()
    return Spent(time.perf_counter() - wall_s, _cpu_s() - cpu_s)


def _cpu_s() -> float:
    used = [resource.getrusage(whose) for whose in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)
