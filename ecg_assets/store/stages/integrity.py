"""Looks after a data root: files that have changed since they were made, and files that nothing refers to."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ecg_assets.store.atomic import TEMPORARY_PREFIX
from ecg_assets.store.fingerprint import sha256_file
from ecg_assets.store.root import DataRoot
from ecg_assets.store.stages.data_root_stages import Stage


@dataclass(frozen=True)
class Verdict:
    """On one file that a manifest lists.

    Attributes:
        name: relative to the data root.
        damage: what is wrong with it; None when its bytes are those that were written.
    """

    name: str
    damage: str | None


def listed_files(stage: Stage) -> int:
    """How many files the stage's manifests list."""
    return sum(len(manifest.files) for manifest in stage.manifests())


def verify_stage(stage: Stage, root: DataRoot) -> Iterator[Verdict]:
    """Hashes every file that the stage's manifests list.

    Raises:
        ManifestError: a manifest cannot be read; the message names it.
    """
    for manifest in stage.manifests():
        for name, sha256 in manifest.files.items():
            yield Verdict(name, _damage(root.path / name, sha256))


def unreferenced(stage: Stage, root: DataRoot) -> list[Path]:
    """Files in the stage's folders that none of its manifests lists, rests of interrupted writes among them.

    True only while nobody writes in the stage: hold its lock.

    Raises:
        ManifestError: a manifest cannot be read; what it lists would otherwise be taken for unreferenced.
    """
    listed = {name for manifest in stage.manifests() for name in manifest.files}
    return [path for path in stage.files() if root.relative(path) not in listed]


def temporaries(folder: Path) -> list[Path]:
    """Rests of interrupted writes below a folder, sorted; true only while nobody writes in it: hold its lock."""
    return sorted(path for path in folder.rglob(f"{TEMPORARY_PREFIX}*") if path.is_file())


def _damage(path: Path, sha256: str) -> str | None:
    if not path.exists():
        return "is missing"
    return None if sha256_file(path) == sha256 else "has changed since it was made"
