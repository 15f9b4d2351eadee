"""Ingests the sources' records into the data root: validates each, stores accepted ones, quarantines the others."""

import shutil
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from ecg_assets.records.index import (
    ACCEPTED,
    QUARANTINED,
    IndexMissingError,
    accepted_records,
    read_index,
    write_index,
)
from ecg_assets.records.ingest_record import JUDGED_VERSION, READ_VERSION, Intake, Offered, Row
from ecg_assets.records.notes import codes_in
from ecg_assets.records.open_sources import Source, open_sources
from ecg_assets.records.record import Record
from ecg_assets.records.record_csv import read_record
from ecg_assets.records.rejection import RecordRejected
from ecg_assets.records.sources.base import SourceError
from ecg_assets.records.sources.config import SourceConfig
from ecg_assets.store.atomic import flush
from ecg_assets.store.file_index import Presence
from ecg_assets.store.fingerprint import fingerprint, sha256_bytes, sha256_file
from ecg_assets.store.lock import check_locks
from ecg_assets.store.log import Log
from ecg_assets.store.manifest import Manifest, is_current, read_manifest, write_manifest
from ecg_assets.store.rng import rng_for
from ecg_assets.store.root import DataRoot
from ecg_assets.store.stages.provenance import MadeFrom, note_settings

if TYPE_CHECKING:
    import pandas as pd

CODE_VERSION = "2"
RECORDS_VERSION = f"{CODE_VERSION}.{READ_VERSION}"
STAGE = "raw_csvs"
# In the manifest's `info`: version of the rules by which the index was made.
JUDGED = "judged"
# In the manifest's `info`: the hash of the index.
INDEX_SHA256 = "index_sha256"


@dataclass(frozen=True)
class IngestReport:
    """Summary of an ingest.

    Attributes:
        index: as returned by `read_index`.
        skipped: whether nothing was done because nothing had changed.
        digest: content hash of the index, which holds each record's hash.
        reused: number of unchanged accepted records that were not read again.
    """

    index: "pd.DataFrame" = field(repr=False)
    skipped: bool
    digest: str
    reused: int

    @property
    def accepted(self) -> int:
        """Number of usable records."""
        return int((self.index["status"] == ACCEPTED).sum())

    @property
    def noted(self) -> dict[str, int]:
        """Number of accepted records by the code of their notes, most frequent first."""
        codes = self.index.loc[self.index["status"] == ACCEPTED, "code"]
        return dict(Counter(code for one in codes.tolist() for code in codes_in(one)).most_common())

    @property
    def quarantined(self) -> dict[str, int]:
        """Number of refused records by code, most frequent first."""
        codes = self.index.loc[self.index["status"] == QUARANTINED, "code"]
        return dict(Counter(codes.tolist()).most_common())


def csv_path(root: DataRoot, record_id: str) -> Path:
    """Path of an accepted record's CSV."""
    return root.ori_csv / "train" / record_id / f"{record_id}.csv"


class DamagedRecordError(ValueError):
    """An accepted record's file is missing or has changed; the message names it and says what to do."""


def load_record(root: DataRoot, record_id: str, fs_hz: int) -> Record:
    """Reads an accepted record back.

    Raises:
        DamagedRecordError: the file was damaged since.
    """
    path = csv_path(root, record_id)
    if not path.is_file():
        raise DamagedRecordError(f"{path} is not there; materialise raw_csvs")
    try:
        return read_record(path, record_id, fs_hz)
    except RecordRejected as error:
        raise DamagedRecordError(
            f"{path} is not as it was accepted ({error.reason.partition(':')[0]}); delete it and materialise raw_csvs"
        ) from error


def ingest(root: DataRoot, config: SourceConfig, log: Log, workers: int = 1) -> IngestReport:
    """Makes `ori_csv/` equal to the sources: adds accepted records, reports quarantined ones, removes vanished ones.

    All sources are listed and unpacked completely before `ori_csv/` is changed. A record with unchanged files is not
    read again.

    Args:
        root: receives the records.
        config: the sources.
        log: receives lines of progress, and one for each quarantined record.
        workers: processes that read records; the result does not depend on it.

    Raises:
        SourceError, ArchiveError: a source as a whole cannot be used; the earlier records stay.
    """
    sources = open_sources(root, config, log)
    note_settings(root.ori_csv, config.model_dump(mode="json"))
    made_from = _made_from(config, sources)
    wanted = made_from.fingerprint(STAGE)
    manifest_path = root.ori_csv / "_manifests" / "records.json"
    judged_before = _judged_before(manifest_path)
    current = judged_before and is_current(manifest_path, wanted, Presence(root.path))
    kept = _kept_report(root, log) if current else None
    if kept is not None:
        log("raw_csvs: the source is unchanged; nothing to do")
        return kept
    with _listed(root, sources, log) as offered:
        chosen = _choose(offered, config)
        log(f"raw_csvs: {len(chosen)} of {len(offered)} records are taken")
        held = _held_files(manifest_path)
        noted = {JUDGED: JUDGED_VERSION} if judged_before else {}
        write_manifest(manifest_path, Manifest(stage=STAGE, fingerprint="", files=held, info=noted))
        intake = Intake(root, csv_path, workers, log, judged_before)
        rows = list(intake.rows(chosen))
    files = {
        root.relative(csv_path(root, str(row["id"]))): str(row["sha256"]) for row in rows if row["status"] == ACCEPTED
    }
    # Index and manifest are flushed after the CSVs, because they mark them as complete.
    flush([root.path / name for name in files])
    write_index(root.index, rows)
    _forget(root, held, rows)
    info = made_from.as_info() | {JUDGED: JUDGED_VERSION, INDEX_SHA256: sha256_file(root.index)}
    manifest = Manifest(stage=STAGE, fingerprint=wanted, files=files, info=info)
    write_manifest(manifest_path, manifest)
    report = _report(root, intake.reused)
    if not report.accepted:
        named = ", ".join(source.name for source in sources)
        raise SourceError(f"{named}: none of {len(rows)} records is usable: {report.quarantined}; see {root.index}")
    return report


