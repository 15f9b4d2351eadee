"""Draws the empty papers and all accepted records' pages into the data root, a shard at a time."""

from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ecg_assets.pages.config import PagesConfig
from ecg_assets.pages.mix import styles_of
from ecg_assets.pages.own_paper import StyledPaper, StyledPapers
from ecg_assets.pages.paths import layout_path, mask_path, page_path, paper_mask_path, paper_path
from ecg_assets.pages.plan import plan_page
from ecg_assets.pages.png import encode
from ecg_assets.pages.render import render_page
from ecg_assets.records.index import accepted_records
from ecg_assets.records.ingest import load_record
from ecg_assets.store.atomic import write_bytes, write_json
from ecg_assets.store.fingerprint import fingerprint, sha256_bytes, sha256_file
from ecg_assets.store.root import DataRoot
from ecg_assets.store.stage import Log, StageReport, run_stage

CODE_VERSION = "4"
PROVENANCE = ("source", "licence", "labels")
NOTES = ("empty_panels", "partial_panels", "off_page_panels")


@dataclass(frozen=True)
class _PapersTask:
    root: DataRoot
    fingerprint: str
    config: PagesConfig
    shard: int = 0

    def make(self) -> tuple[dict[str, str], dict[str, Any]]:
        files: dict[str, str] = {}
        shares: dict[str, list[float]] = {}
        for name, styled in StyledPapers(self.config).items():
            paper = styled.paper
            contents = {
                paper_path(self.root, name): encode(paper.index_hw, paper.colours, styled.style.dpi),
                paper_mask_path(self.root, name): encode(paper.mask_hw, dpi=styled.style.dpi),
            }
            for path, content in contents.items():
                write_bytes(path, content)
            files |= {self.root.relative(path): sha256_bytes(content) for path, content in contents.items()}
            shares[name] = [round(float((paper.mask_hw == line).mean()), 5) for line in range(4)]
        return files, {"class_shares": shares}


@dataclass(frozen=True)
class _PagesTask:
    root: DataRoot
    shard: int
    fingerprint: str
    records: list[dict[str, Any]]
    config: PagesConfig

    def make(self) -> tuple[dict[str, str], dict[str, Any]]:
        papers = StyledPapers(self.config)
        # One style after the other: papers and print are kept for a few styles only.
        planned = sorted(
            ((papers.name_for(row["id"]), row) for row in self.records), key=lambda pair: (pair[0], pair[1]["id"])
        )
        files: dict[str, str] = {}
        styles = Counter(style for style, _ in planned)
        info: dict[str, Any] = {"pages": len(planned), "styles": dict(styles), "wave_pixels": 0, "pixels": 0}
        info |= dict.fromkeys(NOTES, 0)
        for style, row in planned:
            written, wave_pixels, layout = self._draw(papers[style], row)
            files |= written
            info["wave_pixels"] += wave_pixels
            info["pixels"] += layout["width_px"] * layout["height_px"]
            for note in NOTES:
                info[note] += bool(layout[note])
        return dict(sorted(files.items())), info

    def _draw(self, styled: StyledPaper, row: dict[str, Any]) -> tuple[dict[str, str], int, dict[str, Any]]:
        record_id = row["id"]
        record = load_record(self.root, record_id, row["fs_hz"])
        plan = plan_page(record, styled.name, styled.style, self.config.seed, styled.own is not None)
        page = render_page(plan, record, styled.paper)
        image, mask = page_path(self.root, record_id), mask_path(self.root, record_id)
        layout = layout_path(self.root, record_id)
        write_bytes(image, encode(page.index_hw, page.palette, styled.style.dpi))
        wave = page.wave_hw
        write_bytes(mask, encode(wave.astype("uint8") * 255, dpi=styled.style.dpi))
        write_json(layout, {**page.layout, "provenance": {name: row[name] for name in PROVENANCE}})
        files = {self.root.relative(path): sha256_file(path) for path in (image, mask, layout)}
        return files, int(wave.sum()), page.layout


def build_papers(root: DataRoot, config: PagesConfig, log: Log) -> StageReport:
    """Writes the empty paper and its mask for each style of the mix, when they are not current."""
    task = _PapersTask(root, fingerprint("papers", CODE_VERSION, look_of(config)), config)
    return run_stage("clean_grid", root.grids, root.path, [task], workers=1, log=log)


def look_of(config: PagesConfig) -> list[Any]:
    """All that the pages' look follows from: the config, its styles' fields, the user's files by their content."""
    own = [sha256_file(Path(path)) if path else None for path in (config.grid_png, config.grid_mask_png)]
    styles = [
        [name, weight, *(model.model_dump(mode="json") for model in (style, style.leads, style.grid_lines))]
        for name, (style, weight) in styles_of(config.styles).items()
    ]
    return [config.seed, styles, own]


def render_pages(root: DataRoot, config: PagesConfig, workers: int, log: Log) -> StageReport:
    """Draws pages, masks and layouts of all accepted records whose shard is not current.

    Args:
        root: holds the index and the records.
        config: the styles.
        workers: processes; the pages do not depend on it.
        log: receives a line a shard.

    Raises:
        IndexMissingError: `raw_csvs` was not materialised.
        NoGridError: the user's paper has no grid.
    """
    index, look = accepted_records(root), look_of(config)
    columns = index[["id", "fs_hz", "sha256", *PROVENANCE]]
    tasks = []
    for shard in range(root.shards):
        rows = columns[index["shard"] == shard].to_numpy(dtype=object)
        records = [dict(zip(columns.columns, row, strict=True)) for row in rows.tolist()]
        wanted = fingerprint("pages", CODE_VERSION, look, records)
        tasks.append(_PagesTask(root, shard, wanted, records, config))
    return run_stage("rendered_waves", root.wave_images, root.path, tasks, workers, log)
