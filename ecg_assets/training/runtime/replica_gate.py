"""Synchronises several replica threads of one process for XLA's collectives on PJRT_DEVICE=CPU.

XLA's CPU backend pairs the participants of a collective by the id of the compiled module (torch_xla 2.9.0). Two
replicas that each compile the same graph get two modules and wait for each other for ever. So one replica compiles
and starts a step, and the others then find its executable in torch_xla's cache.

TPUs do not need it, although v2 and v3 also run two replicas in a process.
"""

import threading
from collections.abc import Callable

# Longer than any compilation; a failed replica ends the process itself.
_TIMEOUT_S = 1800.0


class ReplicaGate:
    """Passes all replicas of a process through each step together, the leader first."""

    def __init__(self, replicas: int) -> None:
        self._barrier = threading.Barrier(replicas, timeout=_TIMEOUT_S)

    def step(self, leads: bool, start: Callable[[], None]) -> None:
        """Calls `start` in every replica: first in the one that `leads`, then in all others.

        All replicas must call this equally often. In none of them it returns before the leader's step has started.
        """
        self._barrier.wait()
        try:
            if leads:
                start()
        finally:
            # No replica may block on a result before the leader's executable exists. If the leader failed to compile,
            # the others will fail in the same way.
            self._barrier.wait()
        if not leads:
            start()
