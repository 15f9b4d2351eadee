"""Downloads one object into a file: in parallel parts that can be resumed, verified at the end."""

import base64
import hashlib
import shutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ecg_assets.store.atomic import atomic_path
from ecg_assets.store.bucket.client import TRANSFERS, BucketObjects, Listed
from ecg_assets.store.bucket.retry import BucketError, GenerationChangedError, ObjectMissingError, persistently

PART_BYTES = 8 << 20
_BEGINNINGS = 3
_CHUNK_BYTES = 1 << 20


class _DamagedError(Exception):
    """The downloaded bytes do not have the bucket's checksum."""


@dataclass(frozen=True)
class Part:
    """A range of an object, stored in its own file, whose length is the progress.

    Attributes:
        path: the file.
        start, end: bytes of the object, `end` not included.
    """

    path: Path
    start: int
    end: int


def fetch(bucket: BucketObjects, found: Listed, target: Path, parts_below: Path, transfers: int = TRANSFERS) -> Listed:
    """Downloads an object to `target`, through a temporary name.

    Parts left by an interrupted call for the same generation are resumed. If the object is written in the meantime, the
    download starts again, at most 3 times in all.

    Args:
        bucket: of the object.
        found: the object as listed.
        target: the file.
        parts_below: folder for parts; no other process may use it for this object at the same time.
        transfers: parts that are downloaded in parallel.

    Returns:
        The object as downloaded; its generation differs from the listed one if it was written in the meantime.

    Raises:
        BucketError: it was deleted, changes too often, or has a wrong checksum.
    """
    _refuse_encoded(bucket, found)
    reason = ""
    for _ in range(_BEGINNINGS):
        place = parts_below / f"{hashlib.sha256(found.name.encode()).hexdigest()[:16]}-{found.generation}"
        _drop_other_generations(place)
        try:
            _fetch_parts(bucket, found, list(_parts(found, place)), transfers)
            _assemble(found, place, target)
        except (GenerationChangedError, ObjectMissingError):  # deleted, which `find` reports next
            reason = "was written by somebody else while it was fetched"
        except _DamagedError as damaged:
            reason = str(damaged)
        else:
            shutil.rmtree(place, ignore_errors=True)
            return found
        # After any other error, and after a kill, the parts stay and are resumed by the next call.
        shutil.rmtree(place, ignore_errors=True)
        bucket.log(f"{bucket.told(found.name)} {reason}; beginning it afresh")
        found = _now(bucket, found)
    raise BucketError(f"{bucket.told(found.name)} {reason}, {_BEGINNINGS} times; run again when nobody writes it")


def _now(bucket: BucketObjects, found: Listed) -> Listed:
    now = bucket.find(found.name)
    if now is None:
        raise ObjectMissingError(f"{bucket.told(found.name)} was deleted while it was fetched; run again")
    return now


def _parts(found: Listed, place: Path) -> Iterator[Part]:
    for number, start in enumerate(range(0, found.size, PART_BYTES)):
        yield Part(place / f"{number:06d}", start, min(found.size, start + PART_BYTES))


def _fetch_parts(bucket: BucketObjects, found: Listed, parts: list[Part], transfers: int) -> None:
    if len(parts) <= 1:
        for part in parts:
            _fetch_part(bucket, found, part)
        return
    with ThreadPoolExecutor(min(transfers, len(parts))) as pool:
        try:
            for _ in pool.map(lambda part: _fetch_part(bucket, found, part), parts):
                pass
        finally:
            # After the first error the other parts are useless.
            pool.shutdown(wait=True, cancel_futures=True)


def _fetch_part(bucket: BucketObjects, found: Listed, part: Part) -> None:
    part.path.parent.mkdir(parents=True, exist_ok=True)

    def have() -> int:
        return part.path.stat().st_size if part.path.exists() else 0

    def action() -> None:
        with part.path.open("ab") as sink:
            if part.start + sink.tell() < part.end:
                bucket.read_range(found.name, found.generation, part.start + sink.tell(), part.end, sink)

    persistently(action, bucket.told(found.name), bucket.log, have)


def _assemble(found: Listed, place: Path, target: Path) -> None:
    """Joins the parts, compares size and checksums, and renames."""
    import google_crc32c

    crc32c: Any = google_crc32c.Checksum()  # type: ignore[no-untyped-call,unused-ignore]
    md5, size = hashlib.md5(usedforsecurity=False), 0
    with atomic_path(target) as temporary:
        with temporary.open("wb") as sink:
            for part in _parts(found, place):
                with part.path.open("rb") as source:
                    while chunk := source.read(_CHUNK_BYTES):
                        sink.write(chunk)
                        crc32c.update(chunk)
                        md5.update(chunk)
                        size += len(chunk)
        sums = {"crc32c": (found.crc32c, crc32c.digest()), "md5": (found.md5, md5.digest())}
        for name, (said, came) in sums.items():
            if said is not None and said != base64.b64encode(came).decode():
                raise _DamagedError(f"came with another {name} than the bucket says")
        if size != found.size:
            raise _DamagedError(f"came with {size} bytes instead of {found.size}")


def _drop_other_generations(place: Path) -> None:
    for other in place.parent.glob(f"{place.name.rpartition('-')[0]}-*"):
        if other != place:
            shutil.rmtree(other, ignore_errors=True)


def _refuse_encoded(bucket: BucketObjects, found: Listed) -> None:
    if found.encoding:
        raise BucketError(
            f"{bucket.told(found.name)} is stored with Content-Encoding {found.encoding!r}, so its bytes are not those "
            "of the file; upload it uncompressed (`gcloud storage cp` without -z and -Z)"
        )
