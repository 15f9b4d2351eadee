"""Writes the reading benchmark's report as one self-contained HTML file."""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path

from ecg_assets.digitize.benchmark.page_score import CONFIDENCE_EDGES, RIGHT_WITHIN_MV
from ecg_assets.digitize.benchmark.scorecard import (
    Card,
    Group,
    layout_is_right,
    lead_scores,
    median_db,
    score_of,
    sure_of,
)
from ecg_assets.training.evaluation.html_report import Picture, Row, Section, write_report

WORST = 10
_SCORE = (
    "score: the competition's, in dB: 10 log10 of the mean ratio, a page's ratio at most 384 (25.84 dB), 0 when it is "
    "refused. Median: of the pages' own SNR, without that cap. A shift of up to 0.2 s and an offset of each lead are "
    "forgiven."
)


def write_digitization_report(path: Path, card: Card, pictures: Mapping[str, Path]) -> None:
    """Writes the report atomically.

    Args:
        path: the HTML file.
        card: the scores.
        pictures: each page's picture by name; the report shows the worst ten.
    """
    facts = {
        "pages": len(card.pages),
        "records": len({page.record_id for page in card.pages.values()}),
        "refused": sum(page.refused is not None for page in card.pages.values()),
        "version of the reader": card.version[:12],
    }
    sections = [
        Section("By degradation", _SCORE, group_rows(card, "recipe")),
        Section("By layout", rows=group_rows(card, "layout")),
        Section("Degradation and layout", "Score in dB.", cross_rows(card)),
        Section("By lead", "Score of each lead alone, in dB.", lead_rows(card)),
        Section("Confidence", _confidence_note(), sure_rows(card)),
        _gallery(card, pictures),
    ]
    write_report(path, "How well pages are read", facts, sections)


def group_rows(card: Card, by: Group) -> list[Row]:
    """One row per recipe, layout or style."""
    return [
        {
            by: name,
            "pages": len(pages),
            "refused": sum(page.refused is not None for page in pages),
            "layout right": sum(layout_is_right(page) for page in pages),
            "score, dB": decibel(score_of(pages)),
            "median, dB": decibel(median_db(pages)),
            "lowest, dB": decibel(min(page.db for page in pages)),
        }
        for name, pages in card.grouped(by).items()
    ]


def cross_rows(card: Card) -> list[Row]:
    """One row per recipe, one column per layout."""
    names = list(card.grouped("layout"))
    rows: list[Row] = []
    for recipe, pages in card.grouped("recipe").items():
        cells = {name: [page for page in pages if page.layout == name] for name in names}
        rows.append({"recipe": recipe} | {name: decibel(score_of(own)) if own else None for name, own in cells.items()})
    return rows


def lead_rows(card: Card) -> list[Row]:
    """One row per recipe, one column per lead."""
    return [{"recipe": recipe, **_decibels(lead_scores(pages))} for recipe, pages in card.grouped("recipe").items()]


def sure_rows(card: Card) -> list[Row]:
    """One row per recipe and confidence bin: the number of samples and the share that is correct."""
    upper = [*CONFIDENCE_EDGES[1:], 1.0]
    return [
        {
            "recipe": recipe,
            "confidence": f"{low:g} to {high:g}",
            "samples": one.samples,
            f"within {RIGHT_WITHIN_MV:g} mV": one.right / one.samples,
        }
        for recipe, pages in card.grouped("recipe").items()
        for low, high, one in zip(CONFIDENCE_EDGES, upper, sure_of(pages), strict=True)
        if one.samples
    ]


def decibel(value: float) -> str:
    """Two decimals; words where the value is missing or infinite."""
    if math.isfinite(value):
        return f"{value:.2f}"
    return "no error" if value > 0 else "no signal"


def _decibels(values: Mapping[str, float | None]) -> dict[str, str | None]:
    return {name: None if value is None else decibel(value) for name, value in values.items()}


def _confidence_note() -> str:
    return (
        f"Samples by the reader's confidence, and the share of them within {RIGHT_WITHIN_MV:g} mV of the printed "
        "signal, after each lead's shift and offset are removed. Of samples with confidence 0.9, 9 of 10 should be "
        "correct."
    )


def _gallery(card: Card, pictures: Mapping[str, Path]) -> Section:
    shown: Sequence[Picture] = [
        Picture(f"{place}. {name}: {card.pages[name].refused or decibel(card.pages[name].db) + ' dB'}",
                pictures[name].read_bytes())
        for place, name in enumerate(card.worst[:WORST], 1)
    ]  # fmt: skip
    note = "The picture with the recovered traces, and the lead that was read worst; a refused one with the reason."
    return Section("The worst pages", note, pictures=shown)
