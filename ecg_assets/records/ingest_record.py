"""Takes records one by one: each gets its row of the index, and its CSV a place when it is accepted."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ecg_assets.records.index import ACCEPTED, QUARANTINED, IndexMissingError, read_index
from ecg_assets.records.open_sources import Source
from ecg_assets.records.rejection import RecordRejected
from ecg_assets.records.sources.base import Listed, is_plain_id
from ecg_assets.store.atomic import write_bytes
from ecg_assets.store.compute.pool import map_unordered
from ecg_assets.store.fingerprint import fingerprint, sha256_bytes, sha256_file
from ecg_assets.store.log import Log
from ecg_assets.store.plain_file import is_plain
from ecg_assets.store.root import DataRoot
from ecg_assets.store.splits import shard_of, split_of

# Of all that turns a source's files into a CSV and its verdict: records are read again when it changes.
READ_VERSION = "1"
_PROGRESS_EVERY = 100
# Fewer are read sooner than worker processes start.
_WORTH_WORKERS = 200

Row = dict[str, Any]


@dataclass(frozen=True)
class Offered:
    """One record of one source, under the id that it gets here."""

    id: str
    source: Source
    listed: Listed

    def about(self) -> Row:
        """What its row says of it, whether it is accepted or not."""
        return {
            "id": self.id,
            "source": self.source.name,
            "licence": self.source.licence,
            "labels": self.listed.labels,
            "input_sha256": fingerprint(READ_VERSION, self.source.reader.kind, self.listed.inputs()),
        }


def rows_before(root: DataRoot) -> dict[str, Any]:
    """The accepted records of the index as it is, a named tuple each, by id; nothing where it lacks today's columns."""
    try:
        index = read_index(root)
    except IndexMissingError:
        return {}
    return {str(row.id): row for row in index[index["status"] == ACCEPTED].itertuples(index=False)}


@dataclass
class Intake:
    """The taking of many records.

    Attributes:
        root: where they go.
        place: where a record's CSV lies.
        workers: processes that read records; the result does not depend on it.
        log: receives a line for each that is refused, and now and then how far it has come.
        reused: how many were accepted before and have not changed.
    """

    root: DataRoot
    place: Callable[[DataRoot, str], Path]
    workers: int
    log: Log
    reused: int = 0

    def rows(self, offered: list[Offered]) -> Iterator[Row]:
        """Each record's row; its CSV is in place when it is accepted. What has not changed is not read again."""
        before = rows_before(self.root)
        due: list[_Task] = []
        for one in offered:
            about, path = one.about(), self.place(self.root, one.id)
            held = before.get(one.id)
            if held is not None and _is_as_before(held, about["input_sha256"], path):
                self.reused += 1
                yield about | _accepted(self.root, one.id, int(held.fs_hz), int(held.samples), held.sha256)
            else:
                due.append(_Task(self.root, about, one.listed, path))
        self.log(f"raw_csvs: {len(due)} of {len(offered)} records are read, {self.reused} have not changed")
        workers = self.workers if len(due) >= _WORTH_WORKERS else 1
        for number, row in enumerate(map_unordered(_take, due, workers), start=1):
            if number % _PROGRESS_EVERY == 0:
                self.log(f"raw_csvs: {number} of {len(due)} records read")
            if row["status"] == QUARANTINED:
                self.log(f"raw_csvs: record {row['id']!r} is quarantined: {row['reason']}")
            yield row


def _is_as_before(held: Any, input_sha256: str, path: Path) -> bool:
    # A run that was killed, or somebody, may have left another file there than the index tells of.
    return bool(held.input_sha256 == input_sha256 and is_plain(path) and sha256_file(path) == held.sha256)


def _accepted(root: DataRoot, record_id: str, fs_hz: int, samples: int, sha256: str) -> Row:
    return {
        "fs_hz": fs_hz,
        "samples": samples,
        "sha256": sha256,
        "shard": shard_of(record_id, root.shards),
        "split": split_of(record_id),
        "status": ACCEPTED,
    }


@dataclass(frozen=True)
class _Task:
    """One record to read; it is pickled to a worker process."""

    root: DataRoot
    about: Row
    listed: Listed
    path: Path


def _take(task: _Task) -> Row:
    record_id = task.about["id"]
    try:
        if not is_plain_id(record_id):
            raise RecordRejected(
                "bad_id",
                f"id {record_id!r} is no plain number or name (letters, digits, - and _, at most 64): rename it in "
                "the source",
            )
        taken = task.listed.take()
    except RecordRejected as rejection:
        return task.about | {"status": QUARANTINED, "code": rejection.code, "reason": rejection.reason}
    write_bytes(task.path, taken.csv, flushed=False)  # `ingest` flushes all at once
    return task.about | _accepted(task.root, record_id, taken.fs_hz, taken.samples, sha256_bytes(taken.csv))
