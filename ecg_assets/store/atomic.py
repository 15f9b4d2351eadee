"""Writes files atomically: under a temporary name beside the target, then renamed."""

import json
import os
import sys
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from ecg_assets.store.lock import check_locks
from ecg_assets.store.write_errors import named_when_refused

TEMPORARY_PREFIX = ".tmp-"

# From this number of files on, one flush of the whole system is faster than one per file: 30 ms instead of 240 for 90
# pages.
_FEW = 8


@contextmanager
def atomic_path(target: Path, flushed: bool = True) -> Iterator[Path]:
    """Yields a temporary path in the target's folder; renames it to `target` on success, removes it on error.

    A missing folder is created. Nothing is renamed once a lock of this process has vanished; see `check_locks`.

    Args:
        target: the file.
        flushed: whether the file is flushed to disk before it is renamed, so that a host that dies leaves either the
            old file or the new one. Otherwise it may leave an empty file; use that only for files that count once
            something written later, after `flush`, names their content.

    Raises:
        WriteRefusedError: for example the disk is full or the folder read-only; `target` is unchanged.
        LockLostError: the lock file of a folder that this process writes in was deleted.
    """
    temporary = target.with_name(f"{TEMPORARY_PREFIX}{uuid.uuid4().hex[:8]}-{target.name}")
    with named_when_refused(target):
        check_locks()
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            yield temporary
            if flushed:
                flush([temporary])
            check_locks()
            temporary.replace(target)
        finally:
            with suppress(OSError):  # it does not exist, or the disk has become read-only
                temporary.unlink()


def flush(paths: Sequence[Path]) -> None:
    """Flushes the files' content to disk."""
    if len(paths) > _FEW and sys.platform == "linux":  # elsewhere `sync` does not wait
        os.sync()
        return
    for path in paths:
        with path.open("rb") as handle:
            os.fsync(handle.fileno())


def write_bytes(target: Path, content: bytes, flushed: bool = True) -> None:
    """Writes `content` atomically; see `atomic_path`."""
    with atomic_path(target, flushed) as temporary:
        temporary.write_bytes(content)


def write_text(target: Path, text: str) -> None:
    """Writes `text` atomically as UTF-8."""
    write_bytes(target, text.encode("utf-8"))


def json_bytes(value: Any, indent: int | None = 1) -> bytes:
    """`value` as JSON with sorted keys, so that equal values give equal bytes; ten times faster without an indent."""
    return (json.dumps(value, indent=indent, sort_keys=True) + "\n").encode("utf-8")


def write_json(target: Path, value: Any) -> None:
    """Writes `json_bytes` of `value` atomically."""
    write_bytes(target, json_bytes(value))


def remove_temporaries(folder: Path) -> int:
    """Deletes temporary files of killed writers below `folder`; returns their number.

    Call it only if no other process writes in that folder.
    """
    # Path.rglob is too slow for the millions of files of a million records.
    files = ((parent, name) for parent, _, names in os.walk(folder) for name in names)
    left = [Path(parent, name) for parent, name in files if name.startswith(TEMPORARY_PREFIX)]
    for path in left:
        path.unlink(missing_ok=True)
    return len(left)
