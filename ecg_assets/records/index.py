"""Writes and reads the index of records, a Parquet file: one row each, accepted or quarantined with a reason."""

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from ecg_assets.records.sources.base import PLAIN_ID
from ecg_assets.store.atomic import atomic_path
from ecg_assets.store.plain_file import open_plain
from ecg_assets.store.root import DataRoot, DataRootError, remedy_for_shards
from ecg_assets.store.splits import shard_of

if TYPE_CHECKING:  # it takes 70 MB, which the code server does not need
    import pandas as pd

ACCEPTED, QUARANTINED = "accepted", "quarantined"
_WHOLE_NUMBERS = ("fs_hz", "samples", "shard")
# In the schema's metadata: by column, the hash of its values.
_SEALS = b"column_sha256"
# Number of ids that reveals a changed number of shards, because at least half of them would be in another shard.
_LOOKED_AT = 200

INDEX_SCHEMA = pa.schema(
    [
        pa.field("id", pa.string(), nullable=False),
        pa.field("fs_hz", pa.int32()),
        pa.field("samples", pa.int32()),
        pa.field("sha256", pa.string()),
        pa.field("shard", pa.int32()),
        pa.field("split", pa.string()),
        pa.field("status", pa.string(), nullable=False),
        pa.field("code", pa.string()),
        pa.field("reason", pa.string()),
        pa.field("source", pa.string()),
        pa.field("licence", pa.string()),
        pa.field("labels", pa.string()),
        pa.field("input_sha256", pa.string()),
    ]
)


class IndexMissingError(ValueError):
    """The index cannot be read; the message says what to do."""


def write_index(path: Path, rows: list[dict[str, object]]) -> None:
    """Writes the rows, sorted by id, as Parquet with a hash of each column; equal rows give equal bytes."""
    table = pa.Table.from_pylist(sorted(rows, key=lambda row: str(row["id"])), schema=INDEX_SCHEMA)
    hashes = {name: _column_hash(table[name]) for name in table.column_names}
    table = table.replace_schema_metadata({_SEALS: json.dumps(hashes)})
    with atomic_path(path) as temporary:
        pq.write_table(table, temporary, compression="zstd")


def read_index(root: DataRoot) -> "pd.DataFrame":
    """All records, with the columns of `INDEX_SCHEMA`.

    `code` and `reason` say why a record is quarantined, or hold the notes on an accepted one (`records.notes`), mostly
    empty. `labels` are rhythm and findings, if the source has them. `input_sha256` is the hash of all that a record was
    read from; if it is unchanged, the record is not read again.

    Raises:
        IndexMissingError: `raw_csvs` was not materialised in this data root, or its index has other columns.
    """
    return _frame(root, _read_table(root, INDEX_SCHEMA.names))


def accepted_records(root: DataRoot, columns: Sequence[str] | None = None) -> "pd.DataFrame":
    """The rows of accepted records, sorted by id.

    Args:
        root: holds the index.
        columns: to read besides `id`; all by default. For a million records each takes a second.

    Raises:
        IndexMissingError: as `read_index`; or a record has no rate, length or shard, or an id that is not a plain name.
        DataRootError: the records were divided into another number of shards than the data root's.
    """
    wanted = INDEX_SCHEMA.names if columns is None else ["id", *columns]
    needed = {*wanted, "id", "status", *_WHOLE_NUMBERS}
    table = _read_table(root, [name for name in INDEX_SCHEMA.names if name in needed])
    accepted = table.filter(pc.equal(table["status"], ACCEPTED))
    for name in _WHOLE_NUMBERS:
        if accepted[name].null_count:
            raise IndexMissingError(f"{root.index} has accepted records without {name}; materialise raw_csvs again")
    # Ids become file names and must not lead out of their folder.
    unfit = accepted["id"].filter(pc.invert(pc.match_substring_regex(accepted["id"], rf"\A{PLAIN_ID}\z")))
    if len(unfit):
        raise IndexMissingError(
            f"{root.index} holds the id {unfit[0].as_py()!r}, which is no plain number or name; materialise raw_csvs"
        )
    _check_shards(root, accepted)
    return _frame(root, accepted.select(wanted)).astype({name: int for name in _WHOLE_NUMBERS if name in wanted})


def _check_shards(root: DataRoot, accepted: pa.Table) -> None:
    """Checks that the records' shards follow from the data root's number of shards.

    Raises:
        DataRootError: they do not, because the number has changed.
    """
    looked_at = accepted.slice(0, _LOOKED_AT).select(["id", "shard"]).to_pylist()
    wrong = [row for row in looked_at if row["shard"] != shard_of(row["id"], root.shards)]
    if len(wrong) > len(looked_at) / 4:  # with a changed number, at least half of them are wrong
        raise DataRootError(
            f"{root.settings}: {root.shards} shards are not the number that this data root was made with: "
            f"{root.index} has record {wrong[0]['id']} in shard {wrong[0]['shard']}; {remedy_for_shards(root.path)}"
        )


def _read_table(root: DataRoot, columns: list[str]) -> pa.Table:
    if not root.index.exists():
        raise IndexMissingError(f"{root.index} is not there; materialise raw_csvs first")
    try:
        open_plain(root.index).close()
        with pq.ParquetFile(root.index) as file:
            held, seals = file.schema_arrow.names, (file.schema_arrow.metadata or {}).get(_SEALS)
            table = file.read(columns) if held == INDEX_SCHEMA.names else None
    except (pa.ArrowException, OSError, ValueError) as error:
        raise IndexMissingError(
            f"{root.index} is no whole Parquet file ({str(error).splitlines()[0]}); delete it and materialise raw_csvs"
        ) from error
    if table is None:
        raise IndexMissingError(
            f"{root.index} has columns {held}, expected {INDEX_SCHEMA.names}; materialise raw_csvs again"
        )
    try:
        table.validate(full=True)
        _check_columns(table, seals)
        return table.cast(pa.schema([INDEX_SCHEMA.field(name) for name in columns]))
    except (pa.ArrowException, ValueError, KeyError, TypeError) as error:
        raise _damaged(root, error) from error


def _check_columns(table: pa.Table, seals: bytes | None) -> None:
    """Compares the columns with the hashes in the file; files of earlier versions have none.

    Raises:
        ValueError, KeyError, TypeError: they differ, or are not hashes.
    """
    if seals is None:
        return
    hashes = json.loads(seals)
    changed = [name for name in table.column_names if hashes[name] != _column_hash(table[name])]
    if changed:
        raise ValueError(f"the column {changed[0]} has changed since it was written")


def _column_hash(column: pa.ChunkedArray) -> str:
    """SHA-256 of a column's values, independent of Arrow's chunks."""
    missing = column.is_null().to_numpy()
    whole = column.fill_null("" if pa.types.is_string(column.type) else 0)
    digest = hashlib.sha256(missing.tobytes())
    if pa.types.is_string(column.type):
        digest.update(pc.binary_length(whole).to_numpy().astype("int64").tobytes())
        for chunk in whole.chunks:
            digest.update("".join(chunk.to_pylist()).encode())
    else:
        digest.update(whole.to_numpy().astype("int64").tobytes())
    return digest.hexdigest()


def _frame(root: DataRoot, table: pa.Table) -> "pd.DataFrame":
    try:
        frame: pd.DataFrame = table.to_pandas()
    except (pa.ArrowException, ValueError) as error:
        raise _damaged(root, error) from error
    return frame


def _damaged(root: DataRoot, error: Exception) -> IndexMissingError:
    said = str(error).splitlines()[0]
    return IndexMissingError(f"{root.index} is damaged ({said}); delete it and materialise raw_csvs")
