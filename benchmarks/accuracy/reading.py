"""How well pages of known signal are read, where the time goes, and how much memory it takes.

    python -m benchmarks.accuracy.reading data_root flat_pages --records 8
    python -m benchmarks.accuracy.reading data_root flat_pages --records 4 --style kaggle --style grey-6x2 \
        --style twelve-rows --recipe clean --recipe scan --whole

Pages laid flat, and what the networks say of them, are kept in the second folder: reading them again with another
decoder takes a few seconds a page. New weights are asked anew; after a change to how pages are drawn, take another one.
Files there hold arrays and JSON, never pickles.
"""

import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import Any

import click
import numpy as np
import numpy.typing as npt

from benchmarks.peak import peak_mib
from ecg_assets.digitize.benchmark.html_report import group_rows, sure_rows
from ecg_assets.digitize.benchmark.page_score import PageScore, page_score, refused_page
from ecg_assets.digitize.benchmark.rendered_pages import RECIPES, Trial, draw_trial, judged_records, records_of_split
from ecg_assets.digitize.benchmark.scorecard import Card
from ecg_assets.digitize.digitizer import Digitizer
from ecg_assets.digitize.rectification.canvas import Canvas, flat_canvas
from ecg_assets.digitize.rectification.flat_page import FlatPage, lay_flat
from ecg_assets.digitize.rectification.surface import Surface
from ecg_assets.digitize.refusal import NotAnEcgError
from ecg_assets.digitize.trace_network.network import WaveNetwork
from ecg_assets.scans.image import UprightPage
from ecg_assets.scans.segment import Segmenter
from ecg_assets.store.root import open_root
from ecg_assets.weights import SEGMENTATION, WAVE, weights_path

_LEVELS = 255
Seconds = dict[str, float]


@dataclass(frozen=True)
class _Kept:
    """A page laid flat, or why it was refused; the canvas is made again, and the trace has a file of its own."""

    trial: Trial
    flat: FlatPage | None
    rough_hw: npt.NDArray[np.uint8] | None = field(repr=False)
    refused: str | None
    seconds: Seconds


class _Pages:
    """Draws, flattens and keeps pages."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._segmenter = Segmenter.load(weights_path(SEGMENTATION))
        self._wave = WaveNetwork.load(weights_path(WAVE))
        self._grid_of, self._wave_of = (_sha(weights_path(name)) for name in (SEGMENTATION, WAVE))

    def get(self, name: str, draw: Callable[[], Trial]) -> tuple[_Kept, FlatPage | None, Seconds]:
        """What is kept of a page, the flat page with its trace, and the CPU seconds that each step took when it ran."""
        path, trial = self._folder / f"{name}-{self._grid_of}.npz", draw()
        if not path.exists():
            self._lay_flat(trial, path)
        kept = _kept(path, trial)
        if kept.flat is None or kept.rough_hw is None:
            return kept, None, kept.seconds
        flat = replace(kept.flat, canvas=flat_canvas(kept.flat.surface, kept.flat.page.image_hwc.shape[:2]))
        traced = path.with_name(f"{path.stem}-{self._wave_of}.npz")
        if not traced.exists():
            begin = time.process_time()
            trace = self._wave.trace(flat.image_hwc, kept.rough_hw.astype(np.float32) / np.float32(_LEVELS))
            shown = _levels(np.where(flat.shown_hw, trace, 0))
            _write(traced, {"seconds": time.process_time() - begin}, wave_hw=shown)
        facts, arrays = _load(traced)
        flat = replace(flat, wave_hw=arrays["wave_hw"].astype(np.float32) / np.float32(_LEVELS))
        return kept, flat, {**kept.seconds, "trace: the second network": facts["seconds"]}

    def _lay_flat(self, trial: Trial, path: Path) -> None:
        begin = time.process_time()
        try:
            flat = lay_flat(trial.picture_hwc, self._segmenter)
        except NotAnEcgError as error:
            _write(path, {"refused": str(error)})
            return
        seconds = {"turn, scale, grid: the first network; paper": time.process_time() - begin}
        page, surface = flat.page, flat.surface
        facts = {
            "seconds": seconds,
            "page": {"quarter_turns": page.quarter_turns, "scale": page.scale, "file_shape": page.file_shape},
            "surface": {"margin": surface.margin, "found": surface.found, "rms_px": surface.rms_px},
            "flat": {"turn_confidence": flat.turn_confidence, "assumed": flat.assumed},
        }
        _write(
            path,
            facts,
            page_hwc=page.image_hwc,
            x_px=surface.x_px,
            y_px=surface.y_px,
            known=surface.known,
            image_hwc=flat.image_hwc,
            shown_hw=flat.shown_hw,
            rough_hw=_levels(flat.wave_hw),
        )


def _kept(path: Path, trial: Trial) -> _Kept:
    facts, arrays = _load(path)
    if "refused" in facts:
        return _Kept(trial, None, None, facts["refused"], {})
    nothing = np.empty((0, 0), np.float32)
    page, told = facts["page"], facts["flat"]
    flat = FlatPage(
        page=UprightPage(arrays["page_hwc"], page["quarter_turns"], page["scale"], tuple(page["file_shape"])),
        surface=Surface(arrays["x_px"], arrays["y_px"], known=arrays["known"], **facts["surface"]),
        canvas=Canvas(nothing, nothing),
        image_hwc=arrays["image_hwc"],
        wave_hw=nothing,
        shown_hw=arrays["shown_hw"],
        turn_confidence=told["turn_confidence"],
        assumed=tuple(told["assumed"]),
    )
    return _Kept(trial, flat, arrays["rough_hw"], None, facts["seconds"])


def _sha(path: Path) -> str:
    return sha256(path.read_bytes()).hexdigest()[:8]


def _levels(wave_hw: npt.NDArray[np.float32]) -> npt.NDArray[np.uint8]:
    return np.rint(wave_hw * _LEVELS).astype(np.uint8)


def _write(path: Path, facts: dict[str, Any], **arrays: npt.NDArray[Any]) -> None:
    """Keeps arrays, and facts that JSON can say; no pickle, which whoever puts a file there could run."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".tmp-{path.name}")
    told = np.frombuffer(json.dumps(facts).encode("utf-8"), np.uint8)
    np.savez(temporary, allow_pickle=False, facts=told, **arrays)
    temporary.replace(path)


