"""Writes a shard of the dataset as an uncompressed Arrow IPC file, which readers can memory-map."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from ecg_assets.samples.crops import Crop
from ecg_assets.store.atomic import atomic_path
from ecg_assets.store.splits import Split


@dataclass(frozen=True)
class Labelled:
    """A crop with its description.

    Attributes:
        id: `<record id>-<number>`.
        record_id: the record whose page, or whose empty paper, was cut.
        split: the record's split.
        kind: `positive` (holds a trace), `negative` (empty paper) or another content.
        recipe: of its degradations; `clean` has none.
        crop: image and mask.
    """

    id: str
    record_id: str
    split: Split
    kind: str
    recipe: str
    crop: Crop


def shard_schema(crop_px: int) -> pa.Schema:
    """Columns of a shard; the metadata holds the crop's side."""
    return pa.schema(
        [
            pa.field("id", pa.string(), nullable=False),
            pa.field("record_id", pa.string(), nullable=False),
            pa.field("split", pa.string(), nullable=False),
            pa.field("kind", pa.string(), nullable=False),
            pa.field("recipe", pa.string(), nullable=False),
            pa.field("about", pa.string(), nullable=False),
            pa.field("image", pa.binary(crop_px * crop_px * 3), nullable=False),
            pa.field("mask", pa.binary(crop_px * crop_px), nullable=False),
        ],
        metadata={"crop_px": str(crop_px)},
    )


def write_shard(path: Path, crop_px: int, pages: Iterable[list[Labelled]]) -> None:
    """Writes one record batch per page, atomically; holds one page's crops in memory at a time."""
    schema = shard_schema(crop_px)
    with (
        atomic_path(path) as temporary,
        pa.OSFile(str(temporary), "wb") as sink,
        pa.ipc.new_file(sink, schema) as writer,
    ):
        for crops in pages:
            writer.write_batch(_batch(schema, crops))


def _batch(schema: pa.Schema, crops: list[Labelled]) -> pa.RecordBatch:
    columns = {
        "id": [one.id for one in crops],
        "record_id": [one.record_id for one in crops],
        "split": [one.split for one in crops],
        "kind": [one.kind for one in crops],
        "recipe": [one.recipe for one in crops],
        "about": [json.dumps(one.crop.about, separators=(",", ":")) for one in crops],
        "image": [one.crop.image_hwc.tobytes() for one in crops],
        "mask": [one.crop.mask_hw.tobytes() for one in crops],
    }
    return pa.RecordBatch.from_pydict(columns, schema=schema)
