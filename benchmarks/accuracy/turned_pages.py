"""How many pages are seen the right way up: `python -m benchmarks.accuracy.turned_pages [--pages 100] [--upside-down]`.

Pages of the test split's records in a data root (ECG_ASSETS_DATA), in the default mix of styles and through the frozen
test recipes, as many of each. Of each recipe's pages every second one stands upright, the others are turned by a
quarter, a half and three quarters in turns, or all by a half. Each is judged as `predict` judges it, with the weights
that come with the package.
"""

from collections import Counter
from itertools import cycle, islice

import click
import numpy as np
import numpy.typing as npt

from ecg_assets.pages.camera.framing import whole_page
from ecg_assets.pages.camera.recipe import TEST_TABLE, recipe_named, throw
from ecg_assets.pages.camera.sheet import sheet_of
from ecg_assets.pages.config import PagesConfig
from ecg_assets.pages.layout.plan import plan_page
from ecg_assets.pages.paper.papers import StyledPapers
from ecg_assets.records.index import accepted_records
from ecg_assets.records.ingest import load_record
from ecg_assets.records.record import Record
from ecg_assets.scans.image import page_of, page_scale
from ecg_assets.scans.orientation.detect import quarter_turns
from ecg_assets.store.root import DataRoot, open_root

RECIPES = ("clean", "scan", "photo", "screen", "damaged")


@click.command()
@click.option("--pages", default=100, show_default=True, type=click.IntRange(min=len(RECIPES)))
@click.option("--seed", default=0, show_default=True, type=click.IntRange(min=0))
@click.option("--upside-down", is_flag=True, help="Turn by a half only, which the picture's shape tells nothing of.")
def main(pages: int, seed: int, upside_down: bool) -> None:
    """Count the pages that are judged right."""
    right: Counter[str] = Counter()
    drawn: Counter[str] = Counter()
    turned = (2,) if upside_down else (1, 2, 3)
    for number, record in enumerate(islice(cycle(_held_out(open_root(), pages)), pages)):
        recipe, round_ = RECIPES[number % len(RECIPES)], number // len(RECIPES)
        turn = turned[round_ // 2 % len(turned)] if round_ % 2 else 0
        image_hwc = np.ascontiguousarray(np.rot90(_pictured(record, recipe, number, seed), turn))
        found, sure = quarter_turns(page_of(image_hwc, 0, page_scale(image_hwc)).image_hwc)
        drawn[recipe] += 1
        right[recipe] += found == -turn % 4
        if found != -turn % 4:
            stood = "upright" if turn == 0 else f"turned by {turn} quarters"
            click.echo(f"record {record.id}, {recipe}, {stood}: judged wrong, {sure:.2f} sure")
    click.echo(", ".join(f"{recipe} {right[recipe]} of {drawn[recipe]}" for recipe in RECIPES))
    click.echo(f"{right.total()} of {drawn.total()} pages are seen the right way up")


def _held_out(root: DataRoot, count: int) -> list[Record]:
    """Up to `count` records of the test split, evenly spread."""
    rows = accepted_records(root)
    rows = rows[rows["split"] == "test"]
    if rows.empty:
        raise click.ClickException(f"{root.path} holds no record of the test split")
    chosen = rows.iloc[np.linspace(0, len(rows) - 1, min(count, len(rows))).round().astype(int)]
    return [load_record(root, str(row.id), int(str(row.fs_hz))) for row in chosen.itertuples()]


def _pictured(record: Record, recipe: str, number: int, seed: int) -> npt.NDArray[np.uint8]:
    """(h, w, 3) uint8 of the record's whole page, upright."""
    config, rng = PagesConfig(seed=seed), np.random.default_rng([seed, number])
    papers = StyledPapers(config)
    styled = papers[papers.name_for(record.id)]
    sheet = sheet_of(plan_page(record, styled.name, styled.style, seed), record)
    image_hwc: npt.NDArray[np.uint8] = whole_page(
        sheet, throw(recipe, recipe_named(recipe, TEST_TABLE), rng), rng
    ).image_hwc
    return image_hwc


if __name__ == "__main__":
    main()
