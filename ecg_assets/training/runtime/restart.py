"""A process that begins again in its own place: the same command and process number, and nothing else of before."""

import os
import sys
from typing import NoReturn

_VARIABLE = "ECG_TRAINER_BEGUN_AGAIN"


def times_begun_again() -> int:
    """How often this process has. What it starts inherits the variable, but has another process number."""
    pid, _, count = os.environ.get(_VARIABLE, "").partition(":")
    return int(count) if pid == str(os.getpid()) and count.isdigit() else 0


def begin_again() -> NoReturn:
    """From any thread, whatever the others hang in. Open files are closed, and locks with them."""
    os.environ[_VARIABLE] = f"{os.getpid()}:{times_begun_again() + 1}"
    os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])
