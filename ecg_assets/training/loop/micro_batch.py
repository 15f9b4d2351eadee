"""Chooses the micro-batch: the number of samples that the network processes at once within the device's memory."""

from dataclasses import dataclass, replace

from ecg_assets.training.config import ConfigError, TrainConfig
from ecg_assets.training.tpu_plans import planned

# Fields of the compact U-Net; zoo networks have neither.
_TAKES_LESS = "set remat: blocks, a larger patch_px or a smaller crop_px (`ecg-assets tpu plan` says what fits)"
_TAKES_LESS_OF_THE_ZOO = "set a smaller crop_px or network: compact-s (`ecg-assets tpu plan` says what fits)"


class MicroBatchTooLargeError(RuntimeError):
    """A micro-batch does not fit in a replica's memory; raised in all replicas together."""


@dataclass(frozen=True)
class MicroBatch:
    """A divisor of the batch size.

    Attributes:
        size: samples at once.
        batch_size: samples in a step.
        asked: whether the config sets it; it is then never changed.
        network: named in the error if it does not fit.
    """

    size: int
    batch_size: int
    asked: bool
    network: str = "compact"

    def at_most(self, limit: int) -> "MicroBatch":
        """Limits it to `limit`, which an earlier launch found; 0 means no limit."""
        return (
            self if self.asked or not limit else replace(self, size=largest_divisor(self.batch_size, limit, self.size))
        )

    def halved(self) -> "MicroBatch":
        """The next smaller one: the largest divisor up to half of it.

        Raises:
            ConfigError: the config sets the size, or it is a single sample.
        """
        if self.size == 1:
            raise ConfigError(f"the memory does not suffice for a single sample at once; {_less(self.network)}")
        smaller = largest_divisor(self.batch_size, self.size // 2)
        if self.asked:
            raise ConfigError(
                f"micro_batch is {self.size}, for which the memory does not suffice; set micro_batch: auto, or "
                f"{smaller} (`ecg-assets tpu plan` says what fits)"
            )
        return replace(self, size=smaller)


def chosen_micro_batch(config: TrainConfig, core: str | None) -> MicroBatch:
    """The config's micro-batch; for `auto` the one planned for the core, or the whole batch.

    Args:
        config: of the training.
        core: the TPU core's version, for example `v3`; None without a TPU.

    Raises:
        ConfigError: a plan by the compiler says that the config's micro-batch, or a single sample, does not fit.
    """
    size, asked = config.batch_size, config.micro_batch
    plan = planned(config, core) if core is not None else None
    if plan is not None and plan.micro_batch is None:
        raise ConfigError(f"{config.experiment} does not fit on a {core} core: {plan.reason}; {_less(config.network)}")
    if asked != "auto":
        if plan is not None and plan.too_large is not None and asked >= plan.too_large:
            raise ConfigError(
                f"micro_batch is {asked}, which does not fit on a {core} core; set micro_batch: auto, or "
                f"{plan.micro_batch} ({plan.reason})"
            )
        return MicroBatch(asked, size, asked=True, network=config.network)
    fits = size if plan is None or plan.micro_batch is None else largest_divisor(size, plan.micro_batch)
    return MicroBatch(fits, size, asked=False, network=config.network)


def _less(network: str) -> str:
    return _TAKES_LESS_OF_THE_ZOO if network.startswith("smp/") else _TAKES_LESS


def largest_divisor(number: int, *limits: int) -> int:
    """The largest divisor of `number` within all limits, which are 1 or more."""
    return next(size for size in range(min(number, *limits), 0, -1) if number % size == 0)
