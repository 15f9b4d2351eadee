"""How busy the chips are, from the command `tpu-info` (`pip install tpu-info`), where that is installed."""

import re
import shutil
import subprocess
from dataclasses import dataclass

# A row such as `│ 8   18.45 GiB / 31.25 GiB   100.00% │` in the table "TPU Runtime Utilization".
_ROW = re.compile(r"\b(\d+)\W+([\d.]+) GiB / ([\d.]+) GiB\W+([\d.]+)%")
_TIMEOUT_S = 20.0


@dataclass(frozen=True)
class ChipUsage:
    """One chip (or core) in use.

    Attributes:
        chip: its number as `tpu-info` gives it.
        memory_used_gib, memory_gib: of the chip's own memory.
        duty_cycle_percent: share of time in which it computed.
    """

    chip: int
    memory_used_gib: float
    memory_gib: float
    duty_cycle_percent: float


@dataclass(frozen=True)
class Usage:
    """What `tpu-info` said.

    Attributes:
        chips: in use; none when no training runs.
        note: a sentence when there is nothing to show, or nothing that could be read.
    """

    chips: tuple[ChipUsage, ...]
    note: str | None = None


def tpu_usage(timeout_s: float = _TIMEOUT_S) -> Usage:
    """Asks `tpu-info` once; when it is missing, fails or takes longer than `timeout_s`, the note says so."""
    command = shutil.which("tpu-info")
    if command is None:
        return Usage((), "For utilisation and memory of each chip: pip install tpu-info")
    try:
        answer = subprocess.run([command], capture_output=True, text=True, timeout=timeout_s, stdin=subprocess.DEVNULL)
    except (subprocess.TimeoutExpired, OSError) as error:
        reason = (
            f"did not answer within {timeout_s:g} s" if isinstance(error, subprocess.TimeoutExpired) else str(error)
        )
        return Usage((), f"tpu-info {reason}")
    if answer.returncode != 0:
        last = (answer.stderr.strip() or answer.stdout.strip()).splitlines()[-1:]
        return Usage((), f"tpu-info ended with exit code {answer.returncode}: {''.join(last)}")
    chips = tuple(
        ChipUsage(int(row[1]), float(row[2]), float(row[3]), float(row[4])) for row in _ROW.finditer(answer.stdout)
    )
    return Usage(chips, None if chips else "tpu-info shows no chip in use; it can only while a training runs")
