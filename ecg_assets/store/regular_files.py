"""Plain files, and what is none: a pipe's or device's reading need not end, so neither is ever opened."""

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
    """Whether a plain file, or a link to one, is there; False too for names that no file can have."""
    return _mode(path) == stat.S_IFREG


def what_else(path: Path) -> str | None:
    """What lies there instead of a plain file, e.g. "a pipe"; None for a plain file and for nothing at all."""
    return _KINDS.get(_mode(path))


def _mode(path: Path) -> int:
    try:
        return stat.S_IFMT(path.stat().st_mode)
    except (OSError, ValueError):  # too long, without permission, in a circle, or with a NUL
        return 0
