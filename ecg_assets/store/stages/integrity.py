"""Looks after a data root: files that have changed since they were made, and files that nothing refers to."""

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
    """On one file.

    Attributes:
        name: relative to the data root.
        damage: what is wrong with it, and what to do where deleting it is not enough; None when nothing is.
        covered: its bytes were compared with a hash; of files that an earlier version wrote there may be none.
    """

    name: str
    damage: str | None
    covered: bool = True


def listed_files(stage: Stage) -> int:
    """How many files the stage's manifests list, themselves included; of damaged ones nothing is known."""
    count = 0
    for path in manifest_paths(stage.folder):
        with suppress(ManifestError):
            manifest = read_manifest(path)
            count += 1 + len(manifest.files if manifest else ())
    return count


def verify_stage(stage: Stage, root: DataRoot) -> Iterator[Verdict]:
    """Looks at each manifest of the stage, and hashes every file that it lists."""
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


def file_damage(path: Path, sha256: str, since: str = "it was made") -> str | None:
    """What is wrong with a file that had this hash then; None when it has it still."""
    lies = what_lies_at(path)
    if lies is None:
        return "is missing"
    if lies:
        return f"is {lies}, expected a file"
    return None if sha256_file(path) == sha256 else f"has changed since {since}"
