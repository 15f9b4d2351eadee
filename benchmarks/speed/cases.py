"""What is measured: each case gives rows of a table, name, value and the aim."""

import functools
import itertools
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from multiprocessing import get_context
from pathlib import Path

import numpy as np

from benchmarks.measure import in_turns
from benchmarks.peak import peak_mib
from benchmarks.speed.naive_page import GRIDS, NaivePage
from ecg_assets.pages.camera.framing import square, whole_page
from ecg_assets.pages.camera.recipe import recipe_named, throw
from ecg_assets.pages.camera.sheet import sheet_of
from ecg_assets.pages.config import PagesConfig
from ecg_assets.pages.layout.plan import plan_page
from ecg_assets.pages.paper.papers import StyledPapers
from ecg_assets.pages.raster.png import encode
from ecg_assets.pages.stage import build_papers, render_pages
from ecg_assets.pages.style.style_mix import read_styles
from ecg_assets.pages.upright.page import render_page
from ecg_assets.records.index import accepted_records
from ecg_assets.records.ingest import load_record
from ecg_assets.records.record import Record
from ecg_assets.samples.config import SamplesConfig
from ecg_assets.samples.reader import SampleReader
from ecg_assets.samples.stage import build_dataset
from ecg_assets.store.root import DataRoot, open_root

Row = tuple[str, str, str]
_IN_A_TURN = 12
# What a naive page costs beside ecg-image-kit's plain one, on one and the same machine; that one is not run here.
_OF_KIT = 0.62
STYLE = read_styles().styles["kaggle"]


def _quiet(_: str) -> None:
    pass


def _next_of(records: list[Record]) -> Callable[[], Record]:
    turns = itertools.cycle(records)
    return lambda: next(turns)


def clean_and_degraded(records: list[Record], rounds: int) -> list[Row]:
    """A page and its 5-class mask, clean and through the recipe `photo`, against matplotlib's."""
    naives = {kind: NaivePage(plan_page(records[0], "kaggle", STYLE, 0), kind) for kind in GRIDS}
    feeds = [_next_of(records) for _ in range(4)]
    rng = np.random.default_rng(0)

    def plain(kind: str) -> None:
        record = feeds[GRIDS.index(kind)]()
        naives[kind].draw(plan_page(record, "kaggle", STYLE, 0), record)

    def ours() -> None:
        record = feeds[2]()
        page = render_page(plan_page(record, "kaggle", STYLE, 0), record)
        encode(page.index_hw, page.palette, STYLE.dpi)
        encode(page.classes_hw, dpi=STYLE.dpi)

    def photo() -> None:
        record = feeds[3]()
        sheet = sheet_of(plan_page(record, "kaggle", STYLE, 0), record)
        whole_page(sheet, throw("photo", recipe_named("photo"), rng), rng)

    ways = {kind: functools.partial(plain, kind) for kind in GRIDS}
    times = in_turns({**ways, "page": ours, "photo": photo}, rounds, calls=_IN_A_TURN)
    page_s, photo_s = times["page"].median_s, times["photo"].median_s
    rows = [
        ("record to page PNG and mask PNG", f"{page_s * 1e3:.1f} ms", ""),
        ("photo of a page with its mask, 2200 x 1700", f"{photo_s * 1e3:.0f} ms", ""),
    ]
    for kind in GRIDS:
        naive_s = times[kind].median_s
        rows += [
            (f"naive matplotlib page and mask, grid as {kind}", f"{naive_s * 1e3:.0f} ms", "baseline"),
            ("... times slower than ours", f"{naive_s / page_s:.1f}", "at least 45"),
            (
                "... ecg-image-kit's page (1 / 0.62 of this), times slower",
                f"{naive_s / page_s / _OF_KIT:.1f}",
                "",
            ),
            ("... our photo's CPU as a share of this page's", f"{photo_s / naive_s:.2f}", "at most 0.3"),
        ]
    return rows


