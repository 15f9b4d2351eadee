"""Mixes pages and grid masks into the labelled dataset, shard by shard."""

import shutil
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from ecg_assets.pages.paths import layout_path, mask_path, page_path
from ecg_assets.pages.shard import STAGE as PAGES
from ecg_assets.records.index import accepted_records
from ecg_assets.samples.arrow_shard import Labelled, write_shard
from ecg_assets.samples.class_counts import SampleCounts
from ecg_assets.samples.config import SamplesConfig, recipes_fingerprint
from ecg_assets.samples.labelled_page import read_paper, style_name_of
from ecg_assets.samples.reader import EmptySplitError
from ecg_assets.samples.sampling import draw_samples
from ecg_assets.store.compute.pool import Workers
from ecg_assets.store.config_fields import fingerprint_fields
from ecg_assets.store.fingerprint import fingerprint, fingerprints_of_lists, sha256_file
from ecg_assets.store.log import Log
from ecg_assets.store.manifest import Manifest, read_manifest
from ecg_assets.store.root import DataRoot
from ecg_assets.store.sealed import write_sealed_json
from ecg_assets.store.splits import SPLITS, split_of
from ecg_assets.store.stages.provenance import MadeFrom, note_settings
from ecg_assets.store.stages.runner import StageReport, manifest_path, run_stage
from ecg_assets.store.stages.summary import Held

CODE_VERSION = "8"
STAGE = "mixed_dataset"
_SPARE_SHARE = 1.1
_ANY_ID = "<id>"

# (data root, shard, record ids) -> hashes of the records' pages.
PageHashes = Callable[[DataRoot, int, list[str]], dict[str, str]]


class DiskSpaceError(OSError):
    """The dataset would not fit on the disk."""


class MissingInputError(ValueError):
    """An earlier asset is missing or unfinished; the message names it."""


@dataclass(frozen=True)
class _Task:
    root: DataRoot
    shard: int
    made_from: MadeFrom
    config: SamplesConfig

    @property
    def fingerprint(self) -> str:
        return self.made_from.fingerprint(STAGE)

    @property
    def record_ids(self) -> list[str]:
        return list(self.made_from.inputs)

    def make(self) -> tuple[dict[str, str], dict[str, Any]]:
        path = self.root.dataset / f"shard-{self.shard:03d}.arrow"
        if not self.record_ids:
            return {}, self.made_from.as_info()
        counts = SampleCounts()
        write_shard(path, self.config.crop_px, counts.counting(self._pages()))
        files = {self.root.relative(path): sha256_file(path)}
        return files, counts.info() | self.made_from.as_info()

    def _pages(self) -> Iterator[list[Labelled]]:
        # Ordered by style, so that each paper is read once.
        pages = sorted((style_name_of(self.root, record_id), record_id) for record_id in self.record_ids)
        for style, group in groupby(pages, key=lambda page: page[0]):
            paper = read_paper(self.root, style)
            for _, record_id in group:
                yield draw_samples(self.root, record_id, paper, self.config)


def build_dataset(root: DataRoot, config: SamplesConfig, workers: Workers, log: Log) -> StageReport:
    """Cuts the pages of all shards that are not current into samples, and writes `dataset.json`.

    Args:
        root: holds pages, masks and the empty paper.
        config: options of the samples.
        workers: processes, or an engine; the samples do not depend on it.
        log: receives a line per shard.

    Raises:
        MissingInputError: pages or paper are missing.
        DiskSpaceError: the shards would not fit on the disk.
        EmptySplitError: one of the splits has no record.
    """
    tasks = plan_samples(root, config)
    _check_splits([record_id for task in tasks for record_id in task.record_ids])
    _check_disk(root, config, tasks)
    note_settings(root.dataset, config.model_dump(mode="json"))
    report = run_stage(STAGE, root.dataset, root.path, tasks, workers, log)
    counts = SampleCounts.sum_of(report.held.numbers)
    facts = {
        "digest": report.digest,
        "crop_px": config.crop_px,
        "records": sum(len(task.record_ids) for task in tasks),
        "samples": {split: counts.splits[split] for split in SPLITS},
        "recipes": dict(sorted(counts.recipes.items())),
        "kinds": dict(sorted(counts.kinds.items())),
        "without_trace": sorted(counts.without_trace),
        "sources": _sources(root),
        "class_shares": [round(float(share), 6) for share in counts.pixels / counts.pixels.sum()],
    }
    write_sealed_json(root.dataset / "dataset.json", facts)
    return report


