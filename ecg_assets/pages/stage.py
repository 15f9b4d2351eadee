"""Draws the empty papers and all accepted records' pages into the data root, shard by shard."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ecg_assets.pages.config import PagesConfig
from ecg_assets.pages.paper.papers import OWN, StyledPapers
from ecg_assets.pages.paths import paper_mask_path, paper_path
from ecg_assets.pages.raster.png import encode
from ecg_assets.pages.shard import OFF_ZERO, PROVENANCE, STAGE, PageShard
from ecg_assets.pages.style.page_style import PageStyle
from ecg_assets.pages.style.style_mix import styles_of
from ecg_assets.records.index import accepted_records
from ecg_assets.records.notes import codes_in
from ecg_assets.store.atomic import write_bytes
from ecg_assets.store.compute.pool import Workers
from ecg_assets.store.config_fields import fingerprint_fields
from ecg_assets.store.fingerprint import fingerprint, fingerprints_of_rows, sha256_bytes, sha256_file
from ecg_assets.store.log import Log
from ecg_assets.store.manifest import read_manifest
from ecg_assets.store.root import DataRoot
from ecg_assets.store.stages.provenance import MadeFrom, note_settings
from ecg_assets.store.stages.runner import StageReport, manifest_path, run_stage

CODE_VERSION = "5"
PAPERS = "clean_grid"


@dataclass(frozen=True)
class PapersTask:
    """All empty papers: one shard."""

    root: DataRoot
    made_from: MadeFrom
    config: PagesConfig
    shard: int = 0

    @property
    def fingerprint(self) -> str:
        """Fingerprint of code version and styles."""
        return self.made_from.fingerprint(PAPERS)

    def make(self) -> tuple[dict[str, str], dict[str, Any]]:
        """Draws them; see `ShardTask`."""
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
        return files, {"class_shares": shares} | self.made_from.as_info()


def build_papers(root: DataRoot, config: PagesConfig, log: Log) -> StageReport:
    """Writes the empty paper and its mask for each style of the mix, if they are not current."""
    note_settings(root.grids, config.model_dump())
    return run_stage(PAPERS, root.grids, root.path, plan_papers(root, config), workers=1, log=log)


def plan_papers(root: DataRoot, config: PagesConfig) -> list[PapersTask]:
    """The single shard of papers, with its inputs."""
    made_from = MadeFrom(code_version=CODE_VERSION, config=look_of(config), inputs={}, settings=config.model_dump())
    return [PapersTask(root, made_from, config)]


def paper_hashes(root: DataRoot) -> tuple[dict[str, str], dict[str, str]]:
    """File -> SHA-256 of the empty papers, and of their masks."""
    manifest = read_manifest(manifest_path(root.grids, 0))
    files = manifest.files if manifest else {}
    masks = {name: sha256 for name, sha256 in files.items() if name.endswith("_mask.png")}
    return {name: sha256 for name, sha256 in files.items() if name not in masks}, masks


def look_of(config: PagesConfig) -> dict[str, str]:
    """All that determines the pages' look: seed, each style's fields and weight, the user's files by content."""
    mixed = styles_of(config.styles).items()
    styles = {f"style {name}": f"{weight:g} of {_said(style)}" for name, (style, weight) in mixed}
    return {"seed": str(config.seed), **styles, **_own_files(config)}


def render_pages(root: DataRoot, config: PagesConfig, workers: Workers, log: Log) -> StageReport:
    """Draws pages, masks and layouts of all accepted records whose shard is not current.

    In a shard that is made again, pages with unchanged record and style are kept.

    Args:
        root: holds the index and the records.
        config: the styles.
        workers: processes, or an engine; the pages do not depend on it.
        log: receives a line per shard.

    Raises:
        IndexMissingError: `raw_csvs` was not materialised.
        NoGridError: the user's paper has no grid.
    """
    planned = plan_pages(root, config)
    note_settings(root.wave_images, config.model_dump())
    return run_stage(STAGE, root.wave_images, root.path, planned, workers, log, beside=(root.wave_masks,))


def plan_pages(root: DataRoot, config: PagesConfig) -> list[PageShard]:
    """Each shard of pages, with its inputs.

    Raises:
        IndexMissingError: `raw_csvs` was not materialised.
    """
    columns = ["fs_hz", "sha256", *PROVENANCE]
    index, config_parts, looks = accepted_records(root, ["shard", *columns, "code"]), look_of(config), _looks(config)
    noted = index.loc[index["code"].notna(), ["id", "code"]].itertuples(index=False)
    off_zero = frozenset(str(row.id) for row in noted if "dc_offset" in codes_in(row.code))
    tasks = []
    for shard in range(root.shards):
        rows = index.loc[index["shard"] == shard, ["id", *columns]]
        held: dict[str, list[Any]] = {str(name): values.tolist() for name, values in rows.items()}
        inputs = dict(zip(held["id"], fingerprints_of_rows(held), strict=True))
        shifted = off_zero & inputs.keys()
        made_from = MadeFrom(
            code_version=CODE_VERSION,
            config=config_parts,
            # The inputs, and so the pages, of all other records are unchanged.
            inputs=inputs | {one: fingerprint(inputs[one], OFF_ZERO) for one in shifted},
            settings=config.model_dump(),
        )
        tasks.append(PageShard(root, shard, made_from, held, config, looks, shifted))
    return tasks


def _looks(config: PagesConfig) -> dict[str, str]:
    """By the paper's name in `StyledPapers`: the hash of all that determines a page on it, except the record."""
    own = _own_files(config)
    return {
        name if config.grid_png is None else f"{OWN}-{name}": fingerprint(name, config.seed, _said(style), own)
        for name, (style, _) in styles_of(config.styles).items()
    }


def _said(style: PageStyle) -> str:
    return fingerprint([fingerprint_fields(model) for model in (style, style.leads, style.grid_lines)])


def _own_files(config: PagesConfig) -> dict[str, str]:
    paths = {"grid_png": config.grid_png, "grid_mask_png": config.grid_mask_png}
    return {name: sha256_file(Path(path)) for name, path in paths.items() if path}
