"""Measures the time of training steps, and the share spent waiting for batches."""

import time
from collections.abc import Iterator
from typing import TypeVar

Thing = TypeVar("Thing")


class Stopwatch:
    """Runs from the first batch to `stop`."""

    def __init__(self, samples_per_step: int) -> None:
        self._per_step = samples_per_step
        self._began = time.monotonic()
        self._seconds: float | None = None
        self._waited = 0.0
        self._steps = 0

    def waiting(self, things: Iterator[Thing]) -> Iterator[Thing]:
        """Yields from an iterator, and adds up the time spent waiting for it."""
        while True:
            began = time.monotonic()
            try:
                thing = next(things)
            except StopIteration:
                return
            self._waited += time.monotonic() - began
            self._steps += 1
            yield thing

    def stop(self) -> None:
        """Ends the measurement of the training steps."""
        self._seconds = self._elapsed

    @property
    def samples_per_s(self) -> float:
        """Samples per second trained on by all replicas together."""
        return self._steps * self._per_step / max(1e-9, self._elapsed)

    @property
    def wait_share(self) -> float:
        """Share of the time spent waiting, 0 to 1."""
        return self._waited / max(1e-9, self._elapsed)

    @property
    def _elapsed(self) -> float:
        return time.monotonic() - self._began if self._seconds is None else self._seconds
