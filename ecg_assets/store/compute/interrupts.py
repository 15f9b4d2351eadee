"""Delays interrupts during operations that must not be left incomplete."""

import signal
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from types import FrameType


@contextmanager
def interrupts_held() -> Iterator[None]:
    """Delays INT and TERM until the end of the block; use it for short blocks only.

    It has no effect outside the main thread, because Python handles signals only there.
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
            if before is not None:  # a handler that was not set from Python cannot be restored
                handlers.callback(signal.signal, number, before)
                signal.signal(number, note)
        yield
    for each in came:
        signal.raise_signal(each)
