"""Detects changes of sources: by generation in a bucket, by size and time in a folder, by hash if in doubt."""

import os
from collections.abc import Iterator, Mapping
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from ecg_assets.records.sources.base import SourceError
from ecg_assets.records.sources.config import SourceConfig
from ecg_assets.store.fingerprint import fingerprint, sha256_file
from ecg_assets.store.log import Log

_SUFFIXES = (".csv", ".gz", ".hea", ".dat", ".mat", ".yaml", ".yml")


class Seen(BaseModel):
    """One file or object.

    Attributes:
        size: in bytes.
        version: nanoseconds of its last change, or its generation.
        content: unchanged if the same bytes are written again: a hash if known, otherwise size and version.
    """

    model_config = ConfigDict(frozen=True)

    size: int
    version: int
    content: str


def look_at(config: SourceConfig, before: Mapping[str, Seen], log: Log) -> dict[str, Seen]:
    """Every file of every source by its address.

    Args:
        config: the sources.
        before: the previous snapshot; only files with another size or time are hashed.
        log: receives the bucket client's lines.

    Raises:
        SourceError: a folder does not exist, or the list of sources cannot be read.
        BucketAddressError, BucketError: a bucket cannot be read.
    """
    seen: dict[str, Seen] = {}
    for spec in config.specs():
        if "://" in spec.path:
            seen |= _in_bucket(spec.path, log)
        elif spec.path:
            seen |= _in_folder(Path(spec.path).expanduser().absolute(), before)
    return seen


def content_of(seen: Mapping[str, Seen]) -> str:
    """Hash of all addresses and contents."""
    return fingerprint({address: one.content for address, one in seen.items()})


def newest_s(seen: Mapping[str, Seen]) -> float:
    """Time of the last change of a local file, in seconds since the epoch; 0 without local files."""
    return max((one.version / 1e9 for address, one in seen.items() if "://" not in address), default=0.0)


def _in_folder(folder: Path, before: Mapping[str, Seen]) -> dict[str, Seen]:
    if not folder.is_dir():
        raise SourceError(
            f"the source {folder} is no folder; set ECG_SOURCE (or `path` in its list) to one that holds records"
        )
    return {entry.path: _looked_at(entry, before.get(entry.path)) for entry in _files(str(folder))}


def _looked_at(entry: "os.DirEntry[str]", before: Seen | None) -> Seen:
    stat = entry.stat()
    if before is None:  # hashing a whole large source the first time would exceed the sensor's time limit
        return Seen(size=stat.st_size, version=stat.st_mtime_ns, content=f"{stat.st_size}-{stat.st_mtime_ns}")
    if (stat.st_size, stat.st_mtime_ns) == (before.size, before.version):
        return before
    return Seen(size=stat.st_size, version=stat.st_mtime_ns, content=sha256_file(Path(entry.path)))


def _files(folder: str) -> Iterator["os.DirEntry[str]"]:
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                yield from _files(entry.path)
            elif entry.is_file() and entry.name.lower().endswith(_SUFFIXES) and not entry.name.startswith("."):
                yield entry


def _in_bucket(address: str, log: Log) -> dict[str, Seen]:
    from ecg_assets.store.bucket.address import parse_address
    from ecg_assets.store.bucket.client import BucketObjects

    place = parse_address(address)
    return {
        f"{place}/{one.name}": Seen(
            size=one.size, version=one.generation, content=one.md5 or one.crc32c or str(one.generation)
        )
        for one in BucketObjects(place, log).listing()
        if one.name.lower().endswith(_SUFFIXES)
    }
