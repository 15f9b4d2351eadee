"""Work for the tests of the Ray engine: importable on the nodes."""

import os
import time
from dataclasses import dataclass
from pathlib import Path

from ecg_assets.store.atomic import atomic_path
from ecg_assets.store.fingerprint import sha256_bytes


class BadItemError(ValueError):
    """What a task raises here."""


@dataclass(frozen=True)
class WriteNumber:
    """Writes an item's file in two halves, slowly, and notes each attempt."""

    folder: Path
    seconds: float = 0.15

    def __call__(self, number: int) -> str:
        with (self.folder / "attempts").open("a") as attempts:
            attempts.write(f"{number} {os.getpid()}\n")
        content = f"{number} squared is {number * number}\n".encode()
        with atomic_path(self.folder / f"{number:03d}") as temporary:
            temporary.write_bytes(content[:5])
            time.sleep(self.seconds)
            temporary.write_bytes(content)
        return sha256_bytes(content)


def refuse_three(number: int) -> int:
    """Fails for one item."""
    if number == 3:
        raise BadItemError("3 is bad")
    return number


def sleep_noting(path: str) -> None:
    """Leaves its process number and does not end, unless the file is called `short`."""
    Path(path).write_text(str(os.getpid()))
    time.sleep(0 if path.endswith("short") else 600)


def hide_probe(folder: str) -> None:
    """Makes the data root look to the next task as if it were not mounted."""
    for path in Path(folder).glob(".tmp-*"):
        path.unlink(missing_ok=True)
