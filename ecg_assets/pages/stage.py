"""Draws the empty paper and all accepted records' pages into the data root, a shard at a time."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from ecg_assets.pages.grid import PAPER_COLOURS, clean_grid, grid_mask
from ecg_assets.pages.layout import DPI
from ecg_assets.pages.png import encode
from ecg_assets.pages.render import PALETTE, render_page
from ecg_assets.records.index import accepted_records
from ecg_assets.records.ingest import load_record
from ecg_assets.store.atomic import write_bytes, write_json
from ecg_assets.store.fingerprint import fingerprint, sha256_bytes, sha256_file
from ecg_assets.store.root import DataRoot
from ecg_assets.store.stage import Log, StageReport, run_stage

CODE_VERSION = "1"
STYLE = "kaggle"


class PagesConfig(BaseModel):
    """How pages are drawn."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    stroke_px: float = Field(default=2.1, ge=0.5, le=12, description="Width of the trace, in pixels at 200 dpi.")
    seed: int = Field(default=0, ge=0, description="Seed of the made-up persons in the header.")


def page_path(root: DataRoot, record_id: str) -> Path:
    """Where a record's page lies."""
    return root.wave_images / f"{record_id}.png"


def layout_path(root: DataRoot, record_id: str) -> Path:
    """Where a page's layout lies."""
    return root.wave_images / f"{record_id}.json"


def mask_path(root: DataRoot, record_id: str) -> Path:
    """Where a record's wave mask lies: 0 and 255."""
    return root.wave_masks / f"{record_id}_mask.png"


def paper_path(root: DataRoot) -> Path:
    """Where the empty paper lies."""
    return root.grids / f"{STYLE}.png"


def paper_mask_path(root: DataRoot) -> Path:
    """Where the paper's mask lies: classes 0 to 3 as grey values."""
    return root.grids / f"{STYLE}_mask.png"


@dataclass(frozen=True)
class _PaperTask:
    root: DataRoot
    fingerprint: str
    shard: int = 0

    def make(self) -> tuple[dict[str, str], dict[str, Any]]:
        contents = {
            paper_path(self.root): encode(clean_grid(), PAPER_COLOURS, DPI),
            paper_mask_path(self.root): encode(grid_mask(), dpi=DPI),
        }
        for path, content in contents.items():
            write_bytes(path, content)
        files = {self.root.relative(path): sha256_bytes(content) for path, content in contents.items()}
        shares = [float((grid_mask() == line).mean()) for line in range(4)]
        return files, {"class_shares": shares}


@dataclass(frozen=True)
class _PagesTask:
    root: DataRoot
    shard: int
    fingerprint: str
    records: list[tuple[str, int]]
    config: PagesConfig

    def make(self) -> tuple[dict[str, str], dict[str, Any]]:
        files: dict[str, str] = {}
        wave_pixels = 0
        for record_id, fs_hz in self.records:
            page = render_page(load_record(self.root, record_id, fs_hz), self.config.stroke_px, self.config.seed)
            image, mask = page_path(self.root, record_id), mask_path(self.root, record_id)
            layout = layout_path(self.root, record_id)
            write_bytes(image, encode(page.index_hw, PALETTE, DPI))
            write_bytes(mask, encode(page.wave_hw.astype("uint8") * 255, dpi=DPI))
            write_json(layout, page.layout)
            files |= {self.root.relative(path): sha256_file(path) for path in (image, mask, layout)}
            wave_pixels += int(page.wave_hw.sum())
        return files, {"pages": len(self.records), "wave_pixels": wave_pixels}


def build_papers(root: DataRoot, config: PagesConfig, log: Log) -> StageReport:
    """Writes the empty paper and its mask, when they are not current."""
    task = _PaperTask(root, fingerprint("papers", CODE_VERSION, STYLE))
    return run_stage("clean_grid", root.grids, root.path, [task], workers=1, log=log)


def render_pages(root: DataRoot, config: PagesConfig, workers: int, log: Log) -> StageReport:
    """Draws pages, masks and layouts of all accepted records whose shard is not current.

    Args:
        root: holds the index and the records.
        config: the style.
        workers: processes; the pages do not depend on it.
        log: receives a line a shard.

    Raises:
        IndexMissingError: `raw_csvs` was not materialised.
    """
    index = accepted_records(root)
    tasks = []
    for shard in range(root.shards):
        rows = index[index["shard"] == shard]
        inputs = rows[["id", "fs_hz", "sha256"]].to_numpy().tolist()
        wanted = fingerprint("pages", CODE_VERSION, config.model_dump(), inputs)
        records = [(str(record_id), int(fs_hz)) for record_id, fs_hz, _ in inputs]
        tasks.append(_PagesTask(root, shard, wanted, records, config))
    return run_stage("rendered_waves", root.wave_images, root.path, tasks, workers, log)
