"""The inbox of scans: a folder into which people put images of paper ECGs."""

from pathlib import Path

from ecg_assets.scans.image import SUFFIXES
from ecg_assets.store.log import Log
from ecg_assets.store.root import DataRoot
from ecg_assets.store.safe_paths import leads_out


def inbox(root: DataRoot) -> Path:
    """Where images to read are put; it is made when missing."""
    folder = root.scans / "inbox"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def images_in(root: DataRoot) -> list[Path]:
    """Every image in the inbox and below, by name; neither other files nor links that lead out are looked at."""
    folder = inbox(root)
    return sorted(
        path
        for path in folder.rglob("*")
        if path.suffix.lower() in SUFFIXES and path.is_file() and path.name[0] != "." and not leads_out(path, folder)
    )


def image_names(root: DataRoot) -> list[str]:
    """Of the images in the inbox, relative to it, with forward slashes."""
    folder = inbox(root)
    return [path.relative_to(folder).as_posix() for path in images_in(root)]


def tell_links(root: DataRoot, stage: str, log: Log) -> None:
    """Says which links are left out because they lead out of the inbox."""
    folder = inbox(root)
    for path in sorted(path for path in folder.rglob("*") if leads_out(path, folder)):
        name = path.relative_to(folder).as_posix()
        log(f"{stage}: {name} is left out: it is a link out of the inbox; copy what it leads to there")
