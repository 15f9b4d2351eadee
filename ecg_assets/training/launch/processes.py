"""Identifies running processes and ends process groups."""

import os
import signal
import time
from dataclasses import dataclass
from pathlib import Path

import psutil

# Tolerance for marks without a start: the kernel counts a process's start in ticks since boot, and two conversions of
# the same moment differ by less than this.
_CLOCK_TOLERANCE_S = 2.0
_POLL_S = 0.1
_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
# Fields of /proc/<pid>/stat after the command's name, proc_pid_stat(5): the start is field 22 of all, the first after
# the name is field 3.
_STATE_PLACE, _START_PLACE = 0, 19


@dataclass(frozen=True)
class ProcessStart:
    """When a process began, independent of changes of the clock.

    Attributes:
        boot_id: of the running kernel; changes with each boot.
        ticks: since boot.
    """

    boot_id: str
    ticks: int


@dataclass(frozen=True)
class ProcessMark:
    """Distinguishes a process from a later one with the same process id.

    Attributes:
        pid: process id.
        seen_at: a moment (seconds since the epoch) at which it was running.
        start: when it began; None if unknown (marks of earlier versions, and systems other than Linux). The clock is
            then compared, although it may have been changed.
    """

    pid: int
    seen_at: float
    start: ProcessStart | None = None

    def alive(self) -> bool:
        """Whether this process still runs; a zombie or a later process with the same id does not count."""
        if self.start is not None:
            return start_of(self.pid) == self.start
        process = _running(self.pid)
        return process is not None and process.create_time() <= self.seen_at + _CLOCK_TOLERANCE_S


def own_mark() -> ProcessMark:
    """The mark of the calling process."""
    return ProcessMark(os.getpid(), time.time(), start_of(os.getpid()))


def start_of(pid: int) -> ProcessStart | None:
    """When the process with this id began; None if it does not exist or is a zombie, or on systems other than Linux."""
    try:
        # The command's name may contain spaces and brackets.
        fields = Path(f"/proc/{pid}/stat").read_text("utf-8", "replace").rpartition(")")[2].split()
        boot_id = _BOOT_ID.read_text("ascii").strip()
    except OSError:
        return None
    return None if fields[_STATE_PLACE] in "ZX" else ProcessStart(boot_id, int(fields[_START_PLACE]))


def group_members(group: int) -> list[int]:
    """Running processes of a process group."""
    members = []
    for process in psutil.process_iter():
        try:
            if os.getpgid(process.pid) == group and process.status() != psutil.STATUS_ZOMBIE:
                members.append(process.pid)
        except (ProcessLookupError, PermissionError, psutil.Error):
            continue  # it has just ended, or belongs to another user
    return members


def end_group(group: int, grace_s: float) -> bool:
    """Sends TERM to a process group, waits up to `grace_s`, then kills the remaining processes.

    Returns:
        Whether a process had to be killed.
    """
    try:
        _signal_group(group, signal.SIGTERM)
        deadline = time.monotonic() + grace_s
        while group_members(group) and time.monotonic() < deadline:
            time.sleep(_POLL_S)
    finally:  # also if a second Terminate interrupts the wait
        left = bool(group_members(group))
        _signal_group(group, signal.SIGKILL)
    return left


def _signal_group(group: int, number: signal.Signals) -> None:
    try:
        os.killpg(group, number)
    except ProcessLookupError:
        return  # the group is empty


def _running(pid: int) -> psutil.Process | None:
    try:
        process = psutil.Process(pid)
        return None if process.status() == psutil.STATUS_ZOMBIE else process
    except psutil.NoSuchProcess:
        return None
