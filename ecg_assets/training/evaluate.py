"""Scores a checkpoint on one split of the dataset, pixel by pixel."""

from math import ceil
from pathlib import Path

import numpy as np
import torch
from pydantic import Field

from ecg_assets.samples.reader import Sample, SampleReader
from ecg_assets.store.placement import Split
from ecg_assets.store.root import DataRoot
from ecg_assets.store.stage import Log
from ecg_assets.training.checkpoint import load_network
from ecg_assets.training.class_map import collapse, to_classes
from ecg_assets.training.metrics import ConfusionMatrix, Scores, counts_on_host, scores_of
from ecg_assets.training.network import CompactUNet, normalise

_LOG_LINES = 5


class Evaluation(Scores):
    """Scores per class, and what they are made of.

    Attributes:
        samples: how many were scored.
        dice_by_recipe: Dice per class of the samples of each degradation recipe.
        confusion: pixels by (true class, predicted class).
        three_class_dice: Dice of background, grid (all lines together) and wave; comparable between networks of
            three and of five classes.
    """

    samples: int
    dice_by_recipe: dict[str, dict[str, float | None]]
    confusion: list[list[int]] = Field(repr=False)
    three_class_dice: dict[str, float | None]


def evaluate(root: DataRoot, checkpoint: Path, split: Split, batch: int, log: Log) -> Evaluation:
    """Predicts every sample of `split` in f32, on CUDA where it is, and scores the pixels.

    Args:
        root: holds the dataset.
        checkpoint: best or last of a run.
        split: which samples.
        batch: samples at a time.
        log: receives a few lines on the way.

    Raises:
        CheckpointError, EmptySplitError: what they say.
    """
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    network = load_network(checkpoint).to(device)
    reader = SampleReader(root.dataset, split)
    by_recipe: dict[str, ConfusionMatrix] = {}
    batches = ceil(len(reader) / batch)
    for number in range(batches):
        numbers = range(number * batch, min(len(reader), (number + 1) * batch))
        _add(by_recipe, network, [reader[one] for one in numbers], device)
        if (number + 1) % max(1, batches // _LOG_LINES) == 0:
            log(f"evaluated {min(len(reader), (number + 1) * batch)} of {len(reader)} {split} samples")
    counts_by_recipe = {name: counts_on_host(by_recipe[name].counts) for name in sorted(by_recipe)}
    counts = np.sum(list(counts_by_recipe.values()), axis=0)
    return Evaluation(
        **scores_of(counts).model_dump(),
        samples=len(reader),
        dice_by_recipe={name: scores_of(one).dice for name, one in counts_by_recipe.items()},
        confusion=counts.tolist(),
        three_class_dice=scores_of(collapse(counts)).dice,
    )


def _add(
    by_recipe: dict[str, ConfusionMatrix], network: CompactUNet, samples: list[Sample], device: torch.device
) -> None:
    image_bhwc = torch.from_numpy(np.stack([sample.image_hwc for sample in samples])).to(device)
    masks = np.stack([to_classes(sample.mask_hw, network.classes) for sample in samples])
    mask_bhw = torch.from_numpy(masks).to(device)
    with torch.inference_mode():
        logits_bchw = network(normalise(image_bhwc))
        for recipe in {sample.recipe for sample in samples}:
            confusion = by_recipe.setdefault(recipe, ConfusionMatrix(network.classes, device))
            of_recipe = [float(sample.recipe == recipe) for sample in samples]
            confusion.add(logits_bchw, mask_bhw, torch.tensor(of_recipe, device=device))
