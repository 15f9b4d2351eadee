"""Recognises plain files; pipes and devices are never opened, because reading them need not end."""

import stat
from pathlib import Path

_KINDS = {
    stat.S_IFIFO: "a pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
    stat.S_IFDIR: "a folder",
}


def is_regular(path: Path) -> bool:
    """Whether a plain file, or a link to one, exists; also False for invalid names."""
    return _mode(path) == stat.S_IFREG


def what_else(path: Path) -> str | None:
    """The kind of a path that is not a plain file, e.g. "a pipe"; None for a plain file and for a missing one."""
    return _KINDS.get(_mode(path))


def _mode(path: Path) -> int:
    try:
        return stat.S_IFMT(path.stat().st_mode)
    except (OSError, ValueError):  # too long, without permission, a circular link, or with a NUL
        return 0
