"""What keeps names and links of other people within a folder."""

from pathlib import Path


def leads_out(path: Path, folder: Path) -> bool:
    """Whether `path`, found below `folder`, is a link to something outside of it; `folder` itself may be a link."""
    return path.is_symlink() and not path.resolve().is_relative_to(folder.resolve())


def is_inside(name: str) -> bool:
    """Whether a name, appended to a folder, surely leads to a place below it."""
    # Of a million records there are millions of names: no pathlib here.
    parts = f"/{name}/"
    return "//" not in parts and "/../" not in parts and "/./" not in parts and "\0" not in name and "\\" not in name
