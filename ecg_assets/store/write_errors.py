"""Explains why a file cannot be written: which file, why, and what to do."""

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_ELSEWHERE = "or choose a folder elsewhere (ECG_ASSETS_DATA names the data root)"
_REMEDIES = {
    errno.ENOSPC: f"its disk is full: make room, {_ELSEWHERE}, and start again",
    errno.EDQUOT: f"its disk's quota is used up: make room, {_ELSEWHERE}, and start again",
    errno.EFBIG: "it would be larger than this process may write: raise `ulimit -f`, and start again",
    errno.EROFS: f"its disk is read-only: mount it writable, {_ELSEWHERE}",
    errno.EACCES: f"its folder may not be written: change its permissions, {_ELSEWHERE}",
    errno.EPERM: f"its folder may not be written: change its permissions, {_ELSEWHERE}",
    errno.ENAMETOOLONG: "its name is too long for the disk: choose a shorter one",
    errno.EISDIR: "a folder lies in its place: move that away, and start again",
    errno.ENOTEMPTY: "a folder lies in its place: move that away, and start again",
    errno.ENOTDIR: "a file lies in the place of one of its folders: move that away, and start again",
    errno.EEXIST: "a file lies in the place of one of its folders: move that away, and start again",
    errno.EIO: f"its disk reports an error: repair it, {_ELSEWHERE}, and start again",
}


class WriteRefusedError(OSError):
    """A file cannot be written; the message names it, the reason, and what to do. The old file is unchanged."""


@contextmanager
def named_when_refused(target: Path) -> Iterator[None]:
    """Turns write errors of the block into an error that names `target`.

    Raises:
        WriteRefusedError: for example the disk is full or the folder read-only.
    """
    try:
        yield
    except OSError as error:
        said = None if _is_of_another(error, target) else write_refusal(error, target)
        if said is None:
            raise
        raise WriteRefusedError(said) from error


def write_refusal(error: OSError, target: Path) -> str | None:
    """One sentence on why a file could not be written; None if the error has another cause."""
    remedy = _REMEDIES.get(error.errno or 0)
    return None if remedy is None else f"{target} cannot be written: {remedy}"


def _is_of_another(error: OSError, target: Path) -> bool:
    """Whether the error concerns another file, which was being read."""
    if isinstance(error, WriteRefusedError):
        return True
    if not isinstance(error.filename, str):
        return False
    named = Path(error.filename)
    return named.parent != target.parent and named not in target.parents
