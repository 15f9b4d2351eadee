"""Chooses the remedy for a non-finite loss or gradient: back to the last good checkpoint, more cautious each time."""

from dataclasses import dataclass

from ecg_assets.training.config import TrainConfig

MOST = 2
RATE_FACTOR = 0.5


class NonFiniteLossError(ArithmeticError):
    """Losses or gradients were repeatedly not finite; nothing of these steps was saved."""


@dataclass(frozen=True)
class Flaw:
    """The first step since the last check whose loss or gradient was not finite.

    Attributes:
        epoch: 0 for the first.
        step: of that epoch, 1 for the first.
        where: whether it was seen in a training step's `loss or gradient`, the `weights`, or the `validation loss`.
    """

    epoch: int
    step: int
    where: str = "loss or gradient"

    def __str__(self) -> str:
        return f"{self.where} not finite in epoch {self.epoch + 1}, step {self.step}"


@dataclass(frozen=True)
class Remedy:
    """Changes applied before training resumes.

    Attributes:
        number: 1 for the first in a row.
        rate_factor: for the learning rate.
        f32: whether bf16 is switched off from now on.
    """

    number: int
    rate_factor: float
    f32: bool

    def __str__(self) -> str:
        changes = [f"the learning rate times {self.rate_factor:g}"]
        if self.f32:
            changes.append("bf16 off")
        return f"{', '.join(changes)} (recovery {self.number} of {MOST})"


def remedy(flaw: Flaw, before: int, config: TrainConfig, rate: float) -> Remedy:
    """The remedy for a flaw.

    Args:
        flaw: the non-finite step.
        before: number of flaws since the last epoch without one.
        config: of the training.
        rate: the learning rate at the flaw.

    Raises:
        NonFiniteLossError: `MOST` remedies did not help.
    """
    if before >= MOST:
        raise NonFiniteLossError(
            f"{flaw} at learning rate {rate:g}, after {before} recoveries had already lowered it"
            + (" and switched bf16 off" if config.precision == "bf16" else "")
            + "; last.safetensors is of before. Set a lower learning_rate and train again"
        )
    return Remedy(before + 1, RATE_FACTOR, f32=before + 1 == MOST and config.precision == "bf16")
