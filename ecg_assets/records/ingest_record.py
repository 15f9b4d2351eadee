"""Ingests records one by one: writes the CSV of an accepted record, and makes each record's row of the index."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ecg_assets.records.baseline import offsets_mv
from ecg_assets.records.index import ACCEPTED, QUARANTINED, IndexMissingError, read_index
from ecg_assets.records.limb_leads import VIOLATED, limb_leads
from ecg_assets.records.notes import Note, codes_in, columns_for
from ecg_assets.records.open_sources import Source
from ecg_assets.records.rejection import RecordRejected
from ecg_assets.records.sources.base import Listed, Taken, is_plain_id
from ecg_assets.store.atomic import write_bytes
from ecg_assets.store.compute.pool import map_unordered
from ecg_assets.store.fingerprint import fingerprint, sha256_bytes, sha256_file
from ecg_assets.store.log import Log
from ecg_assets.store.plain_file import is_plain
from ecg_assets.store.root import DataRoot
from ecg_assets.store.splits import shard_of, split_of

# Version of the code that turns a source's files into a CSV and a verdict; records are read again when it changes.
READ_VERSION = "1"
# Version of the rules by which a record is accepted and noted: an index made by older rules is made again at the next
# ingest, even if no source has changed. Rows of records without notes stay the same.
JUDGED_VERSION = "1"
_PROGRESS_EVERY = 100
# Fewer records are read faster than worker processes start.
_WORTH_WORKERS = 200
_MOST_SHOWN = 3
_ROUNDED = re.compile(r"[0-9]+([.,][0-9]+)?[eE][+-]?[0-9]+", re.ASCII)

Row = dict[str, Any]


@dataclass(frozen=True)
class Offered:
    """One record of one source, with its id in the index."""

    id: str
    source: Source
    listed: Listed

    def about(self) -> Row:
        """The fields of its row that do not depend on acceptance."""
        return {
            "id": self.id,
            "source": self.source.name,
            "licence": self.source.licence,
            "labels": self.listed.labels,
            "input_sha256": fingerprint(READ_VERSION, self.source.reader.kind, self.listed.inputs()),
        }


def rows_before(root: DataRoot) -> dict[str, Any]:
    """The accepted records of the existing index by id, as named tuples; empty if it lacks the present columns."""
    try:
        index = read_index(root)
    except IndexMissingError:
        return {}
    return {str(row.id): row for row in index[index["status"] == ACCEPTED].itertuples(index=False)}


@dataclass
class Intake:
    """Ingests many records.

    Attributes:
        root: receives the records.
        place: returns the path of a record's CSV.
        workers: processes that read records; the result does not depend on it.
        log: receives a line for each quarantined record, and lines of progress.
        judged_before: whether the existing index was made by the present rules; otherwise all records are read.
        reused: number of unchanged accepted records.
    """

    root: DataRoot
    place: Callable[[DataRoot, str], Path]
    workers: int
    log: Log
    judged_before: bool = True
    reused: int = 0

    def rows(self, offered: list[Offered]) -> Iterator[Row]:
        """Each record's row; an accepted record's CSV is then written. Unchanged records are not read again."""
        before = rows_before(self.root) if self.judged_before else {}
        odd: dict[str, list[str]] = {}
        due: list[_Task] = []
        for one in offered:
            about, path = one.about(), self.place(self.root, one.id)
            held = before.get(one.id)
            if held is not None and _is_as_before(held, about["input_sha256"], path):
                self.reused += 1
                noted = {"code": held.code, "reason": held.reason}
                yield about | noted | _accepted(self.root, one.id, int(held.fs_hz), int(held.samples), held.sha256)
            else:
                due.append(_Task(self.root, about, one.listed, path))
        self.log(f"raw_csvs: {len(due)} of {len(offered)} records are read, {self.reused} have not changed")
        workers = self.workers if len(due) >= _WORTH_WORKERS else 1
        for number, row in enumerate(map_unordered(_take, due, workers), start=1):
            if number % _PROGRESS_EVERY == 0:
                self.log(f"raw_csvs: {number} of {len(due)} records read")
            if row["status"] == QUARANTINED:
                self.log(f"raw_csvs: record {row['id']!r} is quarantined: {row['reason']}")
            for code in codes_in(row["code"]) if row["status"] == ACCEPTED and "code" in row else []:
                odd.setdefault(code, []).append(row["reason"])
            yield row
        for code, reasons in sorted(odd.items()):
            self.log(f"raw_csvs: {len(reasons)} accepted records are noted as {code} in the index, first: {reasons[0]}")


def _is_as_before(held: Any, input_sha256: str, path: Path) -> bool:
    # A killed run or a user may have left a file that differs from the index.
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
            raise RecordRejected("bad_id", _bad_id(record_id))
        taken = _read(task.listed)
        notes = judged(record_id, taken)
    except RecordRejected as rejection:
        return task.about | {"status": QUARANTINED, "code": rejection.code, "reason": rejection.reason}
    write_bytes(task.path, taken.csv, flushed=False)  # `ingest` flushes all at once
    accepted = _accepted(task.root, record_id, taken.fs_hz, taken.samples, sha256_bytes(taken.csv))
    return task.about | accepted | columns_for(notes)


def _bad_id(record_id: str) -> str:
    if _ROUNDED.fullmatch(record_id):
        return f"id {record_id!r} was rounded by a spreadsheet: export train.csv again with the column id as text"
    said = f"id {record_id!r} is no plain number or name (letters, digits, - and _, at most 64)"
    return f"{said}: rename it in the source"


def _read(listed: Listed) -> Taken:
    try:
        return listed.take()
    except OSError as error:
        name = Path(str(error.filename)).name if error.filename else listed.id
        raise RecordRejected(
            "unreadable", f"{name} cannot be read ({error.strerror}): make it readable, or leave it out"
        ) from error


def judged(record_id: str, taken: Taken) -> list[Note]:
    """The notes on a record that was read.

    Raises:
        RecordRejected: its limb leads contradict each other, but would agree with one lead inverted or two swapped.
    """
    notes = list(taken.notes)
    limbs = limb_leads(taken.signal_mv, taken.fs_hz)
    if limbs.explained_by:
        raise RecordRejected(
            "wrong_leads",
            f"record {record_id}: its limb leads contradict Einthoven and Goldberger by {limbs.violation:.0%}, as they "
            f"do when {' or '.join(limbs.explained_by[:_MOST_SHOWN])}: correct the lead in the source",
        )
    if limbs.violation >= VIOLATED:
        said = (
            f"its limb leads contradict Einthoven and Goldberger by {limbs.violation:.0%}: were they recorded at once?"
        )
        notes.append(Note("limb_leads", f"record {record_id}: {said}"))
    offsets = offsets_mv(taken.signal_mv)
    if offsets:
        said = ", ".join(f"{lead} {offset:+.2f} mV" for lead, offset in offsets.items())
        notes.append(Note("dc_offset", f"record {record_id} lies off zero ({said}); print takes that off"))
    return notes
