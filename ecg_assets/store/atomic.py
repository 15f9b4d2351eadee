"""Writes that are either whole or absent: a temporary name beside the target, then a rename."""

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

# Each file's flush waits for the disk; the whole system's waits once: 30 ms for 90 pages instead of 240.
_FEW = 8


@contextmanager
def atomic_path(target: Path, flushed: bool = True) -> Iterator[Path]:
    """Yields a temporary path in the target's folder; renames it to `target` on success, removes it on error.

    The folder is made when missing. Nothing is renamed once a lock of this process has vanished; see `check_locks`.

    Args:
        target: the file.
        flushed: the file is on the disk before it is renamed, so that a host that dies leaves either the old file or
            the new one. Without, a host that dies (not only this process) may leave an empty file: for files that
            count only once something written later names their content, after `flush`.

    Raises:
        WriteRefusedError: the disk is full, the folder is read-only, or the like; `target` is as it was.
        LockLostError: somebody has deleted the lock file of a folder that this process writes in.
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
            with suppress(OSError):  # there is none, or the disk is read-only by now
                temporary.unlink()


def flush(paths: Sequence[Path]) -> None:
    """Returns when the files' content is on the disk."""
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
    """`value` as JSON with sorted keys, so that equal values give equal bytes; ten times as fast without an indent."""
    return (json.dumps(value, indent=indent, sort_keys=True) + "\n").encode("utf-8")


def write_json(target: Path, value: Any) -> None:
    """Writes `value` atomically as `json_bytes` gives it."""
    write_bytes(target, json_bytes(value))


def remove_temporaries(folder: Path) -> int:
    """Deletes what killed writers left below `folder`; returns how many files that were.

    Call it only where no other writer is at work in that folder.
    """
    # Not Path.rglob: of a million records there are millions of files.
    files = ((parent, name) for parent, _, names in os.walk(folder) for name in names)
    left = [Path(parent, name) for parent, name in files if name.startswith(TEMPORARY_PREFIX)]
    for path in left:
        path.unlink(missing_ok=True)
    return len(left)
