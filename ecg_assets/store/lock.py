"""One writer at a time in a folder, whichever process it is; the kernel takes the lock back when the holder dies."""

import fcntl
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

_POLL_S = 1.0


@contextmanager
def only_writer(folder: Path, log: Callable[[str], None]) -> Iterator[None]:
    """Holds the lock of `folder` (made when missing); waits, interruptibly, while another process holds it."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / ".lock").open("a") as handle:
        told = False
        while not _try(handle.fileno()):
            if not told:
                log(f"another run is writing in {folder}: waiting for it to end")
                told = True
            time.sleep(_POLL_S)
        yield  # closing the file gives the lock back


def _try(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
