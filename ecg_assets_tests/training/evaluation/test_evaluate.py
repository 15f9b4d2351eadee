"""An evaluation counts each sample once, under its recipe and layout, and keeps the best and the worst."""

import io
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from ecg_assets.samples.arrow_shard import Labelled, write_shard
from ecg_assets.samples.crops import Crop
from ecg_assets.samples.reader import SampleReader
from ecg_assets.store.root import DataRoot, open_root
from ecg_assets.training.evaluation.best_and_worst import Extremes, Look, triple
from ecg_assets.training.evaluation.counts import divided, summed, tally_of
from ecg_assets.training.evaluation.evaluate import evaluate
from ecg_assets.training.label_map import ClassCount, to_classes
from ecg_assets.training.models.compact_unet import normalise
from ecg_assets_tests.conftest import quiet
from ecg_assets_tests.training.evaluation.cards import SIDE_PX, truth_hw
from ecg_assets_tests.training.networks_at_hand import put_checkpoint

RECIPES, LAYOUTS = ("clean", "photo", "scan"), ("3x4+1", None)


@pytest.fixture
def root(tmp_path: Path) -> DataRoot:
    """11 test samples and one of training; every second one does not tell its layout, the last shows nothing."""
    root = open_root(tmp_path / "data_root")
    rng = np.random.default_rng(0)
    samples = []
    for number in range(12):
        layout = LAYOUTS[number % 2]
        mask_hw = truth_hw(number) if number < 10 else np.zeros((SIDE_PX, SIDE_PX), np.uint8)
        image_hwc = rng.integers(0, 256, (SIDE_PX, SIDE_PX, 3), dtype=np.uint8)
        samples.append(
            Labelled(
                id=f"7-{number}",
                record_id="7",
                split="train" if number == 11 else "test",
                kind="positive",
                recipe=RECIPES[number % 3],
                crop=Crop(image_hwc, mask_hw, {"layout": layout} if layout else {}),
            )
        )
    write_shard(root.dataset / "shard-000.arrow", SIDE_PX, [samples])
    return root


@pytest.mark.parametrize("classes", [3, 5])
def test_the_counts_are_those_of_each_sample_alone_whatever_the_batch(
    root: DataRoot, tmp_path: Path, classes: ClassCount
) -> None:
    network = put_checkpoint(tmp_path / "best.safetensors", classes=classes)
    reader = SampleReader(root.dataset, "test")
    alone = []
    for number in range(len(reader)):
        image_bhwc = torch.from_numpy(reader[number].image_hwc.copy())[None]
        with torch.inference_mode():
            predicted = network(normalise(image_bhwc)).argmax(1)[0].to(torch.uint8).numpy()
        alone.append(tally_of(to_classes(reader[number].mask_hw, classes), predicted, classes))
    evaluation = evaluate(root, tmp_path / "best.safetensors", "test", 4, quiet)
    assert summed(cell.tally for cell in evaluation.cells) == summed(alone)
    recipes = divided(evaluation.cells, "recipe")
    assert {name: one.samples for name, one in recipes.items()} == {"clean": 4, "photo": 4, "scan": 3}
    assert recipes["scan"] == summed(alone[2::3])
    layouts = divided(evaluation.cells, "layout")
    assert {name: one.samples for name, one in layouts.items()} == {"3x4+1": 6, "unknown": 5}


def test_a_limit_takes_samples_from_all_of_the_split(root: DataRoot, tmp_path: Path) -> None:
    put_checkpoint(tmp_path / "best.safetensors")
    evaluation = evaluate(root, tmp_path / "best.safetensors", "test", 2, quiet, limit=3)
    assert sorted(look.sample.id for look in evaluation.extremes.worst) == ["7-0", "7-10", "7-5"]


def look_at(root: DataRoot, number: int, wrong_rows: int) -> Look:
    sample = SampleReader(root.dataset, "test")[number]
    predicted_hw = sample.mask_hw.copy()
    predicted_hw[40 : 40 + wrong_rows] = 4
    return Look(sample, predicted_hw, 5, tally_of(sample.mask_hw, predicted_hw, 5))


def test_best_and_worst_are_kept_in_order_and_nothing_is_never_best(root: DataRoot) -> None:
    extremes = Extremes(2)
    for number, wrong_rows in [(0, 5), (1, 0), (2, 20), (3, 10), (10, 0)]:
        extremes.add(look_at(root, number, wrong_rows))
    assert [look.sample.id for look in extremes.best] == ["7-1", "7-0"]
    assert [look.sample.id for look in extremes.worst] == ["7-2", "7-3"]


def test_a_triple_shows_image_truth_and_prediction(root: DataRoot) -> None:
    with Image.open(io.BytesIO(triple(look_at(root, 0, 24)))) as drawn:
        pixels = np.asarray(drawn.convert("RGB")).astype(int)
    assert pixels.shape == (300, 912, 3)
    truth, predicted = pixels[190:290, 306:606], pixels[190:290, 612:]
    green = [(panel[..., 1] > panel[..., 0] + 60).mean() for panel in (truth, predicted)]
    assert green[0] < 0.05 < 0.9 < green[1]


def test_what_was_counted_can_be_written_and_read(root: DataRoot, tmp_path: Path) -> None:
    put_checkpoint(tmp_path / "best.safetensors")
    cells = evaluate(root, tmp_path / "best.safetensors", "test", 4, quiet).cells
    text = json.dumps([cell.model_dump(mode="json") for cell in cells])
    assert [type(cell).model_validate(one) for cell, one in zip(cells, json.loads(text), strict=True)] == cells
