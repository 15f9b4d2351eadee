"""Holds interrupts back while something is begun that must not be left half begun."""

import signal
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from types import FrameType


@contextmanager
def interrupts_held() -> Iterator[None]:
    """INT and TERM that come meanwhile are handled on leaving, as they would have been; for moments only.

    In other threads than the main one nothing is held: Python handles signals in that one alone.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    came: list[int] = []

    def note(number: int, frame: FrameType | None) -> None:
        came.append(number)

    with ExitStack() as handlers:
        for number in (signal.SIGINT, signal.SIGTERM):
            before = signal.getsignal(number)
            if before is not None:  # a handler that Python has not set cannot be put back
                handlers.callback(signal.signal, number, before)
                signal.signal(number, note)
        yield
    for each in came:
        signal.raise_signal(each)
