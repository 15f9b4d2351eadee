"""Pulls units from the bucket into the working copy: completely downloaded and verified before files are replaced."""

import shutil
from collections import Counter
from collections.abc import Collection
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from ecg_assets.store.atomic import atomic_path
from ecg_assets.store.bucket.client import TRANSFERS, Listed
from ecg_assets.store.bucket.download import fetch
from ecg_assets.store.bucket.retry import BucketError, GenerationChangedError, ObjectMissingError
from ecg_assets.store.bucket.units import group_of, is_archived, lock_of
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

_READINGS = 3


def pull(copy: WorkingCopy, groups: Collection[str] | None, log: Log) -> list[str]:
    """Makes the units of these groups (None: of all) equal to the bucket's, and removes those deleted from it.

    A unit that was changed here but not in the bucket since the last pull or push is kept. A unit in which another
    process of this machine writes is skipped, because that process has pulled it.

    Returns:
        Names of units that were changed here.

    Raises:
        BucketError: the bucket cannot be read, or the disk is too small.
    """
    changed = []
    with only_writer(copy.own, log):
        listing = {found.name.removeprefix(MANIFESTS): found for found in copy.bucket.listing(MANIFESTS)}
        names = sorted({*listing, *copy.known_names()})
        wanted = (one for one in names if groups is None or group_of(one) in groups)
        for name in (one for one in wanted if not is_archived(one)):
            with copy.locked(lock_of(name)) as free:
                if not free:
                    log(f"{name}: another run writes it on this machine; not pulled")
                elif _pull_unit(copy, name, listing.get(name), log):
                    changed.append(name)
    return changed


def _pull_unit(copy: WorkingCopy, name: str, found: Listed | None, log: Log) -> bool:
    for _ in range(_READINGS):
        known = copy.known(name)
        if found is None:
            return known is not None and _drop(copy, name, known, log)
        if known is not None and known.generation == found.generation and not _lost(copy, known):
            return False
        try:
            content = copy.bucket.read(found)
            manifest = read_bucket_manifest(content, copy.bucket.told(found.name))
            _bring(copy, name, Known(generation=found.generation, manifest=manifest), known, log)
            return True
        except (ObjectMissingError, GenerationChangedError):
            # A newer manifest was written, and this one's objects were removed.
            found = copy.bucket.find(found.name)
    raise BucketError(
        f"{copy.bucket.told(MANIFESTS + name)} names objects that are not there; run again, and if it stays "
        "so: delete this manifest, and the stage that made it makes it again"
    )


def _lost(copy: WorkingCopy, known: Known) -> bool:
    """Whether files of the last pull or push are missing, while the unit is unchanged."""
    last = known.manifest.last
    if last is not None and (copy.path / last).exists() and not _unchanged(copy, known):
        return False  # made again here, so old files do not matter
    return any(not (copy.path / name).exists() for name in known.manifest.files)


def _bring(copy: WorkingCopy, name: str, now: Known, before: Known | None, log: Log) -> None:
    trusted = _unchanged(copy, before)
    due = {one: stored for one, stored in now.manifest.files.items() if not _is_here(copy, one, stored, trusted)}
    incoming = copy.own / "incoming"
    _require_room(copy, due)
    if due:
        size = sum(stored.size for stored in due.values())
        log(f"{name}: pulling {len(due)} of {len(now.manifest.files)} files, {size >> 10} KiB")
    with ThreadPoolExecutor(TRANSFERS) as pool:
        try:
            for _ in pool.map(lambda one: _fetch(copy, one, due[one], incoming), due):
                pass
        finally:
            pool.shutdown(wait=True, cancel_futures=True)
    _replace(copy, name, now.manifest, before, due, incoming)
    copy.note(name, now)


def _replace(
    copy: WorkingCopy, name: str, now: BucketManifest, before: Known | None, due: dict[str, Stored], incoming: Path
) -> None:
    """Replaces a unit's files. After a kill it has neither last file nor note, so it is incomplete and pulled again."""
    copy.note(name, None)
    if now.last in due:
        (copy.path / now.last).unlink(missing_ok=True)
    wanted = Counter(stored.sha256 for stored in due.values())
    for one in sorted(due, key=lambda one: one == now.last):
        target = copy.path / one
        target.parent.mkdir(parents=True, exist_ok=True)
        source = incoming / due[one].sha256
        wanted[due[one].sha256] -= 1
        if not wanted[due[one].sha256]:
            source.replace(target)
            continue
        with atomic_path(target) as temporary:  # two files with the same content
            shutil.copyfile(source, temporary)
    if before is not None:
        _remove(copy, set(before.manifest.files) - set(now.files))


def _fetch(copy: WorkingCopy, name: str, stored: Stored, incoming: Path) -> None:
    place = incoming / stored.sha256
    if place.exists() and sha256_file(place) == stored.sha256:
        return
    found = Listed(object_name(name, stored.sha256), stored.generation, stored.size, None, None)
    fetch(copy.bucket, found, place, copy.own / "parts")
    if sha256_file(place) != stored.sha256:
        place.unlink()
        raise BucketError(
            f"{copy.bucket.told(found.name)} does not hold the bytes that its name says; delete it and the manifest "
            "that names it, and the stage that made it makes it again"
        )


def _unchanged(copy: WorkingCopy, before: Known | None) -> dict[str, Stored]:
    """Existing files unchanged since the last pull or push, because the unit's last file was not written since."""
    if before is None or before.manifest.last is None or not (copy.path / before.manifest.last).exists():
        return {}
    stored = before.manifest.files[before.manifest.last]
    return before.manifest.files if sha256_file(copy.path / before.manifest.last) == stored.sha256 else {}


def _is_here(copy: WorkingCopy, name: str, stored: Stored, trusted: dict[str, Stored]) -> bool:
    path = copy.path / name
    if not path.is_file() or path.stat().st_size != stored.size:
        return False
    as_before = name in trusted and trusted[name].sha256 == stored.sha256
    return as_before or sha256_file(path) == stored.sha256


def _drop(copy: WorkingCopy, name: str, known: Known, log: Log) -> bool:
    log(f"{name}: gone from the bucket; removed here")
    last = known.manifest.last
    if last is not None:
        (copy.path / last).unlink(missing_ok=True)
    _remove(copy, known.manifest.files)
    copy.note(name, None)
    return True


def _remove(copy: WorkingCopy, names: Collection[str]) -> None:
    for name in names:
        path = copy.path / name
        path.unlink(missing_ok=True)
        if path.parent.is_dir() and not any(path.parent.iterdir()):
            path.parent.rmdir()


def _require_room(copy: WorkingCopy, due: dict[str, Stored]) -> None:
    sizes = [stored.size for stored in due.values()]
    needed, free = sum(sizes) + max(sizes, default=0), shutil.disk_usage(copy.path).free
    if needed > free:
        raise BucketError(
            f"the working copy {copy.path} needs {needed >> 20} MiB, but its disk has {free >> 20} MiB free; set "
            "ECG_ASSETS_CACHE to a folder on a larger disk"
        )
