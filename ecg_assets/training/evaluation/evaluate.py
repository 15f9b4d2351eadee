"""Scores a checkpoint on one split of the dataset, pixel by pixel."""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from math import ceil
from pathlib import Path

import numpy as np
import torch

from ecg_assets.samples.reader import Sample, SampleReader
from ecg_assets.store.log import Log
from ecg_assets.store.root import DataRoot
from ecg_assets.store.splits import Split
from ecg_assets.training.checkpoints.checkpoint import load_network
from ecg_assets.training.evaluation.best_and_worst import Extremes, Look
from ecg_assets.training.evaluation.counts import Cell, Mask, Tally, tally_of
from ecg_assets.training.label_map import to_classes
from ecg_assets.training.models.compact_unet import SegmentationNetwork, normalise

_LOG_LINES = 5
_SHOWN = 10
_UNKNOWN = "unknown"


@dataclass(frozen=True)
class Evaluation:
    """A network's counts and its best and worst samples.

    Attributes:
        cells: the counts of each recipe and layout.
        extremes: the ten best and the ten worst samples.
        metrics_share: the metrics' share of the time of network and metrics.
    """

    cells: list[Cell]
    extremes: Extremes
    metrics_share: float


def evaluate(
    root: DataRoot, checkpoint: Path, split: Split, batch: int, log: Log, limit: int | None = None
) -> Evaluation:
    """Predicts samples of `split` in f32, on CUDA if available, and counts.

    Args:
        root: holds the dataset.
        checkpoint: best or last of a run.
        split: which samples.
        batch: samples at a time.
        log: receives a few lines of progress.
        limit: largest number of samples, evenly spread over the split; None for all.

    Raises:
        CheckpointError: the checkpoint cannot be used.
        EmptySplitError: the split has no samples.
    """
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    network: SegmentationNetwork = load_network(checkpoint).to(device)
    reader = SampleReader(root.dataset, split)
    cells: dict[tuple[str, str], Tally] = {}
    extremes, seconds, done = Extremes(_SHOWN), np.zeros(2), 0
    batches = list(_batches(len(reader), batch, limit))
    count = sum(map(len, batches))
    for number, numbers in enumerate(batches):
        samples = [reader[one] for one in numbers]
        begun = time.perf_counter()
        predicted = _predict(network, samples, device)
        between = time.perf_counter()
        for sample, mask_hw in zip(samples, predicted, strict=True):
            _count(cells, extremes, sample, mask_hw, network.classes)
        seconds += between - begun, time.perf_counter() - between
        done += len(samples)
        if (number + 1) % max(1, len(batches) // _LOG_LINES) == 0:
            log(f"evaluated {done} of {count} {split} samples")
    share = float(seconds[1] / seconds.sum())
    log(f"network {seconds[0]:.1f} s, metrics {seconds[1]:.1f} s ({share:.0%})")
    ordered = [Cell(recipe=recipe, layout=layout, tally=cells[recipe, layout]) for recipe, layout in sorted(cells)]
    return Evaluation(ordered, extremes, share)


def _batches(samples: int, batch: int, limit: int | None) -> Iterator[list[int]]:
    count = samples if limit is None else min(limit, samples)
    numbers = np.linspace(0, samples - 1, count).round().astype(int)
    for number in range(ceil(count / batch)):
        yield [int(one) for one in numbers[number * batch : (number + 1) * batch]]


def _predict(network: SegmentationNetwork, samples: list[Sample], device: torch.device) -> list[Mask]:
    image_bhwc = torch.from_numpy(np.stack([sample.image_hwc for sample in samples])).to(device)
    with torch.inference_mode():
        classes_bhw = network(normalise(image_bhwc)).argmax(dim=1).to(torch.uint8)
    return list(classes_bhw.cpu().numpy())


def _count(
    cells: dict[tuple[str, str], Tally], extremes: Extremes, sample: Sample, predicted_hw: Mask, classes: int
) -> None:
    tally = tally_of(to_classes(sample.mask_hw, classes), predicted_hw, classes)
    place = sample.recipe, str(sample.about.get("layout", _UNKNOWN))
    cells[place] = cells[place] + tally if place in cells else tally
    extremes.add(Look(sample, predicted_hw, classes, tally))
