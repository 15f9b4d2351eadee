"""Lists the inbox of scans, the folder for images of paper ECGs."""

from collections.abc import Iterator
from pathlib import Path

from ecg_assets.scans.image import SUFFIXES
from ecg_assets.scans.image_names import name_problem, shown_name
from ecg_assets.store.log import Log
from ecg_assets.store.plain_file import what_lies_at
from ecg_assets.store.root import DataRoot
from ecg_assets.store.safe_paths import leads_out

_LINK = "it is a link out of the inbox; copy what it leads to there"


def inbox(root: DataRoot) -> Path:
    """The folder for images to read; created if missing."""
    folder = root.scans / "inbox"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def images_in(root: DataRoot) -> list[Path]:
    """Every image in the inbox and below, by name, except those in `left_out`."""
    folder = inbox(root)
    return sorted(path for path in _with_suffix(folder) if path.is_file() and _problem(path, folder) is None)


def image_names(root: DataRoot) -> list[str]:
    """Names of the images in the inbox, relative to it, with forward slashes."""
    folder = inbox(root)
    return [path.relative_to(folder).as_posix() for path in images_in(root)]


def left_out(root: DataRoot) -> dict[str, str]:
    """Images in the inbox that are not read, by printable name, with the reason."""
    folder = inbox(root)
    problems = {path: _problem(path, folder) for path in _with_suffix(folder)}
    links = {path: _LINK for path in folder.rglob("*") if leads_out(path, folder)}
    told = {path: why for path, why in (problems | links).items() if why is not None}
    return {shown_name(path.relative_to(folder).as_posix()): told[path] for path in sorted(told)}


def tell_left_out(root: DataRoot, stage: str, log: Log) -> dict[str, str]:
    """Logs the images of the inbox that are not read, and returns them."""
    told = left_out(root)
    for name, why in told.items():
        log(f"{stage}: {name} is left out: {why}")
    return told


def _with_suffix(folder: Path) -> Iterator[Path]:
    return (path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES and path.name[0] != ".")


def _problem(path: Path, folder: Path) -> str | None:
    """Why a path with an image's suffix is not read; None for readable images and for folders."""
    if leads_out(path, folder):
        return _LINK
    if path.is_dir():
        return None
    lies = what_lies_at(path)
    if lies and not path.is_file():
        return f"it is {lies} and no file; put the image itself there"
    return name_problem(path.relative_to(folder).as_posix())