def samples(records: list[Record], rounds: int) -> list[Row]:
    """Squares of 512 px through all recipes, weighted as a dataset's."""
    sheets = [sheet_of(plan_page(record, "kaggle", STYLE, 0), record) for record in records[:4]]
    names = [name for name in SamplesConfig().recipes if name != "clean"]
    rng = np.random.default_rng(0)

    def one_of_each() -> None:
        for name in names:
            sheet = sheets[int(rng.integers(len(sheets)))]
            square(sheet, throw(name, recipe_named(name), rng), 512, rng)

    taken = in_turns({"squares": one_of_each}, rounds)["squares"].median_s / len(names)
    return [("degraded 512 px samples a second and core", f"{1 / taken:.0f}", "at least 30")]


def reading(root: DataRoot, rounds: int) -> list[Row]:
    """A sample's bytes out of the mapped dataset, against a copy of the same bytes from mapped storage."""
    build_dataset(root, SamplesConfig(recipes={"clean": 1}), 1, _quiet)
    reader = SampleReader(root.dataset, None)
    flat = Path(root.path) / "flat.bin"
    order = np.random.default_rng(0).permutation(len(reader))[:200]
    chosen = [reader[int(number)] for number in order]
    bytes_each = chosen[0].image_hwc.size + chosen[0].mask_hw.size
    with flat.open("wb") as file:
        for sample in chosen:
            file.write(sample.image_hwc.tobytes() + sample.mask_hw.tobytes())
    mapped = np.memmap(flat, dtype=np.uint8, mode="r").reshape(-1, bytes_each)

    def copy() -> None:
        for row in range(len(order)):
            np.array(mapped[row])

    def read() -> None:
        for number in order:
            sample = reader[int(number)]
            np.array(sample.image_hwc)
            np.array(sample.mask_hw)

    times = in_turns({"copy": copy, "read": read}, rounds)
    ratio = times["read"].median_s / times["copy"].median_s
    return [("reading a sample, times a copy of its bytes", f"{ratio:.2f}", "at most 3")]


def memory(folder: Path, pages: int) -> list[Row]:
    """Peak memory of a process that draws pages in the default mix of styles: after 100 of them, and after all."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as fresh:
        few, many = fresh.submit(_peaks_mib, folder, (100, pages)).result()
    return [
        (f"peak memory after {pages:,} pages against 100", f"{many / few:.2f}", "at most 1.2"),
        ("... after 100 pages", f"{few:.0f} MiB", ""),
    ]


def _peaks_mib(folder: Path, counts: tuple[int, ...]) -> list[float]:
    root = open_root(folder)
    rows = accepted_records(root).head(60).itertuples()
    records = [load_record(root, str(row.id), int(str(row.fs_hz))) for row in rows]
    papers, peaks = StyledPapers(PagesConfig()), []
    for number in range(max(counts)):
        record = replace(records[number % len(records)], id=str(number))
        styled = papers[papers.name_for(record.id)]
        page = render_page(plan_page(record, styled.name, styled.style, 0), record)
        encode(page.index_hw, page.palette)
        encode(page.classes_hw)
        if number + 1 in counts:
            peaks.append(peak_mib())
    return peaks


def workers(root: DataRoot, rounds: int) -> list[Row]:
    """The stage that draws pages, with one worker process and with two; wall time, so only true on an idle machine."""
    seeds = itertools.count()

    def run(count: int) -> None:
        # Another seed makes every shard out of date.
        config = PagesConfig(styles="kaggle", seed=next(seeds))
        build_papers(root, config, _quiet)
        render_pages(root, config, count, _quiet)

    times = in_turns({"1": lambda: run(1), "2": lambda: run(2)}, rounds, time.perf_counter)
    ratio = times["1"].median_s / times["2"].median_s
    return [("2 workers against 1, pages a second (wall time)", f"{ratio:.2f}", "at least 1.8")]
