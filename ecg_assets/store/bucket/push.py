"""Pushes units to the bucket: first files, named by their hash, then the manifest; then old objects are deleted."""

import shutil
import uuid
from collections.abc import Collection, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

from ecg_assets.store.bucket.client import ABSENT, TRANSFERS
from ecg_assets.store.bucket.retry import BucketError, GenerationChangedError, ObjectMissingError
from ecg_assets.store.bucket.units import (
    ARCHIVE,
    RUNS,
    SCANS,
    Unit,
    group_of,
    manifest_unit,
    run_names,
    run_unit,
    units,
)
from ecg_assets.store.bucket.working_copy import (
    MANIFESTS,
    BucketManifest,
    Known,
    Stored,
    WorkingCopy,
    object_name,
    read_bucket_manifest,
)
from ecg_assets.store.fingerprint import sha256_file
from ecg_assets.store.lock import only_writer
from ecg_assets.store.log import Log


class SecondWriterError(BucketError):
    """Another writer has pushed different content of the same unit."""


def push(copy: WorkingCopy, groups: Collection[str], log: Log) -> list[str]:
    """Pushes all units of these groups that differ from the bucket's; returns their names.

    Raises:
        SecondWriterError: another writer has pushed different content since the last pull.
        BucketError: the bucket cannot be written.
    """
    pushed, seen = [], set()
    with only_writer(copy.own, log):
        for unit in units(copy.path, groups):
            seen.add(unit.name)
            if _put_unit(copy, unit, log):
                pushed.append(unit.name)
        if SCANS in groups:
            _forget_results(copy, seen, log)
    if RUNS in groups:
        pushed += [name for name in run_names(copy.path) if push_run(copy, name, log)]
    return pushed


def push_shard(copy: WorkingCopy, manifest: Path, log: Log) -> bool:
    """Pushes one shard of a stage if it is finished and not in the bucket; returns whether it was pushed."""
    unit = manifest_unit(copy.path, manifest)
    if unit is None:
        return False
    with only_writer(copy.own, log):
        return _put_unit(copy, unit, log)


def push_run(copy: WorkingCopy, run: str, log: Log) -> bool:
    """Pushes a run folder, named relative to `runs/`, in its present state; a trainer may be writing in it.

    Returns whether it was pushed.
    """
    moment = copy.own / "moments" / uuid.uuid4().hex[:8]
    with only_writer(copy.own, log):
        shutil.rmtree(moment.parent, ignore_errors=True)  # left by a killed push
        try:
            return _put_unit(copy, run_unit(copy.path, run, moment), log)
        finally:
            shutil.rmtree(moment, ignore_errors=True)


def _put_unit(copy: WorkingCopy, unit: Unit, log: Log) -> bool:
    known = copy.known(unit.name)
    there = known.manifest.files if known is not None else {}
    if known is not None and known.manifest.contents() == unit.files:
        return False
    due = {name: sha256 for name, sha256 in unit.files.items() if name not in there or there[name].sha256 != sha256}
    with ThreadPoolExecutor(TRANSFERS) as pool:
        try:
            put = dict(zip(due, pool.map(lambda item: _put_file(copy, unit, *item), due.items()), strict=True))
        finally:
            pool.shutdown(wait=True, cancel_futures=True)
    files = {name: put.get(name) or there[name] for name in sorted(unit.files)}
    manifest = BucketManifest(files=files, last=unit.last)
    now = _put_manifest(copy, unit.name, manifest, known)
    copy.note(unit.name, now)
    if known is not None:
        _delete_replaced(copy, known.manifest, now.manifest)
    size = sum(stored.size for stored in put.values())
    log(f"{unit.name}: {len(put)} of {len(files)} files put to {copy.bucket.address}, {size >> 10} KiB")
    return True


