"""Which processes are alive, whose they are, and how a whole group of them is ended."""

import os
import signal
import time
from dataclasses import dataclass
from pathlib import Path

import psutil

# Of marks without a start: the kernel counts a process's start in ticks since boot, and two views of the same moment
# differ by less than this.
_CLOCK_TOLERANCE_S = 2.0
_POLL_S = 0.1
_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
# Fields of /proc/<pid>/stat after the command's name, proc_pid_stat(5): the start is field 22 of all, the first after
# the name is field 3.
_STATE_PLACE, _START_PLACE = 0, 19


@dataclass(frozen=True)
class ProcessStart:
    """When a process began, by counts that no setting of the clock changes.

    Attributes:
        boot_id: of the running kernel; another one after each boot.
        ticks: since boot.
    """

    boot_id: str
    ticks: int


@dataclass(frozen=True)
class ProcessMark:
    """Tells one process from a later one that got the same number.

    Attributes:
        pid: its number.
        seen_at: a moment (seconds since the epoch) at which it was running.
        start: when it began; None where that is not known (marks of earlier versions, and other systems than Linux):
            then the clock decides, which may have been set meanwhile.
    """

    pid: int
    seen_at: float
    start: ProcessStart | None = None

    def alive(self) -> bool:
        """Whether that very process still runs; a zombie does not, nor does a later one with its number."""
        if self.start is not None:
            return start_of(self.pid) == self.start
        process = _running(self.pid)
        return process is not None and process.create_time() <= self.seen_at + _CLOCK_TOLERANCE_S


def own_mark() -> ProcessMark:
    """The mark of the process that asks."""
    return ProcessMark(os.getpid(), time.time(), start_of(os.getpid()))


def start_of(pid: int) -> ProcessStart | None:
    """When the process with this number began; None when there is none, it is a zombie, or this is no Linux."""
    try:
        # The command's name may hold spaces and brackets of its own.
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
