"""Counts what lies in a data root, from manifests alone."""

from dataclasses import dataclass
from pathlib import Path

from ecg_assets.store.manifest import read_manifest


@dataclass(frozen=True)
class Stock:
    """How many manifests of a stage are whole.

    Attributes:
        current: finished, and all their files are there.
        stale: begun and not finished, or files are missing; the next run makes them again.
        files: files that belong to the current ones.
    """

    current: int
    stale: int
    files: int


def take_stock(folder: Path, root: Path) -> Stock:
    """Reads the manifests of the stage whose folder this is; file names are relative to `root`.

    Raises:
        ManifestError: a manifest cannot be read.
    """
    current = stale = files = 0
    for path in sorted((folder / "_manifests").rglob("*.json")):
        manifest = read_manifest(path)
        if manifest is not None and manifest.fingerprint and all((root / name).exists() for name in manifest.files):
            current, files = current + 1, files + len(manifest.files)
        else:
            stale += 1
    return Stock(current, stale, files)
