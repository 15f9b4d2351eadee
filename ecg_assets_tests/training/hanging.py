"""Trains two replicas through what can befall one of them: `python -m ecg_assets_tests.training.hanging RUN_FOLDER`.

Replica 1 hangs once, in the first epoch; in the second one its class weights are not numbers for a step, so that its
losses are not, nor is anybody's gradient. The network has BatchNorm, and an interpolation that XLA leaves to the host.
Each replica writes `RUN_FOLDER/seen/<ordinal>-<what>.npy`: its running mean before and after the averaging of the last
validation, and its weights and share of the learning rate at the end.
"""

import os
import sys
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate

from ecg_assets.training import trainer
from ecg_assets.training.data.batches import DeviceBatch
from ecg_assets.training.loop import replica as replica_module
from ecg_assets.training.loop.replica import Replica
from ecg_assets.training.loop.train_loop import train_replica
from ecg_assets.training.models.compact_unet import SegmentationNetwork, initialise
from ecg_assets.training.runs.run_folder import RunFolder
from ecg_assets.training.runtime.base import Runtime

_HANGS_AT, _FLAWED_AT = (0, 8), (1, 3)


class Interpolating(SegmentationNetwork):
    """The smallest network with BatchNorm and an interpolation."""

    classes, multiple_px = 5, 2

    def __init__(self) -> None:
        super().__init__()
        self.coarse, self.norm, self.head = nn.Conv2d(3, 8, 2, stride=2), nn.BatchNorm2d(8), nn.Conv2d(8, 5, 1)

    def forward(self, image_bchw: Tensor) -> Tensor:
        """(b, 3, h, w) to (b, 5, h, w)."""
        logits: Tensor = self.head(interpolate(torch.relu(self.norm(self.coarse(image_bchw))), scale_factor=2))
        return logits


class Troubled(Replica):
    """A replica that is disturbed, and writes what it has seen."""

    def train_step(self, step: int, batches: Sequence[DeviceBatch]) -> None:
        if self.runtime.ordinal == 1 and self._once((self.progress.epoch, step), _HANGS_AT):
            # Its last sign of life is made an hour old: nobody has to wait for longer than compiling may take.
            hour_ago = time.time() - 3600
            os.utime(self.run.heartbeats / "1", (hour_ago, hour_ago))
            time.sleep(10_000)
        kept = self.step.class_weights_c
        if self.runtime.ordinal == 1 and self._once((self.progress.epoch, step), _FLAWED_AT):
            self.step.class_weights_c = self.step.from_host([float("nan")] * 5)
        super().train_step(step, batches)
        self.step.class_weights_c = kept

    def meet(self) -> None:
        super().meet()
        self._tell("weights", self.network.vector.detach())
        self._tell("factor", torch.tensor(self.rates.factor))

    def average_buffers(self) -> None:
        self._tell("before", self.network.buffers["norm.running_mean"])
        super().average_buffers()
        self._tell("after", self.network.buffers["norm.running_mean"])

    def _once(self, here: tuple[int, int], there: tuple[int, int]) -> bool:
        done = self.run.path / "seen" / "{}-{}".format(*there)
        if here != there or done.exists():
            return False
        done.touch()
        return True

    def _tell(self, what: str, tensor: Tensor) -> None:
        np.save(self.run.path / "seen" / f"{self.runtime.ordinal}-{what}.npy", tensor.cpu().numpy())


def train_troubled(run: RunFolder, runtime: Runtime) -> None:
    """What each replica runs."""
    from ecg_assets.training.loop import train_loop as loop

    def built(config: object) -> SegmentationNetwork:
        network = Interpolating()
        initialise(network, 0)
        return network.train()

    replica_module.first_network = built  # type: ignore[attr-defined]
    loop.Replica = Troubled  # type: ignore[attr-defined]
    train_replica(run, runtime)


def main() -> None:
    """Trains in the run folder."""
    from ecg_assets_tests.training.hanging import train_troubled as importable

    (Path(sys.argv[1]) / "seen").mkdir()
    trainer.train_replica = partial(importable)  # type: ignore[attr-defined]
    trainer.train(Path(sys.argv[1]))


if __name__ == "__main__":
    main()
