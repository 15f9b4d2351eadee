"""What a network still takes wrongly for wave, or misses, on clean pages.

    python -m benchmarks.accuracy.clean_errors WEIGHTS

Looks at the clean samples with a trace in the test split of a data root's dataset (ECG_ASSETS_DATA), whose pages must
be there too: their layouts tell where print stands, and their palettes how much ink lies on a pixel.
"""

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import click
import cv2
import numpy as np
import numpy.typing as npt

from ecg_assets.pages.classes import WAVE
from ecg_assets.pages.layout.calibration_pulse import pulses
from ecg_assets.pages.layout.plan import PagePlan, plan_from, separators, style_texts
from ecg_assets.pages.paths import layout_path, page_path
from ecg_assets.pages.raster.png import read_palette
from ecg_assets.pages.upright.page import INK_LEVELS
from ecg_assets.pages.upright.print import text_box
from ecg_assets.samples.classes import CLASSES
from ecg_assets.samples.reader import Sample, SampleReader
from ecg_assets.scans.tiles import Predict
from ecg_assets.scans.torch_predictor import torch_predictor
from ecg_assets.store.root import DataRoot, open_root

Flags = npt.NDArray[np.bool_]
Corners = tuple[float, float, float, float]  # left, top, right, bottom, px
_NEIGHBOURS = cv2.getStructuringElement(cv2.MORPH_CROSS, (3, 3))
_HALF_COVERED = 0.4, 0.6
_MARGIN_PX = 2
_PULSE_SHOWN_PX = 100  # of its ink: half of a pulse
_SHOWN, _TAKEN = "pulses shown", "pulses taken for wave"
_HALF = "(of those beside the trace: with 0.4 to 0.6 of a pixel under ink)"


@click.command()
@click.argument("weights", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--samples", default=120, show_default=True, type=click.IntRange(min=1), help="At most so many.")
def main(weights: Path, samples: int) -> None:
    """Count the wrong pixels of the wave by what stands there."""
    root, found, true = open_root(), Counter[str](), 0
    predict, classes = torch_predictor(weights)
    if classes != len(CLASSES):
        raise click.ClickException(f"{weights} tells {classes} classes apart, expected {len(CLASSES)}")
    chosen = list(_clean(root, samples))
    for sample in chosen:
        counts = _errors(root, predict, sample)
        found += counts
        true += int((sample.mask_hw == WAVE).sum())
        worst = ", ".join(f"{what} {count}" for what, count in counts.most_common(3))
        click.echo(f"{sample.id}: {worst}", err=True)
    shown, taken = found.pop(_SHOWN, 0), found.pop(_TAKEN, 0)
    click.echo(f"{shown} calibration pulses are shown, {taken} of them taken for wave by more than half")
    wrong = sum(count for what, count in found.items() if what != _HALF)
    click.echo(f"{len(chosen)} samples, {true} pixels of wave, {wrong} wrong ones")
    for what, count in found.most_common():
        click.echo(f"{count / wrong:6.1%}  {what}")


def _errors(root: DataRoot, predict: Predict, sample: Sample) -> Counter[str]:
    """Pixels that are wave in truth or prediction, not in both, by what stands there."""
    predicted_hw = predict(sample.image_hwc[None])[0].argmax(axis=0) == WAVE
    true_hw = sample.mask_hw == WAVE
    false_hw, missed_hw = predicted_hw & ~true_hw, true_hw & ~predicted_hw
    beside_hw = (false_hw & _widened(true_hw)) | (missed_hw & _widened(predicted_hw))
    found = Counter({"beside the trace": int(beside_hw.sum())})
    low, high = _HALF_COVERED
    covered_hw = _coverage(root, sample)
    found[_HALF] = int((beside_hw & (covered_hw >= low) & (covered_hw <= high)).sum())
    left_hw = false_hw & ~beside_hw
    for what, place in _print(root, sample):
        if what.startswith("pulse"):
            ink_hw = (covered_hw[place] >= 0.5) & ~true_hw[place]
            if ink_hw.sum() >= _PULSE_SHOWN_PX:
                found[_SHOWN] += 1
                found[_TAKEN] += int((predicted_hw[place] & ink_hw).sum() > ink_hw.sum() / 2)
        found[f"false: {what}"] += int(left_hw[place].sum())
        left_hw[place] = False
    found["false: on a line of the grid"] = int((left_hw & (sample.mask_hw > 0)).sum())
    found["false: elsewhere"] = int((left_hw & (sample.mask_hw == 0)).sum())
    found["missed: more than a pixel from any wave found"] = int((missed_hw & ~beside_hw).sum())
    return found


def _clean(root: DataRoot, count: int) -> Iterator[Sample]:
    """Up to `count` of them, evenly spread."""
    reader = SampleReader(root.dataset, "test", ("clean",))
    numbers = [number for number in range(len(reader)) if reader[number].kind == "positive"]
    for place in np.unique(np.linspace(0, len(numbers) - 1, count).round().astype(int)):
        yield reader[numbers[place]]


def _widened(bits_hw: Flags) -> Flags:
    return np.asarray(cv2.dilate(bits_hw.view(np.uint8), _NEIGHBOURS) > 0, dtype=np.bool_)


def _coverage(root: DataRoot, sample: Sample) -> npt.NDArray[np.float64]:
    """(s, s) 0 to 1: how much of each pixel lies under ink."""
    index_hw, _ = read_palette(page_path(root, sample.record_id))
    row, column, side = sample.about["row"], sample.about["column"], len(sample.mask_hw)
    cut_hw = index_hw[row : row + side, column : column + side]
    return np.asarray((cut_hw % INK_LEVELS) / (INK_LEVELS - 1), dtype=np.float64)


def _print(root: DataRoot, sample: Sample) -> Iterator[tuple[str, tuple[slice, slice]]]:
    """What is printed in the sample, and where."""
    plan = plan_from(json.loads(layout_path(root, sample.record_id).read_text("utf-8")))
    side = len(sample.mask_hw)
    for what, corners in _boxes(plan):
        left, right = (round(corners[place] - sample.about["column"]) for place in (0, 2))
        top, bottom = (round(corners[place] - sample.about["row"]) for place in (1, 3))
        if right < 0 or bottom < 0 or left > side or top > side:
            continue
        cut = what == "pulse" and (left < 0 or top < 0 or right > side or bottom > side)
        rows, columns = (
            slice(max(0, low - _MARGIN_PX), high + _MARGIN_PX) for low, high in ((top, bottom), (left, right))
        )
        yield f"{what}, cut by the sample's edge" if cut else what, (rows, columns)


def _boxes(plan: PagePlan) -> Iterator[tuple[str, Corners]]:
    """All print on the page."""
    for text in (*style_texts(plan.style), *plan.header):
        box = text_box(text, plan.style)
        yield f"letters ({text.kind})", (box.left, box.top, box.right, box.bottom)
    px, bars = plan.style.px_per_mm, pulses(plan.style, plan.stroke_mm)
    places = [("separator", [bar]) for bar in separators(plan.style)]
    for what, parts in places + [("pulse", bars[first : first + 3]) for first in range(0, len(bars), 3)]:
        left, top = min(bar.x0_mm for bar in parts), min(bar.y0_mm for bar in parts)
        right, bottom = max(bar.x1_mm for bar in parts), max(bar.y1_mm for bar in parts)
        yield what, (left * px, top * px, right * px, bottom * px)


if __name__ == "__main__":
    main()
