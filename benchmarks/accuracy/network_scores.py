"""What a segmentation network reaches: `python -m benchmarks.accuracy.network_scores WEIGHTS [--peer-renders FOLDER]`.

Prints the tables of the model card: the test split of the data root's dataset (ECG_ASSETS_DATA), by recipe, and pages
of another generator, `*-0.png` beside `*-0_tracemask.png`, as `predict` reads them.
"""

from pathlib import Path

import click
import cv2
import numpy as np

from ecg_assets.pages.classes import WAVE
from ecg_assets.samples.classes import CLASSES
from ecg_assets.scans.segment import Segmenter
from ecg_assets.store.root import open_root
from ecg_assets.training.evaluation.boundary_f_score import near_matches
from ecg_assets.training.evaluation.counts import Tally, divided, summed
from ecg_assets.training.evaluation.evaluate import evaluate

_BATCH = 4
_LINES = ("horizontal", "vertical", "wave")
# The other generator's masks call its separators trace: solid bars of at least this size in pixels, as no trace is.
_BAR, _AROUND_BAR = np.ones((30, 4), np.uint8), np.ones((5, 5), np.uint8)


@click.command()
@click.argument("weights", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--limit", type=int, default=None, help="At most so many samples, evenly spread; all of them without it.")
@click.option("--peer-renders", type=click.Path(exists=True, file_okay=False, path_type=Path), default=None)
def main(weights: Path, limit: int | None, peer_renders: Path | None) -> None:
    """Score WEIGHTS on the test split, and on another generator's pages."""
    cells = evaluate(open_root(), weights, "test", _BATCH, lambda line: click.echo(line, err=True), limit).cells
    by_recipe = divided(cells, "recipe")
    degraded = summed(tally for recipe, tally in by_recipe.items() if recipe != "clean")
    dice = " | ".join(f"Dice {name}" for name in CLASSES[1:])
    click.echo(f"| recipe | samples | {dice} | F 1 px h | v | wave | crossings within 3 px, F |")
    click.echo("|---" * (len(CLASSES) + 5) + "|")
    for name, tally in [*by_recipe.items(), ("all but clean", degraded)]:
        click.echo(_row(name, tally))
    three = summed(by_recipe.values()).three_class_dice
    click.echo("three classes, Dice: " + ", ".join(f"{name} {value:.3f}" for name, value in three.items() if value))
    for path in sorted(peer_renders.glob("*-0.png")) if peer_renders else []:
        click.echo(_peer_line(Segmenter.load(weights), path))


def _row(name: str, tally: Tally) -> str:
    near = tally.near_f(1)
    numbers = [*(tally.scores.dice[one] for one in CLASSES[1:]), *(near[one] for one in _LINES), tally.intersections.f]
    return f"| {name} | {tally.samples} | " + " | ".join(f"{number:.3f}" for number in map(_told, numbers)) + " |"


def _told(number: float | None) -> float:
    return float("nan") if number is None else number


def _peer_line(segmenter: Segmenter, path: Path) -> str:
    truth = cv2.imread(str(path.with_name(f"{path.stem}_tracemask.png")), cv2.IMREAD_GRAYSCALE)
    if truth is None:
        raise click.ClickException(f"{path.stem}_tracemask.png is not there beside {path}")
    truth_hw = (truth > 0).view(np.uint8)
    judged = 1 - cv2.dilate(cv2.morphologyEx(truth_hw, cv2.MORPH_OPEN, _BAR), _AROUND_BAR)
    seen_hw = (segmenter.segment(path).mask_hw == WAVE).view(np.uint8)
    matches = near_matches(truth_hw * judged, seen_hw * judged, 1)
    precision, recall, f = map(_told, (matches.precision, matches.recall, matches.f))
    blanked = float(truth_hw[judged == 0].sum() / truth_hw.sum())
    scores = f"wave F within 1 px {f:.3f}, precision {precision:.3f}, recall {recall:.3f}"
    return f"{path.name}: {scores} ({blanked:.0%} of the mask are separators, left out)"


if __name__ == "__main__":
    main()
