"""Locks a folder for one writing process at a time; the kernel releases the lock when the holder dies.

The lock is on a file. If that file is deleted, another process can lock a new one of the same name. Therefore the
holder, and each process that it has started, checks before every write that the file still exists.
"""

import fcntl
import json
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path

from ecg_assets.store.write_errors import named_when_refused

_NAME = ".lock"
_POLL_S = 1.0
# Locks held by this process and by the process that started it; its children inherit them.
_HELD_VARIABLE = "ECG_HELD_LOCKS"

# Path, device and inode.
_Lock = tuple[str, int, int]


class LockLostError(RuntimeError):
    """A lock file was deleted while it was held, so another process may be writing; the message names it."""


@contextmanager
def only_writer(folder: Path, log: Callable[[str], None]) -> Iterator[None]:
    """Holds the lock of `folder` (created if missing); waits, interruptibly, while another process holds it.

    Raises:
        WriteRefusedError: the folder cannot be written.
    """
    told = False
    while (descriptor := _locked(folder / _NAME)) is None:
        if not told:
            log(f"another run is writing in {folder}: waiting for it to end")
            told = True
        time.sleep(_POLL_S)
    with _noted(folder / _NAME, descriptor):
        yield


@contextmanager
def only_writer_at_once(folder: Path) -> Iterator[bool]:
    """Holds the lock of `folder`; yields False if another process holds it."""
    descriptor = _locked(folder / _NAME)
    if descriptor is None:
        yield False
        return
    with _noted(folder / _NAME, descriptor):
        yield True


def check_locks() -> None:
    """Checks the locks; call it before anything is written or removed.

    Raises:
        LockLostError: a lock held by this process, or by the one that started it, has vanished.
    """
    for path, device, inode in _held():
        if not _is_at(path, device, inode):
            raise LockLostError(
                f"{path} has vanished while this run held it, so another may be writing in {Path(path).parent}: "
                "nothing more is written; let the other one end, then start this run again"
            )


def _locked(path: Path) -> int | None:
    """The descriptor of the locked file; None if another process holds the lock."""
    with named_when_refused(path):
        path.parent.mkdir(parents=True, exist_ok=True)
    while True:
        with named_when_refused(path):
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NONBLOCK, 0o644)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            return None
        status = os.fstat(descriptor)
        if _is_at(str(path), status.st_dev, status.st_ino):
            return descriptor
        os.close(descriptor)  # deleted between opening and locking: another process would lock a new one


@contextmanager
def _noted(path: Path, descriptor: int) -> Iterator[None]:
    """Holds the descriptor, and registers the lock for this process and its children."""
    status = os.fstat(descriptor)
    own = (str(path.absolute()), status.st_dev, status.st_ino)
    _note([*_held(), own])
    try:
        yield
    finally:
        _note([one for one in _held() if one != own])
        os.close(descriptor)  # releases the lock


def _held() -> tuple[_Lock, ...]:
    return _parsed(os.environ.get(_HELD_VARIABLE, "[]"))


@lru_cache(maxsize=16)
def _parsed(text: str) -> tuple[_Lock, ...]:
    return tuple((str(path), int(device), int(inode)) for path, device, inode in json.loads(text))


def _note(locks: list[_Lock]) -> None:
    if locks:
        os.environ[_HELD_VARIABLE] = json.dumps(locks)
    else:
        os.environ.pop(_HELD_VARIABLE, None)


def _is_at(path: str, device: int, inode: int) -> bool:
    try:
        status = os.stat(path)  # noqa: PTH116 (before each of millions of writes)
    except (FileNotFoundError, NotADirectoryError):
        return False
    return (status.st_dev, status.st_ino) == (device, inode)
