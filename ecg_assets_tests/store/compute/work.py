"""What pools are given to do in tests, and a process that drives one as a step of a Dagster run does."""

import fcntl
import os
import signal
import time
from collections.abc import Callable
from pathlib import Path
from types import FrameType

from ecg_assets.store.compute.pool import map_unordered


class RunCancelled(BaseException):
    """What the signal handler of a cancelled run raises."""


class OddError(Exception):
    """One whose pickle cannot be read back."""

    def __init__(self, *, name: str) -> None:
        super().__init__(f"odd: {name}")


def square(number: int) -> int:
    return number**2


def refuse_three(number: int) -> int:
    if number == 3:
        raise ValueError("three")
    return number


def raise_odd(number: int) -> int:
    raise OddError(name=str(number))


def fill_the_disk(number: int) -> int:
    if number == 3:
        with Path("/dev/full").open("w") as full:
            full.write("x" * 100_000)
    return number


def be_killed(number: int) -> int:
    if number == 3:
        os.kill(os.getpid(), signal.SIGKILL)
    return number


def be_killed_beside_others(at_work: str) -> bool:
    """Is killed when another process is at work."""
    with Path(at_work).open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.kill(os.getpid(), signal.SIGKILL)
        time.sleep(0.1)
    return True


def be_killed_telling(number: int) -> bytes:
    """The parent is left with half of a result."""
    if number == 3:
        import threading

        threading.Timer(0.2, os.kill, (os.getpid(), signal.SIGKILL)).start()
    return bytes(50_000_000)


def doubled(content: bytes) -> bytes:
    return content + content


def sleep_long(number: int) -> int:
    time.sleep(0.05 if number % 2 else 600.0)
    return number


def refused_by_the_caller(number: int) -> int:
    return number


FUNCTIONS: dict[str, Callable[[int], object]] = {
    "a worker raises": refuse_three,
    "the disk is full": fill_the_disk,
    "a worker is killed": be_killed,
    "a worker is killed while it tells its result": be_killed_telling,
    "the caller raises": refused_by_the_caller,
    "the run is cancelled": sleep_long,
}


def drive(how: str, told: str) -> None:
    """A step that fails, in a process of `multiprocessing`; what it raises is written to `told`."""
    signal.signal(signal.SIGTERM, _cancel)
    try:
        Path(told).write_text("")  # from here on it may be cancelled
        for number in map_unordered(FUNCTIONS[how], range(8), workers=2):
            if how == "the caller raises" and number == 3:
                raise ValueError("three")
    except BaseException as error:
        Path(told).write_text(f"{type(error).__name__}: {error}")
        kept.append(error)  # with it all frames, and so the pool's generator: as an orchestrator keeps them


kept: list[BaseException] = []


def _cancel(number: int, frame: FrameType | None) -> None:
    raise RunCancelled