def _put_file(copy: WorkingCopy, unit: Unit, name: str, sha256: str) -> Stored:
    path = unit.base / name
    if sha256_file(path) != sha256:
        raise BucketError(f"{path} is not what was noted when it was made: delete it, and run again")
    generation = copy.bucket.put(object_name(name, sha256), path)
    return Stored(sha256=sha256, size=path.stat().st_size, generation=generation)


def _put_manifest(copy: WorkingCopy, name: str, manifest: BucketManifest, known: Known | None) -> Known:
    content = manifest.model_dump_json(indent=1).encode()
    expected = known.generation if known is not None else ABSENT
    try:
        return Known(generation=copy.bucket.put(MANIFESTS + name, content, expected), manifest=manifest)
    except GenerationChangedError as error:
        theirs = _theirs(copy, name)
        # The same content: made by another writer from the same inputs, or pushed in an attempt whose answer was lost.
        if theirs is not None and theirs.manifest.contents() == manifest.contents():
            return theirs
        raise SecondWriterError(
            f"{copy.bucket.told(MANIFESTS + name)} was written by another machine since this one has pulled it: two "
            "runs write in this data root. Theirs stays; end one of the runs, then run again: it begins with what the "
            "bucket holds"
        ) from error


def _theirs(copy: WorkingCopy, name: str) -> Known | None:
    found = copy.bucket.find(MANIFESTS + name)
    if found is None:
        return None
    manifest = read_bucket_manifest(copy.bucket.read(found), copy.bucket.told(found.name))
    return Known(generation=found.generation, manifest=manifest)


def _delete_replaced(copy: WorkingCopy, before: BucketManifest, now: BucketManifest) -> None:
    kept = {object_name(name, stored.sha256) for name, stored in now.files.items()}
    objects = {object_name(name, stored.sha256): stored.generation for name, stored in before.files.items()}
    delete_objects(copy, ((name, generation) for name, generation in objects.items() if name not in kept))


def delete_objects(copy: WorkingCopy, objects: Iterable[tuple[str, int]]) -> None:
    """Deletes objects, each only in the given generation."""

    def one(item: tuple[str, int]) -> None:
        # Already deleted, or pushed again by another writer.
        with suppress(ObjectMissingError, GenerationChangedError):
            copy.bucket.delete(*item)

    with ThreadPoolExecutor(TRANSFERS) as pool:
        for _ in pool.map(one, list(objects)):
            pass


def archived_units(copy: WorkingCopy) -> dict[str, int]:
    """Archived runs in the bucket, from all machines: name of the unit -> bytes."""
    found = copy.bucket.listing(f"{MANIFESTS}{RUNS}/{ARCHIVE}/")
    manifests = {one.name: read_bucket_manifest(copy.bucket.read(one), copy.bucket.told(one.name)) for one in found}
    return {
        name.removeprefix(MANIFESTS): sum(stored.size for stored in manifest.files.values())
        for name, manifest in manifests.items()
    }


def delete_archived(copy: WorkingCopy, name: str) -> None:
    """Deletes an archived run from the bucket.

    Raises:
        BucketError: the bucket cannot be written.
    """
    there = _theirs(copy, name)
    if there is not None:
        delete_objects(copy, [(MANIFESTS + name, there.generation)])
        _delete_replaced(copy, there.manifest, BucketManifest(files={}))
    copy.note(name, None)


def _forget_results(copy: WorkingCopy, seen: set[str], log: Log) -> None:
    """Deletes from the bucket the results of scans that were removed here because their image left the inbox."""
    for name in copy.known_names():
        known = copy.known(name)
        if group_of(name) != SCANS or name in seen or known is None:
            continue
        if known.manifest.last is not None and not (copy.path / known.manifest.last).exists():
            delete_objects(copy, [(MANIFESTS + name, known.generation)])
            _delete_replaced(copy, known.manifest, BucketManifest(files={}))
            copy.note(name, None)
            log(f"{name}: dropped from {copy.bucket.address}")
