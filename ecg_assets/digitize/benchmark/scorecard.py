"""Stores the scores of many digitised pages in one file, and groups them."""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from statistics import median
from typing import Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from ecg_assets.digitize.benchmark.page_score import CONFIDENCE_EDGES, PageScore, Sure
from ecg_assets.digitize.scoring.snr import Power, score_db
from ecg_assets.pages.style.layouts import layouts
from ecg_assets.records.record import LEADS
from ecg_assets.store.sealed import read_unsealed, write_sealed_json

# Required accuracy of samples in the top confidence bin.
TARGET_SURE = CONFIDENCE_EDGES[-1]

Group = Literal["recipe", "layout", "style"]


class CardError(ValueError):
    """The stored scores cannot be read; the message says what to do."""


class Card(BaseModel):
    """Scores of pages.

    Attributes:
        version: the reader's version.
        pages: name -> score.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    version: str
    pages: dict[str, PageScore]

    @property
    def worst(self) -> list[str]:
        """Page names, the smallest ratio first."""
        return sorted(self.pages, key=lambda name: (self.pages[name].db, name))

    def grouped(self, by: Group) -> dict[str, list[PageScore]]:
        """The pages of each recipe, layout or style, in order of first appearance."""
        found: dict[str, list[PageScore]] = {}
        for page in self.pages.values():
            found.setdefault(getattr(page, by), []).append(page)
        return found

    def below(self, targets_db: Mapping[str, float]) -> dict[str, float]:
        """Recipes whose score is below their target, with that score in dB."""
        scores = {recipe: score_of(pages) for recipe, pages in self.grouped("recipe").items()}
        return {recipe: db for recipe, db in scores.items() if recipe in targets_db and db < targets_db[recipe]}

    def overconfident(self) -> dict[str, float]:
        """Recipes whose top confidence bin is correct less often than `TARGET_SURE`, with that share."""
        sums = {recipe: sure_of(pages)[-1] for recipe, pages in self.grouped("recipe").items()}
        shares = {recipe: one.right / one.samples for recipe, one in sums.items() if one.samples}
        return {recipe: share for recipe, share in shares.items() if share < TARGET_SURE}


def score_of(pages: Iterable[PageScore]) -> float:
    """The competition's score in dB; a refused page counts as 0."""
    return score_db(page.ratio for page in pages)


def median_db(pages: Iterable[PageScore]) -> float:
    """The median page's ratio in dB, without the cap."""
    return median(page.db for page in pages)


def lead_score(pages: Iterable[PageScore], lead: str) -> float | None:
    """The score of one lead alone; None if no page that prints it was read."""
    ratios = [Power(*page.leads[lead]).ratio for page in pages if lead in page.leads]
    return score_db(ratios) if ratios else None


def lead_scores(pages: list[PageScore]) -> dict[str, float | None]:
    """`lead_score` of each lead."""
    return {lead: lead_score(pages, lead) for lead in LEADS}


def sure_of(pages: Iterable[PageScore]) -> list[Sure]:
    """Counts summed over the pages, one per confidence bin."""
    sums = [[0, 0] for _ in CONFIDENCE_EDGES]
    for page in pages:
        for place, one in enumerate(page.sure):
            sums[place][0] += one.samples
            sums[place][1] += one.right
    return [Sure(*one) for one in sums]


def layout_is_right(page: PageScore) -> bool:
    """Whether the layout that was found places the leads as the page's layout does."""
    if page.layout_read is None:
        return False
    table = layouts()
    if page.layout_read not in table:
        return page.layout_read == page.layout
    read, printed = table[page.layout_read], table[page.layout]
    return (read.columns, read.rhythm) == (printed.columns, printed.rhythm)


def write_card(path: Path, card: Card) -> None:
    """Writes it atomically."""
    write_sealed_json(path, card.model_dump(mode="json"))


def read_card(path: Path) -> Card:
    """Reads it.

    Raises:
        CardError: the file is missing or has another structure.
    """
    try:
        return Card.model_validate(json.loads(read_unsealed(path)))
    except (OSError, ValueError, ValidationError) as error:
        raise CardError(f"{path} cannot be read ({type(error).__name__}); materialise digitization_report") from error
