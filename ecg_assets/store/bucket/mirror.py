"""Mirrors objects of a bucket in a local folder; objects already there in the same generation are skipped."""

import json
import shutil
import time
from collections.abc import Collection, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path

from ecg_assets.store.atomic import write_text
from ecg_assets.store.bucket.address import safe_relative
from ecg_assets.store.bucket.client import TRANSFERS, BucketObjects, Listed
from ecg_assets.store.bucket.download import PART_BYTES, fetch
from ecg_assets.store.bucket.retry import BucketError
from ecg_assets.store.log import Log

_OWN = ".mirror"
_TOLD_EVERY_S = 5.0
_SPARE_SHARE = 1.05


@dataclass(frozen=True)
class Wanted:
    """An object and its name in the folder."""

    bucket: BucketObjects
    found: Listed
    name: str


def mirror(wanted: Sequence[Wanted], folder: Path, keep: Collection[str], log: Log) -> list[str]:
    """Makes `folder` hold exactly the wanted objects and the names in `keep`.

    Returns:
        Names that were downloaded in this call.

    Raises:
        BucketError: an object cannot be downloaded, or the disk is too small; finished downloads are kept.
        BucketAddressError: an object's name leads outside of the folder.
    """
    notes = _Notes(folder / _OWN / "fetched.jsonl")
    places = {one.name: folder / safe_relative(one.name) for one in wanted}
    due = [one for one in wanted if not notes.holds(one, places[one.name])]
    _require_room(folder, due)
    total = sum(one.found.size for one in due)
    log(f"{folder.name}: {len(due)} of {len(wanted)} objects to fetch ({total >> 10} KiB), the others are there")
    done, told_at = 0, time.monotonic()
    for number, (one, came) in enumerate(_fetched(due, places, folder / _OWN / "parts"), start=1):
        notes.add(one.name, came)
        done += came.size
        if time.monotonic() - told_at > _TOLD_EVERY_S:
            log(f"{folder.name}: {number} of {len(due)} objects, {done >> 20} of {total >> 20} MiB")
            told_at = time.monotonic()
    _remove_others(folder, {*places.values(), *(folder / name for name in keep)}, log)
    notes.compact(places)
    return [one.name for one in due]


def _fetched(due: list[Wanted], places: dict[str, Path], parts: Path) -> Iterator[tuple[Wanted, Listed]]:
    """Downloads small objects in parallel, then large ones, each in parallel parts."""
    small = [one for one in due if one.found.size <= PART_BYTES]
    with ThreadPoolExecutor(TRANSFERS) as pool:
        running = {pool.submit(fetch, one.bucket, one.found, places[one.name], parts): one for one in small}
        try:
            for future in as_completed(running):
                yield running[future], future.result()
        finally:
            pool.shutdown(wait=True, cancel_futures=True)
    for one in due:
        if one.found.size > PART_BYTES:
            yield one, fetch(one.bucket, one.found, places[one.name], parts)


class _Notes:
    """Records the generation of each object in the folder: one line per object, appended when it is complete."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._held: dict[str, tuple[int, int]] = {}
        lines = path.read_text("utf-8").splitlines() if path.exists() else []
        for line in lines:
            try:
                name, generation, size = json.loads(line)
            except ValueError:
                continue  # truncated by a kill: that object is downloaded again
            self._held[name] = (generation, size)

    def holds(self, one: Wanted, place: Path) -> bool:
        """Whether this generation is at `place`."""
        same = self._held.get(one.name) == (one.found.generation, one.found.size)
        return same and place.is_file() and place.stat().st_size == one.found.size

    def add(self, name: str, came: Listed) -> None:
        """Records an object that was downloaded."""
        self._held[name] = (came.generation, came.size)
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with self._path.open("a", encoding="utf-8") as file:
            file.write(json.dumps([name, came.generation, came.size]) + "\n")

    def compact(self, names: Collection[str]) -> None:
        """Drops the records of all other objects."""
        lines = [json.dumps([name, *self._held[name]]) for name in sorted(names)]
        write_text(self._path, "".join(f"{line}\n" for line in lines))


def _require_room(folder: Path, due: list[Wanted]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    # A file of several parts needs its space twice for a moment: for the parts, and for the joined file.
    largest = max((one.found.size for one in due), default=0)
    needed = int((sum(one.found.size for one in due) + largest) * _SPARE_SHARE)
    free = shutil.disk_usage(folder).free
    if needed > free:
        raise BucketError(
            f"{folder} needs {needed >> 20} MiB for what is in {due[0].bucket.address}, but its disk has {free >> 20} "
            "MiB free; make room, or put data root and cache on a larger disk"
        )


def _remove_others(folder: Path, kept: set[Path], log: Log) -> None:
    gone = [
        path
        for path in folder.rglob("*")
        if path.relative_to(folder).parts[0] != _OWN and path not in kept and (path.is_symlink() or not path.is_dir())
    ]
    for path in gone:
        path.unlink()
        if not any(path.parent.iterdir()) and path.parent != folder:
            path.parent.rmdir()
    if gone:
        log(f"{folder.name}: {len(gone)} files are no longer in the bucket and were removed")
