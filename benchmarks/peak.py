"""The peak of a process's resident memory."""

from pathlib import Path


def peak_mib(process: int | str = "self") -> float:
    """MiB since the process began to run its program; `process` is its number.

    Not `ru_maxrss`: a process inherits that from the one that has started it, be it as large as it may.
    """
    lines = Path(f"/proc/{process}/status").read_text("ascii").splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM"))
