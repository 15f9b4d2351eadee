"""Brings a source's records into the data root: validates each, places the accepted, tells why of the rest."""

import shutil
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd
from pydantic import BaseModel, ConfigDict, Field

from ecg_assets.records.index import ACCEPTED, QUARANTINED, read_index, write_index
from ecg_assets.records.kaggle_csv import read_record
from ecg_assets.records.record import SAMPLING_RATES_HZ, Record
from ecg_assets.records.rejection import RecordRejected
from ecg_assets.records.source import Listed, SourceError, open_source, source_fingerprint
from ecg_assets.records.synthetic_source import write_synthetic_source
from ecg_assets.store.atomic import write_bytes
from ecg_assets.store.fingerprint import fingerprint, sha256_bytes
from ecg_assets.store.manifest import Manifest, is_current, read_manifest, write_manifest
from ecg_assets.store.placement import shard_of, split_of
from ecg_assets.store.rng import rng_for
from ecg_assets.store.root import DataRoot
from ecg_assets.store.stage import Log

CODE_VERSION = "1"
STAGE = "raw_csvs"
_PROGRESS_EVERY = 100


class SourceConfig(BaseModel):
    """Where records come from."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    source: str = Field(
        default="",
        description="Folder that holds train.csv and either train-csvs.tar.gz or train/<id>/<id>.csv. "
        "Empty: synthetic records are made.",
    )
    records: int | None = Field(
        default=None, ge=1, description="Use at most this many records, drawn by the seed; by default all."
    )
    synthetic_records: int = Field(
        default=24, ge=1, le=100_000, description="How many records to make without a source."
    )
    seed: int = Field(default=0, ge=0, description="Seed of the draw and of the synthetic records.")


@dataclass(frozen=True)
class IngestReport:
    """What came in.

    Attributes:
        index: as `read_index` gives it.
        skipped: nothing had changed, so nothing was done.
        digest: content hash of the index, which holds each record's hash.
    """

    index: pd.DataFrame = field(repr=False)
    skipped: bool
    digest: str

    @property
    def accepted(self) -> int:
        """Number of usable records."""
        return int((self.index["status"] == ACCEPTED).sum())

    @property
    def quarantined(self) -> dict[str, int]:
        """Number of refused records by code, most frequent first."""
        codes = self.index.loc[self.index["status"] == QUARANTINED, "code"]
        return dict(Counter(codes.tolist()).most_common())


def csv_path(root: DataRoot, record_id: str) -> Path:
    """Where an accepted record's CSV lies."""
    return root.ori_csv / "train" / record_id / f"{record_id}.csv"


def load_record(root: DataRoot, record_id: str, fs_hz: int) -> Record:
    """Reads an accepted record back."""
    return read_record(csv_path(root, record_id), record_id, fs_hz)


def ingest(root: DataRoot, config: SourceConfig, log: Log) -> IngestReport:
    """Makes `ori_csv/` equal to the source: accepted records in, refused ones told, vanished ones out.

    The source is read and unpacked in full before anything in `ori_csv/` is touched.

    Raises:
        SourceError, ArchiveError: the source as a whole cannot be used; what was there before stays.
    """
    source = _source_folder(root, config, log)
    wanted = fingerprint(CODE_VERSION, config.model_dump(exclude={"source"}), source_fingerprint(source))
    manifest_path = root.ori_csv / "_manifests" / "records.json"
    if is_current(manifest_path, wanted, root.path):
        log("raw_csvs: the source is unchanged; nothing to do")
        return _report(root, skipped=True)
    with open_source(source, root.ori_csv / ".unpacked", log) as listed:
        chosen = _choose(listed, config)
        log(f"raw_csvs: {len(chosen)} of {len(listed)} records are read")
        held = _held_files(manifest_path)
        write_manifest(manifest_path, Manifest(stage=STAGE, fingerprint="", files=held))
        rows = [_take(root, record, number, len(chosen), log) for number, record in enumerate(chosen, start=1)]
    write_index(root.index, rows)
    _forget(root, held, rows)
    files = {
        root.relative(csv_path(root, str(row["id"]))): str(row["sha256"]) for row in rows if row["status"] == ACCEPTED
    }
    write_manifest(manifest_path, Manifest(stage=STAGE, fingerprint=wanted, files=files))
    report = _report(root, skipped=False)
    if not report.accepted:
        raise SourceError(f"{source}: none of {len(rows)} records is usable: {report.quarantined}; see {root.index}")
    return report


