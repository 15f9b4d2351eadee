"""Finds changed and unreferenced files in a data root."""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from ecg_assets.store.atomic import TEMPORARY_PREFIX
from ecg_assets.store.fingerprint import sha256_file
from ecg_assets.store.manifest import ManifestError, manifest_paths, read_manifest
from ecg_assets.store.plain_file import what_lies_at
from ecg_assets.store.root import DataRoot
from ecg_assets.store.sealed import is_sealed
from ecg_assets.store.stages.data_root_stages import Stage


@dataclass(frozen=True)
class Verdict:
    """The result of checking one file.

    Attributes:
        name: relative to the data root.
        damage: the problem, and what to do if deleting the file is not enough; None if it is intact.
        covered: whether its bytes were compared with a hash; files of an earlier version may not have one.
    """

    name: str
    damage: str | None
    covered: bool = True


def listed_files(stage: Stage) -> int:
    """Number of files that the stage's manifests list, themselves included; damaged manifests are not counted."""
    count = 0
    for path in manifest_paths(stage.folder):
        with suppress(ManifestError):
            manifest = read_manifest(path)
            count += 1 + len(manifest.files if manifest else ())
    return count


def verify_stage(stage: Stage, root: DataRoot) -> Iterator[Verdict]:
    """Checks each manifest of the stage, and hashes every file that it lists."""
    for path in manifest_paths(stage.folder):
        try:
            manifest = read_manifest(path)
        except ManifestError as error:
            yield Verdict(root.relative(path), str(error).removeprefix(f"{path} "))
            continue
        if manifest is None:
            continue
        link = "is a link, expected a file" if path.is_symlink() else None
        yield Verdict(root.relative(path), link, covered=is_sealed(path))
        for name, sha256 in manifest.files.items():
            yield Verdict(name, file_damage(root.path / name, sha256))


def unreferenced(stage: Stage, root: DataRoot) -> list[Path]:
    """Files in the stage's folders that are not in a manifest, including temporary files of interrupted writes.

    Hold the stage's lock: the result is valid only while no other process writes.

    Raises:
        ManifestError: a manifest cannot be read; its files would otherwise count as unreferenced.
    """
    listed = {name for manifest in stage.manifests() for name in manifest.files}
    return [path for path in stage.files() if root.relative(path) not in listed]


def temporaries(folder: Path) -> list[Path]:
    """Temporary files of interrupted writes below a folder, sorted; hold its lock."""
    return sorted(path for path in folder.rglob(f"{TEMPORARY_PREFIX}*") if path.is_file())


def file_damage(path: Path, sha256: str, since: str = "it was made") -> str | None:
    """The problem with a file that had this hash; None if it still has it."""
    lies = what_lies_at(path)
    if lies is None:
        return "is missing"
    if lies:
        return f"is {lies}, expected a file"
    return None if sha256_file(path) == sha256 else f"has changed since {since}"
