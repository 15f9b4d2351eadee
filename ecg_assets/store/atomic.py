"""Writes that are either whole or absent: a temporary name beside the target, then a rename."""

import json
import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

TEMPORARY_PREFIX = ".tmp-"


@contextmanager
def atomic_path(target: Path) -> Iterator[Path]:
    """Yields a temporary path in the target's folder; renames it to `target` on success, removes it on error.

    The folder is made when missing. The file is flushed to disk before the rename, so that a host that dies
    leaves either the old file or the new one.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = target.with_name(f"{TEMPORARY_PREFIX}{uuid.uuid4().hex[:8]}-{target.name}")
    try:
        yield temporary
        with temporary.open("rb") as handle:
            os.fsync(handle.fileno())
        temporary.replace(target)
    finally:
        temporary.unlink(missing_ok=True)


def write_bytes(target: Path, content: bytes) -> None:
    """Writes `content` atomically."""
    with atomic_path(target) as temporary:
        temporary.write_bytes(content)


def write_text(target: Path, text: str) -> None:
    """Writes `text` atomically as UTF-8."""
    write_bytes(target, text.encode("utf-8"))


def write_json(target: Path, value: Any) -> None:
    """Writes `value` atomically as JSON with sorted keys, so that equal values give equal bytes."""
    write_text(target, json.dumps(value, indent=1, sort_keys=True) + "\n")


def remove_temporaries(folder: Path) -> int:
    """Deletes what killed writers left below `folder`; returns how many files that were.

    Call it only where no other writer is at work in that folder.
    """
    left = [path for path in folder.rglob(f"{TEMPORARY_PREFIX}*") if path.is_file()]
    for path in left:
        path.unlink(missing_ok=True)
    return len(left)
