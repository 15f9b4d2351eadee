"""Makes lost files of earlier steps again, such as damaged files that were deleted as advised.

A step that is executed alone, or again after a failure, finds the results of earlier steps complete.
"""

from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ecg_assets.pages.config import PagesConfig
from ecg_assets.pages.stage import build_papers, render_pages
from ecg_assets.records.ingest import ingest
from ecg_assets.records.sources.config import SourceConfig
from ecg_assets.samples.config import SamplesConfig
from ecg_assets.samples.stage import build_dataset
from ecg_assets.store.bucket.units import DATASET, GRIDS, PAGES, RECORDS
from ecg_assets.store.compute.pool import default_workers
from ecg_assets.store.file_index import Presence
from ecg_assets.store.log import Log
from ecg_assets.store.manifest import read_manifest
from ecg_assets.store.root import DataRoot
from ecg_assets.store.stages.provenance import read_settings
from ecg_assets.store.stages.runner import manifest_path

Writing = Callable[[Path, Log], AbstractContextManager[None]]


@dataclass(frozen=True)
class _Stage:
    """A stage that can be made again.

    Attributes:
        step: the op of the stage.
        folder: folder of its manifests.
        made_from: groups that must be complete first.
        manifests: one per shard.
        others: files of the stage that no manifest lists.
        traces: files that show that the stage was made, even if its manifests are lost.
        make: makes the stage with the recorded settings.
    """

    step: str
    folder: Callable[[DataRoot], Path]
    made_from: tuple[str, ...]
    manifests: Callable[[DataRoot, Path], list[Path]]
    others: Callable[[DataRoot], list[Path]]
    traces: Callable[[DataRoot], list[Path]]
    make: Callable[[DataRoot, dict[str, Any], Log], object]


def _a_shard_each(root: DataRoot, folder: Path) -> list[Path]:
    return [manifest_path(folder, shard) for shard in range(root.shards)]


STAGES = {
    RECORDS: _Stage(
        "raw_csvs",
        lambda root: root.ori_csv,
        (),
        lambda root, folder: [folder / "_manifests" / "records.json"],
        lambda root: [root.index],
        lambda root: [root.index],
        lambda root, noted, log: ingest(root, SourceConfig.model_validate(noted), log, default_workers()),
    ),
    GRIDS: _Stage(
        "grids",
        lambda root: root.grids,
        (),
        lambda root, folder: [manifest_path(folder, 0)],
        lambda root: [],
        lambda root: sorted(root.grids.glob("*.png")),
        lambda root, noted, log: build_papers(root, PagesConfig(**noted), log),
    ),
    PAGES: _Stage(
        "pages",
        lambda root: root.wave_images,
        (RECORDS,),
        _a_shard_each,
        lambda root: [],
        lambda root: [],
        lambda root, noted, log: render_pages(root, PagesConfig(**noted), default_workers(), log),
    ),
    DATASET: _Stage(
        "mixed_dataset",
        lambda root: root.dataset,
        (RECORDS, GRIDS, PAGES),
        _a_shard_each,
        lambda root: [root.dataset / "dataset.json"],
        lambda root: [root.dataset / "dataset.json"],
        lambda root, noted, log: build_dataset(root, SamplesConfig(**noted), default_workers(), log),
    ),
}


def restore(root: DataRoot, groups: Iterable[str], writing: Writing, log: Log) -> None:
    """Makes lost files of the groups again, with the settings last used.

    Groups that were never made are left to their own assets.

    Args:
        root: the data root.
        groups: names of `store.bucket.units`; groups without a stage are ignored.
        writing: locks a folder while it is written.
        log: receives a line for each stage that is made again.

    Raises:
        ManifestError: a manifest cannot be read; the message names it.
    """
    for group, stage in STAGES.items():
        if group not in groups:
            continue
        lost = lost_files(root, group)
        if not lost:
            continue
        restore(root, stage.made_from, writing, log)
        noted = read_settings(stage.folder(root))
        if noted is None:
            continue
        log(f"{stage.step}: {len(lost)} files are missing ({lost[0]}, ...); making them again")
        with writing(stage.folder(root), log):
            stage.make(root, noted, log)


def lost_files(root: DataRoot, group: str) -> list[str]:
    """Missing files of a finished stage, relative to the root.

    Raises:
        ManifestError: a manifest cannot be read; the message names it.
    """
    stage, present, lost = STAGES[group], Presence(root.path), list[str]()
    folder, without = stage.folder(root), list[Path]()
    finished = any(path.exists() for path in stage.traces(root))
    for path in stage.manifests(root, folder):
        manifest = read_manifest(path)
        if manifest is None:
            without.append(path)
        elif manifest.fingerprint:
            finished = True
            lost += present.missing(manifest.files)
    if not finished:
        return []
    beside = [path for path in stage.others(root) if not path.exists()]
    return lost + [root.relative(path) for path in (*without, *beside)]
