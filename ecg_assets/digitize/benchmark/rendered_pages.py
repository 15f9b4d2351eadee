"""Renders pictures of pages whose signal is known, for the reading benchmark.

for trial in trials(records_of_split("validation", 8), recipes=["photo"]):
    found = digitizer.digitize_image(trial.picture_hwc, trial.record.fs_hz)
    print(trial.name, record_db(trial.truth_mv, found.signal_mv, trial.record.fs_hz))
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from ecg_assets.pages.camera.framing import whole_page
from ecg_assets.pages.camera.picture import Image, Mask, Picture
from ecg_assets.pages.camera.recipe import CLEAN, TABLE, TEST_TABLE, recipe_named, throw
from ecg_assets.pages.camera.sheet import sheet_of
from ecg_assets.pages.layout.panels import FIRST_COLUMN_MM
from ecg_assets.pages.layout.plan import PagePlan, plan_page
from ecg_assets.pages.style.style_mix import read_styles
from ecg_assets.pages.upright.page import render_page
from ecg_assets.records.index import accepted_records
from ecg_assets.records.ingest import load_record
from ecg_assets.records.record import LEADS, SAMPLING_RATES_HZ, Record
from ecg_assets.records.synthetic.ecg import synthesize
from ecg_assets.records.synthetic.folder import FIRST_ID
from ecg_assets.store.rng import rng_for
from ecg_assets.store.root import DataRoot
from ecg_assets.store.splits import Split, split_of

RECIPES: tuple[str, ...] = (CLEAN, "scan", "photo", "screen", "damaged")
# One style for each of the layouts 3x4, 6x2 and 12x1.
STYLES: tuple[str, ...] = ("kaggle", "grey-6x2", "twelve-rows")

Signal = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Trial:
    """A picture of a page and its printed signal.

    Attributes:
        record: the whole record.
        recipe, style, layout: names of the picture's recipe, the page's style and its layout.
        picture_hwc: (h, w, 3) uint8 RGB.
        mask_hw: (h, w) uint8, classes 0 to 4 of the whole picture.
        truth_mv: (12, n) float32, the signal as printed, n = 10 * fs_hz; NaN where nothing is printed.
        plan: what stands where on the upright page.
        about: scale, boxes, warp and effects of the picture, as JSON values; for `clean` the page's layout.
    """

    record: Record
    recipe: str
    style: str
    layout: str
    picture_hwc: Image = field(repr=False)
    mask_hw: Mask = field(repr=False)
    truth_mv: Signal = field(repr=False)
    plan: PagePlan = field(repr=False)
    about: dict[str, Any] = field(repr=False)

    @property
    def name(self) -> str:
        """Record, recipe and style."""
        return f"{self.record.id}-{self.recipe}-{self.style}"


def records_of_split(split: Split, count: int, seed: int = 0) -> list[Record]:
    """The first `count` synthetic records of a split, 12 whole leads of 10 s each, at all sampling rates in turn.

    The test split is for scoring only: readers are chosen on "validation".
    """
    records: list[Record] = []
    number = FIRST_ID
    while len(records) < count:
        if split_of(str(number)) == split:
            fs_hz = SAMPLING_RATES_HZ[len(records) % len(SAMPLING_RATES_HZ)]
            signal_mv = synthesize(str(number), fs_hz, seed).signal_mv.astype(np.float32)
            records.append(Record(str(number), fs_hz, signal_mv))
        number += 1
    return records


def trials(
    records: Sequence[Record], recipes: Sequence[str] = RECIPES, styles: Sequence[str] = ("kaggle",), seed: int = 0
) -> Iterator[Trial]:
    """Each record in each style through each recipe, drawn one after the other.

    Raises:
        RecipeError, StyleMixError: a recipe or style of that name does not exist.
    """
    for record in records:
        for style in styles:
            for recipe in recipes:
                yield draw_trial(record, recipe, style, seed)


def draw_trial(record: Record, recipe: str, style: str = "kaggle", seed: int = 0) -> Trial:
    """One picture; the same arguments give the same picture.

    `clean` is the page as printed, at its own resolution; all others are whole pages of 7.874 px/mm. Records of the
    test split use the frozen recipes.

    Args:
        record: has samples of at least one lead where the style prints that lead.
        recipe: a name in recipes.yaml.
        style: a name in styles.yaml.
        seed: for the pen, the header, the effects' strengths and the camera.
    """
    look = read_styles().styles[style]
    plan = plan_page(record, style, look, seed)
    if recipe == CLEAN:
        page = render_page(plan, record)
        picture = Picture(page.palette[page.index_hw], page.classes_hw, page.layout)
    else:
        rng = rng_for(seed, record.id, f"trial.{style}.{recipe}")
        table = TEST_TABLE if split_of(record.id) == "test" else TABLE
        picture = whole_page(sheet_of(plan, record), throw(recipe, recipe_named(recipe, table), rng), rng)
    truth_mv = printed_signal(plan, record)
    return Trial(record, recipe, style, look.layout, picture.image_hwc, picture.mask_hw, truth_mv, plan, picture.about)


def printed_signal(plan: PagePlan, record: Record) -> Signal:
    """(12, 10 * fs_hz) float32 mV: the part of each lead that a page shows, NaN elsewhere.

    A sample's index is its distance on paper from the first column, divided by the paper speed. At 25 mm/s that is its
    index in the record. A rhythm strip, the last of the panels, takes precedence over its lead's short panel.
    """
    printed = np.full((len(LEADS), 10 * record.fs_hz), np.nan, dtype=np.float32)
    for panel in plan.panels:
        if not panel.count:
            continue
        name = panel.lead.removeprefix("-")
        values = record.lead(name)[panel.first : panel.first + panel.count]
        begin = round((panel.x0_mm - FIRST_COLUMN_MM) / plan.style.paper_speed_mm_per_s * record.fs_hz)
        row = printed[LEADS.index(name)]
        row[begin : begin + panel.count] = values[: len(row) - begin]
    return printed


def judged_records(root: DataRoot, style: str, count: int) -> list[Record]:
    """`count` records of the test split for pages of a style.

    A record of the data root is used if it fills every panel of the style's layout: the competition's CSVs hold a
    quarter of most leads and leave most of a 6x2 page empty. Synthetic records make up the number.

    Raises:
        IndexMissingError: `raw_csvs` was not materialised.
    """
    index, look = accepted_records(root), read_styles().styles[style]
    found: list[Record] = []
    for row in index[index["split"] == "test"].itertuples():
        if len(found) == count:
            return found
        record = load_record(root, str(row.id), int(str(row.fs_hz)))
        plan = plan_page(record, style, look, 0)
        if not plan.empty_panels and not plan.partial_panels:
            found.append(record)
    held = {record.id for record in found}
    synthetic = [record for record in records_of_split("test", count + len(held)) if record.id not in held]
    return found + synthetic[: count - len(found)]
