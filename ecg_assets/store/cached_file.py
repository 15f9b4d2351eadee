"""Small things that take long to make, kept beside what they follow from: they are made again when that has changed.

The first line of such a file tells what the rest follows from, and the hash of the rest. Files of earlier versions have
no hash and are taken as they are.
"""

import re
from collections.abc import Callable
from pathlib import Path

from ecg_assets.store.atomic import write_bytes
from ecg_assets.store.fingerprint import sha256_bytes
from ecg_assets.store.plain_file import is_plain, read_plain

_FINGERPRINT = re.compile(rb"[0-9a-f]{64}")


def kept(path: Path, follows_from: str, make: Callable[[], bytes]) -> bytes:
    """What `make` gives, from the file at `path` where that holds it for the same `follows_from`.

    Args:
        path: a file of its own for each thing; it is replaced whole when the thing is made again.
        follows_from: one line, the fingerprint of all that the thing follows from.
        make: called when there is no such file, or one that is damaged or follows from something else.
    """
    head, _, content = read_plain(path).partition(b"\n") if is_plain(path) else (b"", b"", b"")
    if head in (follows_from.encode(), _head(follows_from, content)):
        return content
    made = make()
    write_bytes(path, _head(follows_from, made) + b"\n" + made)
    return made


def is_whole(path: Path) -> bool | None:
    """Whether a kept file's bytes are those that were written; None for one of an earlier version, without a hash."""
    head, newline, content = read_plain(path).partition(b"\n")
    if newline and _FINGERPRINT.fullmatch(head):
        return None
    return bool(newline) and head == _head(head.rpartition(b" ")[0].decode("utf-8", "replace"), content)


def _head(follows_from: str, content: bytes) -> bytes:
    """The first line: one hash of both, so that each bit of the line counts."""
    return f"{follows_from} {sha256_bytes(follows_from.encode() + content)}".encode()
