"""What keeps names and links of other people within a folder."""

from collections.abc import Iterable
from pathlib import Path


def leads_out(path: Path, folder: Path) -> bool:
    """Whether `path`, found below `folder`, is a link to something outside of it; `folder` itself may be a link."""
    return path.is_symlink() and not path.resolve().is_relative_to(folder.resolve())


def is_inside(name: str) -> bool:
    """Whether a name, appended to a folder, surely leads to a place below it."""
    # Of a million records there are millions of names: no pathlib here.
    parts = f"/{name}/"
    return not any(unwanted in parts for unwanted in ("//", "/../", "/./", "\0", "\\"))


def all_inside(names: Iterable[str]) -> bool:
    """Whether `is_inside` holds for each of the names; several times faster than asking for them one by one."""
    # What is unwanted in one of them is unwanted in all of them as the parts of one name, and the other way round.
    parts = list(names)
    return not parts or is_inside("/".join(parts))