def digest_of_shards(root: DataRoot) -> str | None:
    """The digest in `dataset.json` when all shards are finished; None if one is not.

    Raises:
        ManifestError: a manifest cannot be read.
    """
    held = Held()
    for shard in range(root.shards):
        manifest = read_manifest(manifest_path(root.dataset, shard))
        if manifest is None or not manifest.fingerprint:
            return None
        held.add(manifest)
    return held.digest


def _sources(root: DataRoot) -> list[dict[str, Any]]:
    """Number of records by source and licence."""
    index = accepted_records(root, ["source", "licence"])
    counts = Counter(zip(index["source"], index["licence"], strict=True))
    return [
        {"source": source, "licence": licence, "records": count} for (source, licence), count in sorted(counts.items())
    ]


def read_page_hashes(root: DataRoot, shard: int, record_ids: list[str]) -> dict[str, str]:
    """By record id, the hash of its page, mask and layout, from the shard's manifest.

    Raises:
        MissingInputError: one of them is not finished.
    """
    manifest = read_manifest(manifest_path(root.wave_images, shard))
    return page_hashes(root, manifest or Manifest(stage=PAGES, fingerprint=""), record_ids)


def plan_samples(root: DataRoot, config: SamplesConfig, hashes: PageHashes = read_page_hashes) -> list[_Task]:
    """Each shard of samples, with its inputs.

    Args:
        root: holds pages, masks and the empty paper.
        config: options of the samples.
        hashes: returns the hashes of a shard's pages.

    Raises:
        IndexMissingError, MissingInputError: records, pages or paper are missing.
    """
    index = accepted_records(root, ["shard"])
    papers = read_manifest(manifest_path(root.grids, 0))
    if papers is None or not papers.fingerprint:
        raise MissingInputError(f"{root.grids} holds no finished papers; materialise clean_grid and grid_mask first")
    settings = config.model_dump(mode="json")
    config_parts = {name: str(value) for name, value in fingerprint_fields(config).items() if name != "recipes"}
    config_parts["papers"] = fingerprint(papers.files)
    for name, said in recipes_fingerprint(config.recipes).items():
        config_parts[f"recipe {name}"] = f"{config.recipes[name]:g} of {fingerprint(said)}"
    tasks = []
    for shard in range(root.shards):
        record_ids: list[str] = index.loc[index["shard"] == shard, "id"].tolist()
        pages = hashes(root, shard, record_ids)
        made_from = MadeFrom(code_version=CODE_VERSION, config=config_parts, inputs=pages, settings=settings)
        tasks.append(_Task(root, shard, made_from, config))
    return tasks


def page_hashes(root: DataRoot, manifest: Manifest, record_ids: list[str]) -> dict[str, str]:
    """By record id, the hash of its page, mask and layout, from its shard's manifest.

    Raises:
        MissingInputError: one of them is not finished.
    """
    files = manifest.files if manifest.fingerprint else {}
    # Without three path objects per record, which take half a minute for a million records.
    places = [root.relative(path(root, _ANY_ID)).split(_ANY_ID) for path in (page_path, mask_path, layout_path)]
    columns = []
    for before, after in places:
        found = [files.get(f"{before}{record_id}{after}") for record_id in record_ids]
        if None in found:
            missing = f"{before}{record_ids[found.index(None)]}{after}"
            raise MissingInputError(
                f"{root.path / missing} is not finished; materialise rendered_waves and wave_masks (they come before "
                f"{STAGE})"
            )
        columns.append(found)
    return dict(zip(record_ids, fingerprints_of_lists(columns), strict=True))


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
    """Checks the space for new shards only, because existing ones are replaced one at a time by complete new ones."""
    wanted = sum(len(task.record_ids) for task in tasks) * config.per_page * config.sample_bytes
    held = sum(path.stat().st_size for path in root.dataset.glob("shard-*.arrow"))
    free = shutil.disk_usage(root.path).free
    if (wanted - held) * _SPARE_SHARE > free:
        raise DiskSpaceError(
            f"{root.dataset} needs {wanted >> 20} MiB, of which {held >> 20} are there, but its disk has {free >> 20} "
            "MiB free: make room, set ECG_ASSETS_DATA to a larger disk, or lower `positives`"
        )
