"""Trains the network that sees how a page is turned: `python -m ecg_assets.scans.train_turns DATASET OUT`.

It takes the dataset's training samples, which stand upright, turns each at random, and says how often pieces of the
validation split are judged right. Minutes on two cores.
"""

import sys
from pathlib import Path

import click
import numpy as np
import numpy.typing as npt
import torch
from torch.nn.functional import cross_entropy

from ecg_assets.samples.reader import SampleReader
from ecg_assets.scans.turn_network import TurnNetwork, save_as_onnx
from ecg_assets.scans.turns import as_seen

_BATCH = 32
_EPOCHS = 3
_RATE = 3e-3


def train_turns(dataset: Path, out: Path, epochs: int = _EPOCHS, seed: int = 0) -> float:
    """Trains and saves it.

    Returns:
        Share of the validation split's pieces that are judged right.
    """
    torch.manual_seed(seed)
    reader, rng = SampleReader(dataset, "train"), np.random.default_rng(seed)
    network, positives = TurnNetwork(), _with_trace(reader)
    steps = epochs * (len(positives) // _BATCH)
    optimizer = torch.optim.AdamW(network.parameters(), _RATE)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, _RATE, total_steps=max(2, steps))
    right = 0.0
    for epoch in range(epochs):
        order = rng.permutation(positives)
        for first in range(0, len(order) - _BATCH + 1, _BATCH):
            seen, turns = _turned(reader, order[first : first + _BATCH], rng)
            optimizer.zero_grad()
            cross_entropy(network(seen), turns).backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            schedule.step()
        right = _share_right(network.eval(), dataset, seed)
        network.train()
        click.echo(f"epoch {epoch + 1} of {epochs}: {right:.3f} of the validation pieces are judged right")
        save_as_onnx(out, network)
    return right


def _with_trace(reader: SampleReader) -> npt.NDArray[np.int64]:
    return np.array([number for number in range(len(reader)) if reader[number].kind == "positive"])


def _turned(
    reader: SampleReader, numbers: npt.NDArray[np.int64], rng: np.random.Generator
) -> tuple[torch.Tensor, torch.Tensor]:
    turns = rng.integers(0, 4, len(numbers))
    pieces = [
        np.rot90(as_seen(reader[int(number)].image_hwc), turn) for number, turn in zip(numbers, turns, strict=True)
    ]
    return torch.from_numpy(np.stack(pieces)[:, None]), torch.from_numpy(turns)


def _share_right(network: TurnNetwork, dataset: Path, seed: int) -> float:
    reader, rng = SampleReader(dataset, "validation"), np.random.default_rng(seed)
    numbers, right = _with_trace(reader)[:512], 0
    with torch.inference_mode():
        for first in range(0, len(numbers), _BATCH):
            seen, turns = _turned(reader, numbers[first : first + _BATCH], rng)
            right += int((network(seen).argmax(dim=1) == turns).sum())
    return right / max(1, len(numbers))


if __name__ == "__main__":
    train_turns(Path(sys.argv[1]), Path(sys.argv[2]))
