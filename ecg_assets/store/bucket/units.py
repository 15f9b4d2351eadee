"""Divides a data root into units whose files become visible in a bucket together: shard, run folder, champion."""

import os
import shutil
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

from ecg_assets.store.atomic import TEMPORARY_PREFIX
from ecg_assets.store.fingerprint import sha256_file
from ecg_assets.store.manifest import read_manifest

STORE, RECORDS, GRIDS, PAGES, DATASET = "store.json", "ori_csv", "grids", "data", "dataset_grid_wave_mix"
RUNS, CHAMPION, SCANS = "runs", "champion", "scans"
# Archived run folders: `runs/.archive/<experiment>/<time>/`.
ARCHIVE = ".archive"
GROUPS = (RECORDS, GRIDS, PAGES, DATASET, RUNS, CHAMPION, SCANS)

_MANIFESTS = "_manifests"
_SINGLE = (STORE, f"{DATASET}/dataset.json", f"{RUNS}/published.json")
# Files outside a manifest that belong to a unit: the index, and the note of the published checkpoint.
_BESIDE = {
    f"{RECORDS}/records.json": (f"{RECORDS}/index.parquet",),
    f"{RUNS}/published.json": (f"{RUNS}/published.safetensors",),
}
_OF_THE_MOMENT = ("heartbeats", "hosts", "stop_request", "stop_point", "stop_agreement", "process.json")
_IMMUTABLE = ".safetensors"


@dataclass(frozen=True)
class Unit:
    """Files that become visible together.

    Attributes:
        name: of its manifest in the bucket, below `manifests/`.
        files: path relative to the data root -> SHA-256.
        last: the file that marks the others as complete; it is written last.
        base: folder to which `files` are relative: the data root, or a snapshot.
    """

    name: str
    files: dict[str, str]
    last: str | None
    base: Path


def group_of(name: str) -> str:
    """The part of the data root to which a unit belongs."""
    return name.partition("/")[0]


def lock_of(name: str) -> str | None:
    """The folder whose lock a writer of that unit holds, relative to the data root."""
    parts = name.split("/")
    if name in _SINGLE or len(parts) == 1:
        return None
    if parts[0] == RUNS:
        return f"{RUNS}/.locks/{parts[2] if is_archived(name) else parts[1]}"
    return "/".join(parts[:2]) if len(parts) > 2 else parts[0]


def manifest_unit(root: Path, manifest: Path) -> Unit | None:
    """The unit of a stage's manifest; None while it is unfinished.

    Raises:
        ManifestError: it cannot be read.
    """
    content = read_manifest(manifest)
    if content is None or not content.fingerprint:
        return None
    last = manifest.relative_to(root).as_posix()
    name = last.replace(f"/{_MANIFESTS}/", "/", 1)
    beside = {one: sha256_file(root / one) for one in _BESIDE.get(name, ())}
    return Unit(name, {**content.files, **beside, last: sha256_file(manifest)}, last, root)


def units(root: Path, groups: Collection[str]) -> Iterator[Unit]:
    """All finished units of these groups in the data root, without run folders (see `run_unit`)."""
    for group in groups:
        found = [*(root / group).glob(f"{_MANIFESTS}/**/*.json"), *(root / group).glob(f"*/{_MANIFESTS}/**/*.json")]
        for manifest in sorted(path for path in found if not path.name.startswith(TEMPORARY_PREFIX)):
            unit = manifest_unit(root, manifest)
            if unit is not None:
                yield unit
    for name in _SINGLE:
        if group_of(name) in groups and (root / name).exists():
            there = [one for one in (*_BESIDE.get(name, ()), name) if (root / one).exists()]
            yield Unit(name, {one: sha256_file(root / one) for one in there}, name, root)
    for name, folder, last in (
        (f"{CHAMPION}/champion.json", CHAMPION, f"{CHAMPION}/champion.json"),
        (f"{SCANS}/inbox.json", f"{SCANS}/inbox", None),
        (f"{SCANS}/digitization.json", f"{SCANS}/digitization", None),
    ):
        if group_of(name) in groups and (last is None or (root / last).exists()) and (root / folder).is_dir():
            files = {one: sha256_file(root / one) for one in _files_below(root, root / folder)}
            yield Unit(name, files, last, root)


def run_names(root: Path) -> list[str]:
    """Run folders, relative to `runs/`: experiments and archived runs."""
    found = [path for pattern in ("*", f"{ARCHIVE}/*/*") for path in (root / RUNS).glob(f"{pattern}/config.json")]
    return sorted(path.parent.relative_to(root / RUNS).as_posix() for path in found)


def is_archived(name: str) -> bool:
    """Whether a unit is an archived run, which is pushed but never pulled because nothing is made from it."""
    return name.startswith(f"{RUNS}/{ARCHIVE}/")


def run_unit(root: Path, run: str, moment: Path) -> Unit:
    """A snapshot of a run folder, although a trainer may be writing in it.

    Checkpoints are renamed into place and never changed, so they are hard-linked; other files grow and are copied. If
    the trainer writes during the snapshot, its checkpoint may be newer than its state, as after a kill between the two;
    training can resume from such a folder.

    Args:
        root: the data root.
        run: the run folder, relative to `runs/`.
        moment: an empty folder on the same disk, for the copy.
    """
    folder = f"{RUNS}/{run}"
    files = {}
    for name in _files_below(root, root / folder):
        target = moment / name
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            (os.link if name.endswith(_IMMUTABLE) else shutil.copyfile)(root / name, target)
        except FileNotFoundError:
            continue  # the trainer has just replaced or removed it
        files[name] = sha256_file(target)
    last = f"{folder}/state.json"
    return Unit(f"{folder}/run.json", files, last if last in files else None, moment)


def _files_below(root: Path, folder: Path) -> Iterator[str]:
    for path in sorted(folder.rglob("*")):
        inner = path.relative_to(folder).parts
        hidden = any(part.startswith(".") for part in inner)
        if not hidden and inner[0] not in _OF_THE_MOMENT and path.is_file():
            yield path.relative_to(root).as_posix()
