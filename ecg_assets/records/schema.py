"""Validates the index and a record's table with pandera schemas, and describes the violations."""

from typing import TYPE_CHECKING, Any

import pandas as pd

from ecg_assets.records.index import ACCEPTED, INDEX_SCHEMA, QUARANTINED
from ecg_assets.records.ingest import DamagedRecordError, csv_path, load_record
from ecg_assets.records.record import LEADS, MAX_FS_HZ, MIN_FS_HZ, Record
from ecg_assets.records.record_csv import MAX_ABS_MV, SECONDS
from ecg_assets.records.rejection import REJECTION_CODES
from ecg_assets.records.sources.base import PLAIN_ID
from ecg_assets.store.fingerprint import sha256_file
from ecg_assets.store.root import DataRoot
from ecg_assets.store.splits import SPLITS, shard_of, split_of

if TYPE_CHECKING:
    import pandera.pandas as pa

_SHOWN = 3
_SHA256 = "[0-9a-f]{64}"


def index_problems(index: pd.DataFrame, shards: int) -> list[str]:
    """Problems of an index, a sentence each; empty if it is sound.

    Args:
        index: as returned by `read_index`.
        shards: of its data root.
    """
    known = index["status"].isin([ACCEPTED, QUARANTINED])
    return [
        *_problems(_whole(), index),
        *_problems(_accepted(shards), index[known & (index["status"] == ACCEPTED)]),
        *_problems(_quarantined(), index[known & (index["status"] == QUARANTINED)]),
    ]


def record_problems(root: DataRoot, row: Any) -> list[str]:
    """Problems of an accepted record's file, a sentence each that names it.

    Args:
        root: holds the file.
        row: the record's row of the index, from `itertuples`.
    """
    path = csv_path(root, row.id)
    if not path.is_file():
        return [f"{root.relative(path)} is not there; materialise raw_csvs"]
    if sha256_file(path) != row.sha256:
        return [f"{root.relative(path)} is another file than was accepted; delete it and materialise raw_csvs"]
    try:
        record = load_record(root, row.id, int(row.fs_hz))
    except DamagedRecordError as error:
        return [str(error)]
    return [f"record {row.id}: {said}" for said in signal_problems(record)]


def signal_problems(record: Record) -> list[str]:
    """Problems of a record's signal: its length, leads without any number, values beyond physiological limits."""
    table = pd.DataFrame({lead: record.lead(lead) for lead in LEADS})
    return _problems(_signal(SECONDS * record.fs_hz), table)


def _whole() -> "pa.DataFrameSchema":
    import pandera.pandas as pa

    columns = {name: pa.Column(nullable=True) for name in INDEX_SCHEMA.names}
    status = pa.Check.isin([ACCEPTED, QUARANTINED], error=f"expected {ACCEPTED} or {QUARANTINED}")
    once = pa.Check(lambda ids: ~ids.duplicated(), error="stands in the index more than once")
    return pa.DataFrameSchema(columns | {"status": pa.Column(str, status), "id": pa.Column(str, once)}, strict=True)


def _accepted(shards: int) -> "pa.DataFrameSchema":
    import pandera.pandas as pa

    plain = pa.Check(lambda ids: ids.str.fullmatch(PLAIN_ID), error="expected plain numbers or names as ids")
    rate = pa.Check.in_range(MIN_FS_HZ, MAX_FS_HZ, error=f"expected {MIN_FS_HZ} to {MAX_FS_HZ} Hz")
    sha256 = pa.Check.str_matches(f"^{_SHA256}$", error="expected SHA-256 hashes")
    some = pa.Check.str_length(min_value=1, error="expected a text")
    length = pa.Check(lambda t: t["samples"] == SECONDS * t["fs_hz"], error=f"samples: expected {SECONDS} s")
    shard = pa.Check(
        lambda t: t["shard"] == t["id"].map(lambda one: shard_of(one, shards)),
        error="shard: expected that which follows from the id",
    )
    split = pa.Check(lambda t: t["split"] == t["id"].map(split_of), error="split: expected that which follows from id")
    return pa.DataFrameSchema(
        {
            "id": pa.Column(str, plain),
            "fs_hz": pa.Column(checks=rate),
            "samples": pa.Column(),
            "sha256": pa.Column(str, sha256),
            "input_sha256": pa.Column(str, sha256),
            "shard": pa.Column(checks=pa.Check.in_range(0, shards - 1, error=f"expected 0 to {shards - 1}")),
            "split": pa.Column(str, pa.Check.isin(SPLITS, error=f"expected {', '.join(SPLITS)}")),
            "source": pa.Column(str, some),
            "licence": pa.Column(str, some),
        },
        checks=[length, shard, split],
    )


def _quarantined() -> "pa.DataFrameSchema":
    import pandera.pandas as pa

    code = pa.Check.isin(REJECTION_CODES, error="expected a code of records.rejection")
    said = pa.Check.str_length(min_value=1, error="expected a reason")
    return pa.DataFrameSchema({"code": pa.Column(str, code), "reason": pa.Column(str, said)})


def _signal(samples: int) -> "pa.DataFrameSchema":
    import pandera.pandas as pa

    possible = pa.Check.in_range(-MAX_ABS_MV, MAX_ABS_MV, error=f"expected -{MAX_ABS_MV:g} to {MAX_ABS_MV:g} mV")
    printed = pa.Check(lambda lead: lead.notna().any(), error="holds no number", ignore_na=False)
    length = pa.Check(lambda table: len(table) == samples, error=f"length: expected {samples} rows")
    columns = {lead: pa.Column("float32", [possible, printed], nullable=True) for lead in LEADS}
    return pa.DataFrameSchema(columns, checks=length, strict=True, ordered=True)


def _problems(schema: "pa.DataFrameSchema", table: pd.DataFrame) -> list[str]:
    import pandera.errors

    if table.empty:
        return []
    try:
        schema.validate(table, lazy=True)
    except pandera.errors.SchemaErrors as errors:
        cases = errors.failure_cases
        # pandera reports a check between columns once for each of them.
        between = cases["check"].astype(str).str.contains(": ", regex=False)
        cases = cases.assign(column=cases["column"].astype(str).mask(between, ""))
        groups = cases.groupby(["column", "check"], sort=False)
        return [_sentence(table, str(column), str(check), found) for (column, check), found in groups]
    return []


def _sentence(table: pd.DataFrame, column: str, check: str, cases: pd.DataFrame) -> str:
    rule = "must not be empty" if check == "not_nullable" else check
    said = f"{column}: {rule}" if column else rule
    rows = [row for row in cases["index"].drop_duplicates().tolist() if row in table.index]
    if "id" not in table or not rows:
        return said
    named = sorted({str(one) for one in table.loc[rows, "id"]})
    more = f" and {len(named) - _SHOWN} more" if len(named) > _SHOWN else ""
    return f"{said} ({', '.join(named[:_SHOWN])}{more})"
