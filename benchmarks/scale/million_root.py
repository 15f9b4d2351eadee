"""A data root with very many records on paper: index, manifests and file names, no pixels."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ecg_assets.pages.config import PagesConfig
from ecg_assets.pages.page_notes import Drawn, as_columns
from ecg_assets.pages.paths import layout_path, mask_path, page_path
from ecg_assets.pages.shard import NOTES
from ecg_assets.pages.shard import STAGE as PAGES
from ecg_assets.pages.stage import build_papers, plan_pages
from ecg_assets.pages.style.style_mix import styles_of
from ecg_assets.records.index import ACCEPTED, INDEX_SCHEMA, write_index
from ecg_assets.records.ingest import RECORDS_VERSION, csv_path
from ecg_assets.records.ingest import STAGE as RECORDS
from ecg_assets.samples.config import SamplesConfig
from ecg_assets.samples.stage import STAGE as SAMPLES
from ecg_assets.samples.stage import plan_samples
from ecg_assets.store.fingerprint import sha256_bytes
from ecg_assets.store.manifest import BY_RECORD, Manifest, write_manifest
from ecg_assets.store.root import DataRoot, open_root
from ecg_assets.store.splits import shard_of, split_of
from ecg_assets.store.stages.provenance import MadeFrom, note_settings
from ecg_assets.store.stages.runner import manifest_path

_FIRST = 20_000_000
_LINKS = 50_000  # ext4 allows 65,000 names of a file


def record_ids(records: int) -> Iterator[str]:
    """Numbers of eight digits, as PTB-XL in the competition has them."""
    return (str(number) for number in range(_FIRST, _FIRST + records))


def rows(records: int, shards: int) -> Iterator[dict[str, Any]]:
    """The index's rows, all accepted."""
    nothing = dict.fromkeys(INDEX_SCHEMA.names)
    for record_id in record_ids(records):
        yield nothing | {
            "id": record_id,
            "fs_hz": 500,
            "samples": 5000,
            "sha256": sha256_bytes(record_id.encode()),
            "shard": shard_of(record_id, shards),
            "split": split_of(record_id),
            "status": ACCEPTED,
            "source": "ptb-xl",
            "licence": "CC BY 4.0",
            "labels": "sinus rhythm; left axis deviation",
            "input_sha256": sha256_bytes(b"input" + record_id.encode()),
        }


def make_million(folder: Path, records: int) -> None:
    """Makes the data root in `folder`, once."""
    done = folder / "records"
    if done.exists():
        return
    root = open_root(folder)
    write_index(root.index, list(rows(records, root.shards)))
    links = _Links(folder / "empty")
    _records(root, records, links)
    build_papers(root, PagesConfig(), lambda line: None)
    _pages(root, links)
    _samples(root, links)
    done.write_text(str(records))


class _Links:
    """Makes files that take a directory entry only."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        self._folder, self._made, self._target = folder, 0, ""

    def make(self, path: Path) -> None:
        if self._made % _LINKS == 0:
            target = self._folder / str(self._made)
            target.touch()
            self._target = str(target)
        os.link(self._target, path)
        self._made += 1


def _records(root: DataRoot, records: int, links: _Links) -> None:
    files = {}
    for record_id in record_ids(records):
        path = csv_path(root, record_id)
        path.parent.mkdir(parents=True)
        links.make(path)
        files[root.relative(path)] = sha256_bytes(record_id.encode())
    made_from = MadeFrom(code_version=RECORDS_VERSION, config={}, inputs={}, settings={})
    manifest = Manifest(
        stage=RECORDS, fingerprint=made_from.fingerprint(RECORDS), files=files, info=made_from.as_info()
    )
    write_manifest(root.ori_csv / "_manifests" / "records.json", manifest)


def _pages(root: DataRoot, links: _Links) -> None:
    config = PagesConfig()
    note_settings(root.wave_images, config.model_dump())
    style = next(iter(styles_of(config.styles)))
    for folder in (root.wave_images, root.wave_masks):
        folder.mkdir(parents=True, exist_ok=True)
    for task in plan_pages(root, config):
        files, by_record = dict[str, str](), dict[str, Drawn]()
        for row in task.records:
            record_id = row["id"]
            for path in (page_path(root, record_id), mask_path(root, record_id), layout_path(root, record_id)):
                links.make(path)
                files[root.relative(path)] = sha256_bytes(path.name.encode())
            key = sha256_bytes(b"key" + record_id.encode())
            by_record[record_id] = Drawn(key, style, wave_pixels=30_000, pixels=3_740_000, notes=())
        told = {
            "pages": len(by_record),
            **dict.fromkeys(NOTES, 0),
            BY_RECORD: as_columns(by_record),
        } | task.made_from.as_info()
        manifest = Manifest(stage=PAGES, fingerprint=task.fingerprint, files=files, info=told)
        write_manifest(manifest_path(root.wave_images, task.shard), manifest)


def _samples(root: DataRoot, links: _Links) -> None:
    config = SamplesConfig()
    note_settings(root.dataset, config.model_dump(mode="json"))
    for task in plan_samples(root, config):
        path = root.dataset / f"shard-{task.shard:03d}.arrow"
        path.parent.mkdir(parents=True, exist_ok=True)
        links.make(path)
        files = {root.relative(path): sha256_bytes(path.name.encode())}
        info = task.made_from.as_info()
        manifest = Manifest(stage=SAMPLES, fingerprint=task.fingerprint, files=files, info=info)
        write_manifest(manifest_path(root.dataset, task.shard), manifest)
