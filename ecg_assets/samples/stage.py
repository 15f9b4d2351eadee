"""Mixes pages and grid masks into the labelled dataset, a shard at a time."""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict, Field

from ecg_assets.pages.png import read_grey, read_rgb
from ecg_assets.pages.stage import mask_path, page_path, paper_mask_path, paper_path
from ecg_assets.records.index import accepted_records
from ecg_assets.samples.crops import Crop, mix, negative_crop, positive_crop
from ecg_assets.samples.reader import EmptySplitError
from ecg_assets.samples.shard import Labelled, write_shard
from ecg_assets.store.atomic import write_json
from ecg_assets.store.fingerprint import fingerprint, sha256_file
from ecg_assets.store.manifest import read_manifest
from ecg_assets.store.placement import SPLITS, Split, split_of
from ecg_assets.store.rng import rng_for
from ecg_assets.store.root import DataRoot
from ecg_assets.store.stage import Log, StageReport, manifest_path, run_stage

CODE_VERSION = "1"
STAGE = "mixed_dataset"
_SPARE_SHARE = 1.1


class DiskSpaceError(OSError):
    """The dataset would not fit on the disk."""


class MissingInputError(ValueError):
    """An earlier asset is missing or unfinished; the message names it."""


class SamplesConfig(BaseModel):
    """How pages are cut into samples."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    crop_px: int = Field(default=512, ge=64, le=1024, multiple_of=32, description="Side of a sample, in pixels.")
    positives: int = Field(default=5, ge=1, le=100, description="Crops that hold a trace, for each page.")
    negatives: int = Field(default=1, ge=0, le=100, description="Crops of empty paper, for each page.")
    seed: int = Field(default=0, ge=0, description="Seed of the crops' places.")

    @property
    def per_page(self) -> int:
        """Samples of one page."""
        return self.positives + self.negatives

    @property
    def sample_bytes(self) -> int:
        """Bytes of one sample's image and mask."""
        return self.crop_px * self.crop_px * 4


@dataclass(frozen=True)
class _Task:
    root: DataRoot
    shard: int
    fingerprint: str
    record_ids: list[str]
    config: SamplesConfig

    def make(self) -> tuple[dict[str, str], dict[str, Any]]:
        path = self.root.dataset / f"shard-{self.shard:03d}.arrow"
        if not self.record_ids:
            return {}, {}
        counts = write_shard(path, self.config.crop_px, self._pages())
        splits = [split_of(record_id) for record_id in self.record_ids]
        info = {f"{split}_samples": splits.count(split) * self.config.per_page for split in SPLITS}
        files = {self.root.relative(path): sha256_file(path)}
        return files, {**info, "class_pixels": [int(count) for count in counts]}

    def _pages(self) -> Iterator[list[Labelled]]:
        paper, paper_mask = read_rgb(paper_path(self.root)), read_grey(paper_mask_path(self.root))
        for record_id in self.record_ids:
            page = read_rgb(page_path(self.root, record_id))
            mask = mix(paper_mask, read_grey(mask_path(self.root, record_id)) > 0)
            rng = rng_for(self.config.seed, record_id, "crops")
            side = self.config.crop_px
            crops = [positive_crop(page, mask, side, rng) for _ in range(self.config.positives)]
            crops += [negative_crop(paper, paper_mask, side, rng) for _ in range(self.config.negatives)]
            yield self._labelled(record_id, crops)

    def _labelled(self, record_id: str, crops: list[Crop]) -> list[Labelled]:
        split: Split = split_of(record_id)
        return [
            Labelled(
                id=f"{record_id}-{number}",
                record_id=record_id,
                split=split,
                kind="positive" if number < self.config.positives else "negative",
                crop=crop,
            )
            for number, crop in enumerate(crops)
        ]


