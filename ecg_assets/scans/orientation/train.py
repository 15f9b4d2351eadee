"""Trains the network that detects a page's quarter turn: `python -m ecg_assets.scans.orientation.train DATASET OUT`.

It turns the dataset's upright training samples at random, and prints the accuracy on pieces of the validation split.
Takes minutes on two cores.
"""

import sys
from pathlib import Path

import click
import numpy as np
import numpy.typing as npt
import torch
from torch.nn.functional import cross_entropy

from ecg_assets.samples.reader import SampleReader
from ecg_assets.scans.orientation.detect import as_seen
from ecg_assets.scans.orientation.network import TurnNetwork, save_as_onnx
from ecg_assets.store.splits import Split

_BATCH = 32
_EPOCHS = 12
_RATE = 3e-3
_JUDGED = 512


def train_turns(dataset: Path, out: Path, epochs: int = _EPOCHS, seed: int = 0) -> float:
    """Trains and saves it.

    Returns:
        Accuracy on the validation split's pieces.
    """
    torch.manual_seed(seed)
    rng, network = np.random.default_rng(seed), TurnNetwork()
    pieces, judged = _seen(dataset, "train"), _seen(dataset, "validation")[:_JUDGED]
    steps = epochs * (len(pieces) // _BATCH)
    optimizer = torch.optim.AdamW(network.parameters(), _RATE)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, _RATE, total_steps=max(2, steps))
    right = 0.0
    for epoch in range(epochs):
        order = rng.permutation(len(pieces))
        for first in range(0, len(order) - _BATCH + 1, _BATCH):
            seen, turns = _turned(pieces[order[first : first + _BATCH]], rng)
            optimizer.zero_grad()
            cross_entropy(network(seen), turns).backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            schedule.step()
        right = _share_right(network.eval(), judged, np.random.default_rng(seed))
        network.train()
        click.echo(f"epoch {epoch + 1} of {epochs}: {right:.3f} of the validation pieces are judged right")
        save_as_onnx(out, network)
    return right


def _seen(dataset: Path, split: Split) -> npt.NDArray[np.float16]:
    """(n, 256, 256) of the samples with a trace, in memory because reading one takes longer than training on it."""
    reader = SampleReader(dataset, split)
    with click.progressbar(range(len(reader)), label=f"Reading {split} samples") as numbers:
        samples = (reader[number] for number in numbers)
        seen = [as_seen(sample.image_hwc).astype(np.float16) for sample in samples if sample.kind == "positive"]
    return np.stack(seen)


def _turned(pieces: npt.NDArray[np.float16], rng: np.random.Generator) -> tuple[torch.Tensor, torch.Tensor]:
    turns = rng.integers(0, 4, len(pieces))
    turned = [np.rot90(piece, turn) for piece, turn in zip(pieces, turns, strict=True)]
    return torch.from_numpy(np.stack(turned)[:, None].astype(np.float32)), torch.from_numpy(turns)


def _share_right(network: TurnNetwork, pieces: npt.NDArray[np.float16], rng: np.random.Generator) -> float:
    right = 0
    with torch.inference_mode():
        for first in range(0, len(pieces), _BATCH):
            seen, turns = _turned(pieces[first : first + _BATCH], rng)
            right += int((network(seen).argmax(dim=1) == turns).sum())
    return right / max(1, len(pieces))


if __name__ == "__main__":
    train_turns(Path(sys.argv[1]), Path(sys.argv[2]))