def inputs_now(root: DataRoot, config: SourceConfig, log: Log) -> dict[str, str]:
    """By id, the hash of all that each record is read from in the present sources.

    Reads them completely; no other process may ingest records meanwhile.

    Raises:
        SourceError, ArchiveError: a source as a whole cannot be used.
    """
    with _listed(root, open_sources(root, config, log), log) as offered:
        return {one.id: str(one.about()["input_sha256"]) for one in _choose(offered, config)}


def _made_from(config: SourceConfig, sources: list[Source]) -> MadeFrom:
    """The parts of the fingerprint; the records' own hashes are in the index."""
    held = {f"source {source.name}": fingerprint(_said(source)) for source in sources}
    return MadeFrom(
        code_version=RECORDS_VERSION,
        config={"records": str(config.records), "seed": str(config.seed), **held},
        inputs={},
        settings=config.model_dump(mode="json"),
    )


def _said(source: Source) -> list[object]:
    """The facts of a source that determine index and CSVs, without its location."""
    reader = source.reader
    return [source.name, source.licence, source.prefix, source.group, source.limit, reader.kind, reader.fingerprint()]


@contextmanager
def _listed(root: DataRoot, sources: list[Source], log: Log) -> Iterator[list[Offered]]:
    """Every record of all sources, sorted by id."""
    scratch = root.ori_csv / ".unpacked"
    shutil.rmtree(scratch, ignore_errors=True)  # left by a killed run
    try:
        with ExitStack() as open_readers:
            offered = [
                Offered(f"{source.prefix}{listed.id}", source, listed)
                for source in sources
                for listed in open_readers.enter_context(source.reader.opened(scratch / source.name, log))
            ]
            yield sorted(offered, key=lambda one: one.id)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def _choose(offered: list[Offered], config: SourceConfig) -> list[Offered]:
    """A seeded draw of each group's limit, then of `config.records`; ids are drawn independently, so it is stable."""
    groups: dict[int, list[Offered]] = {}
    for one in offered:
        groups.setdefault(one.source.group, []).append(one)
    chosen = [one for group in groups.values() for one in _draw(group, group[0].source.limit, config.seed)]
    return sorted(_draw(chosen, config.records, config.seed), key=lambda one: one.id)


def _draw(offered: list[Offered], limit: int | None, seed: int) -> list[Offered]:
    if limit is None or limit >= len(offered):
        return offered
    return sorted(offered, key=lambda one: (rng_for(seed, one.id, "choose").random(), one.id))[:limit]


def _kept_report(root: DataRoot, log: Log) -> IngestReport | None:
    """The report of the existing index; None if it is missing or damaged."""
    try:
        accepted_records(root, [])
        return _report(root, None)
    except IndexMissingError as error:
        log(f"raw_csvs: the index is made again: {error}")
        return None


def _judged_before(manifest_path: Path) -> bool:
    manifest = read_manifest(manifest_path)
    return manifest is not None and manifest.info.get(JUDGED) == JUDGED_VERSION


def _held_files(manifest_path: Path) -> dict[str, str]:
    manifest = read_manifest(manifest_path)
    return manifest.files if manifest else {}


def _forget(root: DataRoot, held: dict[str, str], rows: list[Row]) -> None:
    """Removes the CSVs of records that are no longer accepted."""
    check_locks()
    kept = {csv_path(root, str(row["id"])) for row in rows if row["status"] == ACCEPTED}
    for name in held:
        path = root.path / name
        # The whole folder is deleted, so it must be a record's, even if the manifest lists another one.
        if path not in kept and path == csv_path(root, path.stem):
            shutil.rmtree(path.parent, ignore_errors=True)


def _report(root: DataRoot, reused: int | None) -> IngestReport:
    index = read_index(root)
    # The inputs of a record are not its content: a comment in a header must not make later stages stale.
    content = index.drop(columns="input_sha256").to_csv(index=False)
    accepted = int((index["status"] == ACCEPTED).sum())
    return IngestReport(
        index=index,
        skipped=reused is None,
        digest=sha256_bytes(content.encode()),
        reused=accepted if reused is None else reused,
    )