def build_dataset(root: DataRoot, config: SamplesConfig, workers: int, log: Log) -> StageReport:
    """Cuts every page into samples, when its shard is not current, and writes `dataset.json`.

    Args:
        root: holds pages, masks and the empty paper.
        config: how to cut.
        workers: processes; the samples do not depend on it.
        log: receives a line a shard.

    Raises:
        MissingInputError: pages or paper are not there.
        DiskSpaceError: the shards would not fit.
        EmptySplitError: no record falls into one of the splits.
    """
    tasks = _plan(root, config)
    _check_splits([record_id for task in tasks for record_id in task.record_ids])
    _check_disk(root, config, tasks)
    report = run_stage(STAGE, root.dataset, root.path, tasks, workers, log)
    pixels: npt.NDArray[np.int64] = np.zeros(5, dtype=np.int64)
    for manifest in report.manifests:
        pixels += np.array(manifest.info.get("class_pixels", [0] * 5), dtype=np.int64)
    facts = {
        "digest": report.digest,
        "crop_px": config.crop_px,
        "records": sum(len(task.record_ids) for task in tasks),
        "samples": {split: report.total(f"{split}_samples") for split in SPLITS},
        "class_shares": [round(float(share), 6) for share in pixels / pixels.sum()],
    }
    write_json(root.dataset / "dataset.json", facts)
    return report


def _plan(root: DataRoot, config: SamplesConfig) -> list[_Task]:
    index = accepted_records(root)
    if not paper_mask_path(root).exists():
        raise MissingInputError(f"{paper_mask_path(root)} is not there; materialise clean_grid and grid_mask first")
    paper = [sha256_file(paper_path(root)), sha256_file(paper_mask_path(root))]
    tasks = []
    for shard in range(root.shards):
        record_ids = [str(record_id) for record_id in index[index["shard"] == shard]["id"]]
        pages = _page_hashes(root, shard, record_ids)
        wanted = fingerprint(STAGE, CODE_VERSION, config.model_dump(), paper, pages)
        tasks.append(_Task(root, shard, wanted, record_ids, config))
    return tasks


def _page_hashes(root: DataRoot, shard: int, record_ids: list[str]) -> list[str]:
    """Hashes of the shard's pages and masks, as their manifest tells them."""
    manifest = read_manifest(manifest_path(root.wave_images, shard))
    files = manifest.files if manifest is not None and manifest.fingerprint else {}
    paths = [path for record_id in record_ids for path in (page_path(root, record_id), mask_path(root, record_id))]
    missing = [path for path in paths if root.relative(path) not in files]
    if missing:
        raise MissingInputError(
            f"{missing[0]} is not finished; materialise rendered_waves and wave_masks (they come before {STAGE})"
        )
    return [files[root.relative(path)] for path in paths]


def _check_splits(record_ids: list[str]) -> None:
    held = {split_of(record_id) for record_id in record_ids}
    empty = [split for split in SPLITS if split not in held]
    if empty:
        raise EmptySplitError(
            f"none of {len(record_ids)} records falls into {' and '.join(empty)}: a record's split is drawn from its "
            "id (70 % train, 15 % validation, 15 % test), so about 30 records are needed to fill all three with near "
            "certainty; raise ECG_RECORDS or add records"
        )


def _check_disk(root: DataRoot, config: SamplesConfig, tasks: list[_Task]) -> None:
    """Only what is not there yet counts: a shard is replaced after the new one is whole, one at a time."""
    wanted = sum(len(task.record_ids) for task in tasks) * config.per_page * config.sample_bytes
    held = sum(path.stat().st_size for path in root.dataset.glob("shard-*.arrow"))
    free = shutil.disk_usage(root.path).free
    if (wanted - held) * _SPARE_SHARE > free:
        raise DiskSpaceError(
            f"{root.dataset} needs {wanted >> 20} MiB, of which {held >> 20} are there, but its disk has {free >> 20} "
            "MiB free: make room, set ECG_ASSETS_DATA to a larger disk, or lower `positives`"
        )
