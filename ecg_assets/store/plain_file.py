"""Opens plain files only, because reading a named pipe or a device could hang."""

import os
import stat
from pathlib import Path
from typing import BinaryIO

_KINDS = {
    stat.S_IFDIR: "a folder",
    stat.S_IFLNK: "a link",
    stat.S_IFIFO: "a named pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}


class NotAPlainFileError(OSError):
    """A path is not a plain file but, for example, a folder or a named pipe; the message names it."""


def open_plain(path: Path) -> BinaryIO:
    """Opens a file for reading bytes; never waits for a pipe's writer.

    Raises:
        NotAPlainFileError: it is not a plain file.
        OSError: it is missing, or access is denied.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        mode = os.fstat(descriptor).st_mode
        if not stat.S_ISREG(mode):
            raise NotAPlainFileError(f"{path} is {_KINDS[stat.S_IFMT(mode)]}, expected a file; move it away")
        return os.fdopen(descriptor, "rb")
    except BaseException:
        os.close(descriptor)
        raise


def read_plain(path: Path) -> bytes:
    """The bytes of a file; raises as `open_plain`."""
    with open_plain(path) as file:
        return file.read()


def what_lies_at(path: Path) -> str | None:
    """`a folder`, `a link`, `a named pipe` and so on; an empty text for a plain file, None if nothing exists."""
    try:
        mode = path.lstat().st_mode
    except (FileNotFoundError, NotADirectoryError):
        return None
    return "" if stat.S_ISREG(mode) else _KINDS[stat.S_IFMT(mode)]


def is_plain(path: Path) -> bool:
    """Whether the path itself is a plain file: neither a folder nor a link."""
    return what_lies_at(path) == ""