def _source_folder(root: DataRoot, config: SourceConfig, log: Log) -> Path:
    if config.source:
        return Path(config.source).expanduser().absolute()
    folder = root.path / "synthetic_source"
    write_synthetic_source(folder, config.synthetic_records, config.seed, log)
    return folder


def _choose(listed: list[Listed], config: SourceConfig) -> list[Listed]:
    """A seeded draw of `config.records` records, in the order of ids; each id's draw is its own, so it is stable."""
    if config.records is None or config.records >= len(listed):
        return listed
    drawn = sorted(listed, key=lambda record: (rng_for(config.seed, record.id, "choose").random(), record.id))
    return sorted(drawn[: config.records], key=lambda record: record.id)


def _take(root: DataRoot, listed: Listed, number: int, total: int, log: Log) -> dict[str, object]:
    """One record's row of the index; its CSV is in place when accepted."""
    if number % _PROGRESS_EVERY == 0:
        log(f"raw_csvs: {number} of {total} records read")
    try:
        fs_hz = _check_listing(listed)
        path = listed.files[0]
        record = read_record(path, listed.id, fs_hz)
    except RecordRejected as rejection:
        log(f"raw_csvs: record {listed.id!r} is quarantined: {rejection.reason}")
        return {"id": listed.id, "status": QUARANTINED, "code": rejection.code, "reason": rejection.reason}
    content = path.read_bytes()
    write_bytes(csv_path(root, listed.id), content)
    return {
        "id": listed.id,
        "fs_hz": fs_hz,
        "samples": record.signal_mv.shape[1],
        "sha256": sha256_bytes(content),
        "shard": shard_of(listed.id, root.shards),
        "split": split_of(listed.id),
        "status": ACCEPTED,
    }


def _check_listing(listed: Listed) -> int:
    """The record's sampling rate, when its id, its file and its line in train.csv are in order."""
    if not listed.plain:
        raise RecordRejected(
            "bad_id",
            f"id {listed.id!r} is no plain number or name (letters, digits, - and _, at most 64): rename it in "
            "train.csv and in its file's name",
        )
    if len(listed.files) > 1 or len(listed.fs_texts) > 1:
        raise RecordRejected(
            "duplicate_id",
            f"id {listed.id} is there {max(len(listed.files), len(listed.fs_texts))} times (train.csv lines: "
            f"{len(listed.fs_texts)}, files: {len(listed.files)}): keep the right one",
        )
    if not listed.files:
        raise RecordRejected("missing_file", f"train.csv lists {listed.id}, but there is no {listed.id}.csv: fetch it")
    fs_text = listed.fs_texts[0] if listed.fs_texts else ""
    if not fs_text.isdigit() or int(fs_text) not in SAMPLING_RATES_HZ:
        found = f"train.csv gives fs {fs_text!r}" if listed.fs_texts else "train.csv has no line"
        raise RecordRejected(
            "unknown_fs",
            f"{found} for id {listed.id}; expected one of {', '.join(map(str, SAMPLING_RATES_HZ))} Hz: add or "
            "correct it",
        )
    return int(fs_text)


def _held_files(manifest_path: Path) -> dict[str, str]:
    manifest = read_manifest(manifest_path)
    return manifest.files if manifest else {}


def _forget(root: DataRoot, held: dict[str, str], rows: list[dict[str, object]]) -> None:
    """Removes the CSVs of records that are no longer accepted."""
    kept = {csv_path(root, str(row["id"])) for row in rows if row["status"] == ACCEPTED}
    for name in held:
        path = root.path / name
        if path not in kept:
            shutil.rmtree(path.parent, ignore_errors=True)


def _report(root: DataRoot, skipped: bool) -> IngestReport:
    index = read_index(root)
    return IngestReport(index=index, skipped=skipped, digest=sha256_bytes(index.to_csv(index=False).encode()))
