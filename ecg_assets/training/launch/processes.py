"""Which processes are alive, whose they are, and how a whole group of them is ended."""

import os
import signal
import time
from dataclasses import dataclass

import psutil

# The kernel counts a process's start in ticks since boot and the clock may be set meanwhile: two views of the same
# moment differ by less than this. A process number comes round again much later.
_CLOCK_TOLERANCE_S = 2.0
_POLL_S = 0.1


@dataclass(frozen=True)
class ProcessMark:
    """Tells one process from a later one that got the same number.

    Attributes:
        pid: its number.
        seen_at: a moment (seconds since the epoch) at which it was running.
    """

    pid: int
    seen_at: float

    def alive(self) -> bool:
        """Whether that very process still runs; a zombie does not, nor does a later one with its number."""
        process = _running(self.pid)
        return process is not None and process.create_time() <= self.seen_at + _CLOCK_TOLERANCE_S


def own_mark() -> ProcessMark:
    """The mark of the process that asks."""
    return ProcessMark(os.getpid(), time.time())


def group_members(group: int) -> list[int]:
    """Running processes of a process group."""
    members = []
    for process in psutil.process_iter():
        try:
            if os.getpgid(process.pid) == group and process.status() != psutil.STATUS_ZOMBIE:
                members.append(process.pid)
        except (ProcessLookupError, PermissionError, psutil.Error):
            continue  # it ended while we looked, or belongs to somebody else
    return members


def end_group(group: int, grace_s: float) -> bool:
    """Asks a process group to end (TERM), waits up to `grace_s`, then kills what is left.

    Returns:
        Whether something had to be killed.
    """
    try:
        _signal_group(group, signal.SIGTERM)
        deadline = time.monotonic() + grace_s
        while group_members(group) and time.monotonic() < deadline:
            time.sleep(_POLL_S)
    finally:  # also when an impatient second Terminate interrupts the wait
        left = bool(group_members(group))
        _signal_group(group, signal.SIGKILL)
    return left


def _signal_group(group: int, number: signal.Signals) -> None:
    try:
        os.killpg(group, number)
    except ProcessLookupError:
        return  # nobody left in it


def _running(pid: int) -> psutil.Process | None:
    try:
        process = psutil.Process(pid)
        return None if process.status() == psutil.STATUS_ZOMBIE else process
    except psutil.NoSuchProcess:
        return None