def _load(path: Path) -> tuple[dict[str, Any], dict[str, npt.NDArray[Any]]]:
    with np.load(path, allow_pickle=False) as held:
        arrays = {name: held[name] for name in held.files}
    return json.loads(arrays.pop("facts").tobytes()), arrays


def _wanted(
    root: Path, records: int, recipes: Sequence[str], styles: Sequence[str], whole: bool
) -> Iterator[tuple[str, Callable[[], Trial]]]:
    for style in styles:
        judged = records_of_split("test", records) if whole else judged_records(open_root(root), style, records)
        for record in judged:
            for recipe in recipes:
                yield f"{record.id}-{style}-{recipe}", partial(draw_trial, record, recipe, style)


def _read(kept: _Kept, flat: FlatPage | None, seconds: Seconds) -> tuple[PageScore, Seconds]:
    if flat is None:
        return refused_page(kept.trial, str(kept.refused)), seconds
    reader, begin = Digitizer(Segmenter(_nobody, 5)), time.process_time()
    try:
        found = reader.digitize_flat(flat, kept.trial.record.fs_hz)
    except NotAnEcgError as error:
        return refused_page(kept.trial, str(error)), seconds
    decoded = time.process_time()
    found.check_png()
    seconds = seconds | {"rows, paths, lines, signal": decoded - begin, "check": time.process_time() - decoded}
    return page_score(kept.trial, found), seconds


def _nobody(tiles: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
    raise AssertionError("the page is flat already")


def _table(rows: Sequence[Mapping[str, object]]) -> str:
    lines = ["| " + " | ".join(rows[0]) + " |", "|" + "---|" * len(rows[0])]
    return "\n".join([*lines, *("| " + " | ".join(map(str, row.values())) + " |" for row in rows)])


@click.command(help=__doc__)
@click.argument("root", type=click.Path(path_type=Path))
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--records", default=8, show_default=True, help="Test records for each style.")
@click.option("--recipe", "recipes", multiple=True, default=RECIPES, show_default=True)
@click.option("--style", "styles", multiple=True, default=("kaggle",), show_default=True)
@click.option("--whole", is_flag=True, help="Synthetic records that fill every layout, the same for each style.")
def main(root: Path, folder: Path, records: int, recipes: Sequence[str], styles: Sequence[str], whole: bool) -> None:
    """Prints tables."""
    pages = _Pages(folder)
    scores: dict[str, PageScore] = {}
    taken: list[Seconds] = []
    for name, draw in _wanted(root, records, recipes, styles, whole):
        scores[name], seconds = _read(*pages.get(name, draw))
        taken.append(seconds)
        page = scores[name]
        click.echo(f"{name}: {page.refused or f'{page.db:.1f} dB'}", err=True)
    card = Card(version="now", pages=scores)
    for rows in (group_rows(card, "recipe"), group_rows(card, "style"), sure_rows(card)):
        click.echo(_table(rows) + "\n")
    steps = list(dict.fromkeys(step for seconds in taken for step in seconds))
    means = [{"step": step, "CPU s a page": f"{np.mean([s[step] for s in taken if step in s]):.1f}"} for step in steps]
    click.echo(_table(means) + "\n")
    click.echo(f"peak memory {peak_mib() / 1024:.2f} GiB")


if __name__ == "__main__":
    main()
