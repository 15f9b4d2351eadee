"""Takes records one by one: each gets its row of the index, and its CSV a place when it is accepted."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ecg_assets.records.index import ACCEPTED, QUARANTINED, IndexMissingError, read_index
from ecg_assets.records.rejection import RecordRejected
from ecg_assets.records.source import Listed, is_plain_id
from ecg_assets.records.sources import Source
from ecg_assets.store.atomic import write_bytes
from ecg_assets.store.fingerprint import fingerprint, sha256_bytes, sha256_file
from ecg_assets.store.placement import shard_of, split_of
from ecg_assets.store.root import DataRoot
from ecg_assets.store.stage import Log

# Of all that turns a source's files into a CSV and its verdict: records are read again when it changes.
READ_VERSION = "1"
_PROGRESS_EVERY = 100

Row = dict[str, object]


@dataclass(frozen=True)
class Offered:
    """One record of one source, under the id that it gets here."""

    id: str
    source: Source
    listed: Listed


def rows_before(root: DataRoot) -> dict[str, Any]:
    """The index as it is, a named tuple a record, by id; nothing where there is none of today's columns."""
    try:
        index = read_index(root)
    except IndexMissingError:
        return {}
    return {str(row.id): row for row in index.itertuples(index=False)}


@dataclass
class Intake:
    """The taking of many records.

    Attributes:
        root: where they go.
        before: the index's rows so far, by id.
        place: where a record's CSV lies.
        total: how many there are to take.
        log: receives a line for each that is refused, and now and then how far it has come.
        taken, reused: how many so far; how many of them were accepted before and have not changed.
    """

    root: DataRoot
    before: dict[str, Any]
    place: Callable[[DataRoot, str], Path]
    total: int
    log: Log
    taken: int = 0
    reused: int = 0

    def row(self, offered: Offered) -> Row:
        """One record's row; its CSV is in place when it is accepted."""
        self.taken += 1
        if self.taken % _PROGRESS_EVERY == 0:
            self.log(f"raw_csvs: {self.taken} of {self.total} records read")
        listed, source = offered.listed, offered.source
        inputs = fingerprint(READ_VERSION, source.reader.kind, listed.inputs())
        about: Row = {
            "id": offered.id,
            "source": source.name,
            "licence": source.licence,
            "labels": listed.labels,
            "input_sha256": inputs,
        }
        try:
            return about | (self._kept(offered.id, inputs) or self._read(offered))
        except RecordRejected as rejection:
            self.log(f"raw_csvs: record {offered.id!r} is quarantined: {rejection.reason}")
            return about | {"status": QUARANTINED, "code": rejection.code, "reason": rejection.reason}

    def _kept(self, record_id: str, inputs: str) -> Row | None:
        """What the index says of an accepted record that has not changed, and whose CSV is whole."""
        row = self.before.get(record_id)
        if row is None or row.status != ACCEPTED or row.input_sha256 != inputs:
            return None
        # A run that was killed, or somebody, may have left another file there than the index tells of.
        path = self.place(self.root, record_id)
        if not path.is_file() or sha256_file(path) != row.sha256:
            return None
        self.reused += 1
        return self._accepted(record_id, int(row.fs_hz), int(row.samples), row.sha256)

    def _read(self, offered: Offered) -> Row:
        if not is_plain_id(offered.id):
            raise RecordRejected(
                "bad_id",
                f"id {offered.id!r} is no plain number or name (letters, digits, - and _, at most 64): rename it in "
                "train.csv and in its file's name",
            )
        taken = offered.listed.take()
        write_bytes(self.place(self.root, offered.id), taken.csv)
        return self._accepted(offered.id, taken.fs_hz, taken.samples, sha256_bytes(taken.csv))

    def _accepted(self, record_id: str, fs_hz: int, samples: int, sha256: str) -> Row:
        return {
            "fs_hz": fs_hz,
            "samples": samples,
            "sha256": sha256,
            "shard": shard_of(record_id, self.root.shards),
            "split": split_of(record_id),
            "status": ACCEPTED,
        }
