"""Makes processes end with their parent, however it ends."""

import os
import signal
import sys


def end_with_parent(parent_pid: int, with_signal: int = signal.SIGKILL) -> None:
    """Asks the kernel to send this process `with_signal` when its parent dies (Linux; elsewhere a no-op)."""
    import ctypes

    if not sys.platform.startswith("linux"):
        return
    set_parent_death_signal = 1  # PR_SET_PDEATHSIG of prctl(2)
    ctypes.CDLL(None, use_errno=True).prctl(set_parent_death_signal, int(with_signal))
    if os.getppid() != parent_pid:  # the parent died before the request
        os.kill(os.getpid(), with_signal)
