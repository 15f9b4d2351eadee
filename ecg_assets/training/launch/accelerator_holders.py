"""Finds the processes that hold the accelerator: libtpu's lock file, or the chips' device files."""

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

# The files that libtpu opens: its lock, the chips of v2 to v4, those of v5e and later.
ACCELERATOR_FILES = ("/tmp/libtpu_lockfile", "/dev/accel*", "/dev/vfio/*")
_PROC = Path("/proc")
_COMMAND_CHARACTERS = 120


@dataclass(frozen=True)
class Holder:
    """A process that holds the accelerator.

    Attributes:
        pid: process id.
        command: its command line, shortened.
        file: the file that it holds.
    """

    pid: int
    command: str
    file: str

    def __str__(self) -> str:
        return f"process {self.pid} ({self.command}) holds {self.file}"


def holders(patterns: Sequence[str] | None = None) -> list[Holder]:
    """Processes that have a file of `patterns` (absolute paths or globs) open or locked, one entry each.

    Without `patterns` the files are those that libtpu opens.

    Open devices are visible for the user's own processes only, except for root; locks are visible for all users.
    """
    files = [path for pattern in (patterns or ACCELERATOR_FILES) for path in _matching(pattern)]
    if not files:
        return []
    found: dict[int, str] = {}
    for pid, path in (*_openers(set(files)), *_lockers(files)):
        found.setdefault(pid, path)
    return [Holder(pid, command_of(pid), path) for pid, path in sorted(found.items())]


def _matching(pattern: str) -> list[str]:
    return [str(path) for path in sorted(Path("/").glob(pattern.removeprefix("/")))]


def command_of(pid: int) -> str:
    """A process's command line, shortened; only its name if the command line is not readable."""
    try:
        process = psutil.Process(pid)
        return " ".join(process.cmdline() or [process.name()])[:_COMMAND_CHARACTERS]
    except (psutil.NoSuchProcess, psutil.AccessDenied):
        return "of another user, or gone by now"


def _openers(files: set[str]) -> Iterator[tuple[int, str]]:
    for process in _PROC.glob("[0-9]*"):
        # It has just ended, or belongs to another user.
        with contextlib.suppress(FileNotFoundError, PermissionError, ProcessLookupError):
            for descriptor in (process / "fd").iterdir():
                with contextlib.suppress(FileNotFoundError):
                    target = str(descriptor.readlink())
                    if target in files:
                        yield int(process.name), target


def _lockers(files: list[str]) -> Iterator[tuple[int, str]]:
    """Parsed from the kernel's table of locks: `1: FLOCK  ADVISORY  WRITE <pid> <major>:<minor>:<inode> 0 EOF`."""
    table = _PROC / "locks"
    if not table.exists():
        return
    by_inode = {Path(path).stat().st_ino: path for path in files if Path(path).is_file()}
    for line in table.read_text("ascii").splitlines():
        fields = line.split()
        if fields[1] == "->":  # waits for a lock, does not hold it
            continue
        pid, inode = int(fields[4]), int(fields[5].rpartition(":")[2])
        if pid > 0 and inode in by_inode:
            yield pid, by_inode[inode]
