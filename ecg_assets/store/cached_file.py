"""Small things that take long to make, kept beside what they follow from: they are made again when that has changed."""

from collections.abc import Callable
from pathlib import Path

from ecg_assets.store.atomic import write_bytes


def kept(path: Path, follows_from: str, make: Callable[[], bytes]) -> bytes:
    """What `make` gives, from the file at `path` where that holds it for the same `follows_from`.

    Args:
        path: a file of its own for each thing; it is replaced whole when the thing is made again.
        follows_from: one line, the fingerprint of all that the thing follows from.
        make: called when there is no such file, or one that follows from something else.
    """
    held, _, content = path.read_bytes().partition(b"\n") if path.exists() else (b"", b"", b"")
    if held == follows_from.encode():
        return content
    made = make()
    write_bytes(path, f"{follows_from}\n".encode() + made)
    return made
