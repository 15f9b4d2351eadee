"""Computes the learning rate of each step: a warm-up, then lowered on plateaus or along a cosine."""

import math
from typing import Any

import torch
from torch.optim.lr_scheduler import ReduceLROnPlateau

from ecg_assets.training.config import TrainConfig


class Rates:
    """The learning rate of each step.

    Attributes:
        base: the config's rate after its reductions on plateaus.
        factor: factor due to recoveries from failed steps; see `recovery`.
    """

    def __init__(self, config: TrainConfig, steps_per_epoch: int, kept: dict[str, Any] | None = None) -> None:
        """Begins from the start, or resumes from a kept `state`."""
        self._config, self._steps = config, steps_per_epoch
        # torch's scheduler needs an optimizer; this one only holds the rate.
        self._carrier = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=config.learning_rate)
        self._plateau = ReduceLROnPlateau(self._carrier, factor=config.plateau_factor, patience=config.plateau_patience)
        self.factor = 1.0
        if kept is not None:
            self.factor = float(kept["factor"])
            self._carrier.param_groups[0]["lr"] = float(kept["base"])
            self._plateau.best, self._plateau.num_bad_epochs = float(kept["best"]), int(kept["bad_epochs"])

    @property
    def base(self) -> float:
        """The rate after the warm-up and after reductions on plateaus."""
        return float(self._carrier.param_groups[0]["lr"])

    def at(self, epoch: int, step: int) -> float:
        """The rate of step `step` (1 is the first) of epoch `epoch` (0 is the first)."""
        config, number = self._config, epoch * self._steps + step
        rate = self.base * self.factor * min(1.0, number / max(1, config.warmup_steps))
        if config.schedule == "cosine":
            last = max(1, config.epochs * self._steps - config.warmup_steps)
            done = min(1.0, max(0, number - config.warmup_steps) / last)
            rate *= config.final_rate + (1 - config.final_rate) * (1 + math.cos(math.pi * done)) / 2
        return rate

    def end_epoch(self, validation_loss: float) -> None:
        """Lowers the rate if the validation loss has not fallen for the configured number of epochs."""
        if self._config.schedule == "plateau":
            self._plateau.step(validation_loss)

    def state(self) -> dict[str, Any]:
        """The state that `Rates` resumes from, as JSON values."""
        return {
            "base": self.base,
            "factor": self.factor,
            "best": min(self._plateau.best, 1e30),  # JSON has no infinity
            "bad_epochs": self._plateau.num_bad_epochs,
        }
