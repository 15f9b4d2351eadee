"""Scores a checkpoint on one split of the dataset, pixel by pixel."""

from math import ceil
from pathlib import Path

import numpy as np
import torch
from pydantic import Field

from ecg_assets.samples.reader import SampleReader
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
        confusion: pixels by (true class, predicted class).
        three_class_dice: Dice of background, grid (all lines together) and wave; comparable between networks of
            three and of five classes.
    """

    samples: int
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
    confusion = ConfusionMatrix(network.classes, device)
    batches = ceil(len(reader) / batch)
    for number in range(batches):
        _add(confusion, network, reader, range(number * batch, min(len(reader), (number + 1) * batch)), device)
        if (number + 1) % max(1, batches // _LOG_LINES) == 0:
            log(f"evaluated {min(len(reader), (number + 1) * batch)} of {len(reader)} {split} samples")
    counts = counts_on_host(confusion.counts)
    return Evaluation(
        **scores_of(counts).model_dump(),
        samples=len(reader),
        confusion=counts.tolist(),
        three_class_dice=scores_of(collapse(counts)).dice,
    )


def _add(
    confusion: ConfusionMatrix, network: CompactUNet, reader: SampleReader, numbers: range, device: torch.device
) -> None:
    samples = [reader[number] for number in numbers]
    image_bhwc = torch.from_numpy(np.stack([sample.image_hwc for sample in samples])).to(device)
    masks = np.stack([to_classes(sample.mask_hw, network.classes) for sample in samples])
    mask_bhw = torch.from_numpy(masks).to(device)
    with torch.inference_mode():
        logits_bchw = network(normalise(image_bhwc))
        confusion.add(logits_bchw, mask_bhw, torch.ones(len(samples), device=device))
