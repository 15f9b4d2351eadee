"""Digitises pages with known signals and stores each page's score and preview."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from ecg_assets.digitize.benchmark.config import JudgeConfig
from ecg_assets.digitize.benchmark.page_image import page_picture, refused_picture
from ecg_assets.digitize.benchmark.page_score import PageScore, page_score, refused_page
from ecg_assets.digitize.benchmark.rendered_pages import draw_trial, judged_records
from ecg_assets.digitize.interface import Reader
from ecg_assets.digitize.refusal import NotAnEcgError
from ecg_assets.pages.camera.recipe import TEST_TABLE, recipe_named
from ecg_assets.pages.style.style_mix import read_styles
from ecg_assets.records.record import Record
from ecg_assets.store.config_fields import fingerprint_fields
from ecg_assets.store.fingerprint import fingerprint, sha256_bytes
from ecg_assets.store.log import Log
from ecg_assets.store.root import DataRoot
from ecg_assets.store.stages.per_item import EachReport, run_each

STAGE = "digitization_report"


@dataclass(frozen=True)
class Judged:
    """All pages.

    Attributes:
        each: what was read in this run.
        pages: name -> score.
        pictures: name -> a preview of the page with its recovered traces.
    """

    each: EachReport
    pages: dict[str, PageScore] = field(repr=False)
    pictures: dict[str, Path] = field(repr=False)


def results(root: DataRoot) -> Path:
    """The folder of the report, the scores and the previews."""
    return root.scans / "digitization"


def report_path(root: DataRoot) -> Path:
    """Where the report lies."""
    return results(root) / "index.html"


def scores_path(root: DataRoot) -> Path:
    """Where the scores of all pages lie."""
    return results(root) / "scores.json"


def judge(root: DataRoot, config: JudgeConfig, load: Callable[[], Reader], version: str, log: Log) -> Judged:
    """Draws, reads and scores each page; skips pages that this version has already read.

    Args:
        root: holds the records.
        config: which pages.
        load: returns the reader; called only if a page has to be read.
        version: the reader's version; readers of equal version give equal results.
        log: receives a line for each page.

    Raises:
        IndexMissingError: `raw_csvs` was not materialised.
    """
    pages = {
        f"{record.id}-{style}-{recipe}": (record, style, recipe)
        for style in config.styles
        for record in judged_records(root, style, config.records)
        for recipe in config.recipes
    }
    load_once = cache(load)
    tasks = {
        name: _Page(*page, config.seed, _picture(root, name), _fingerprint(*page, config.seed, version), load_once)
        for name, page in pages.items()
    }
    each = run_each(STAGE, results(root), root, tasks, log)
    scores = {name: PageScore.model_validate(one.info) for name, one in each.manifests.items()}
    return Judged(each, scores, {name: _picture(root, name) for name in scores})


@dataclass(frozen=True)
class _Page:
    """Draws, reads and scores one page."""

    record: Record
    style: str
    recipe: str
    seed: int
    picture: Path
    fingerprint: str
    load: Callable[[], Reader]

    def make(self) -> tuple[dict[Path, bytes], dict[str, Any]]:
        """Its score and picture; see `ItemTask`."""
        trial = draw_trial(self.record, self.recipe, self.style, self.seed)
        try:
            reading = self.load().digitize_image(trial.picture_hwc, self.record.fs_hz)
        except NotAnEcgError as error:
            score, picture = refused_page(trial, str(error)), refused_picture(trial)
        else:
            score, picture = page_score(trial, reading), page_picture(trial, reading)
        return {self.picture: picture}, score.model_dump(mode="json")


def _picture(root: DataRoot, name: str) -> Path:
    return results(root) / "pages" / f"{name}.png"


def _fingerprint(record: Record, style: str, recipe: str, seed: int, version: str) -> str:
    look = fingerprint_fields(read_styles().styles[style])
    degraded = fingerprint_fields(recipe_named(recipe, TEST_TABLE))
    return fingerprint(version, look, degraded, seed, record.id, record.fs_hz, sha256_bytes(record.signal_mv.tobytes()))
