"""Caches small results in files, and recomputes them when their inputs have changed.

The first line of such a file holds the fingerprint of the inputs and the hash of the rest. Files of earlier versions
have no hash and are used unchecked.
"""

import re
from collections.abc import Callable
from pathlib import Path

from ecg_assets.store.atomic import write_bytes
from ecg_assets.store.fingerprint import sha256_bytes
from ecg_assets.store.plain_file import is_plain, read_plain

_FINGERPRINT = re.compile(rb"[0-9a-f]{64}")


def kept(path: Path, follows_from: str, make: Callable[[], bytes]) -> bytes:
    """The result of `make`, from the file at `path` if that holds it for the same `follows_from`.

    Args:
        path: a separate file for each result; replaced atomically when the result is computed again.
        follows_from: one line, the fingerprint of all inputs.
        make: called if the file is missing, damaged, or has another fingerprint.
    """
    head, _, content = read_plain(path).partition(b"\n") if is_plain(path) else (b"", b"", b"")
    if head in (follows_from.encode(), _head(follows_from, content)):
        return content
    made = make()
    write_bytes(path, _head(follows_from, made) + b"\n" + made)
    return made


def is_whole(path: Path) -> bool | None:
    """Whether a cached file is undamaged; None for a file of an earlier version, without a hash."""
    head, newline, content = read_plain(path).partition(b"\n")
    if newline and _FINGERPRINT.fullmatch(head):
        return None
    return bool(newline) and head == _head(head.rpartition(b" ")[0].decode("utf-8", "replace"), content)


def _head(follows_from: str, content: bytes) -> bytes:
    """The first line: one hash of both, so that a change of any bit of the line is detected."""
    return f"{follows_from} {sha256_bytes(follows_from.encode() + content)}".encode()
