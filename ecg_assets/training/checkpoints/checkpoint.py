"""Writes and reads checkpoints without pickle: the best weights, and the state that training resumes from.

Each checkpoint is one file, renamed into place when it is complete; so its weights, optimizer and progress always
belong together, whenever the host dies. The last but one is kept in case the last is damaged.
"""

import contextlib
from pathlib import Path
from typing import Any

import torch
from pydantic import BaseModel, ConfigDict, Field
from torch import Tensor

from ecg_assets.store.log import Log
from ecg_assets.training.checkpoints.hashed_safetensors import CheckpointError, keep_as, read_sealed, write_sealed
from ecg_assets.training.checkpoints.remedy import remedy
from ecg_assets.training.models.compact_unet import SegmentationNetwork
from ecg_assets.training.models.flat_parameters import FlatNetwork
from ecg_assets.training.models.registry import NetworkSpec
from ecg_assets.training.runs.run_state import EpochScores

_MODEL, _BUFFER, _EMA, _OPTIMIZER = "model.", "buffer.", "ema.", "optimizer."
# More than any config needs.
_MOST_LEVELS, _WIDEST = 16, 65_536
_SHOWN = 5
# AdamW's state: two tensors shaped like the weights, and a step count that stays on the host.
_MOMENTS, _STEP = ("exp_avg", "exp_avg_sq"), "optimizer.step"


class Progress(BaseModel):
    """The state that training resumes from, without the tensors.

    Attributes:
        epoch: completed epochs.
        step: completed steps of the next epoch.
        loss_sum: sum of those steps' losses.
        rates: of `Rates.state`.
        recoveries: since the last epoch without one.
        skipped: steps whose loss was not finite, as (epoch, step); they are skipped.
        f32: whether bf16 was switched off by a recovery.
        micro_batch: samples at once that are known to fit in memory; 0: unknown.
        best_epoch: 1 for the first; 0 before the first.
        history: one entry for each completed epoch.
        fingerprint: of the run's config, dataset and code; empty in checkpoints of earlier versions.
        unread_steps, unread_r: completed steps that are not in `loss_sum`, and the sum of their losses for each
            replica, to which a training that stopped between two loss checks continues to add.
    """

    model_config = ConfigDict(extra="forbid")

    epoch: int = 0
    step: int = 0
    loss_sum: float = 0.0
    rates: dict[str, Any] | None = None
    recoveries: int = 0
    skipped: list[tuple[int, int]] = Field(default_factory=list)
    f32: bool = False
    micro_batch: int = 0
    best_epoch: int = 0
    history: list[EpochScores] = Field(default_factory=list)
    fingerprint: str = ""
    unread_steps: int = 0
    unread_r: list[float] = Field(default_factory=list)


def save_best(
    path: Path, spec: NetworkSpec, network: FlatNetwork, scores: EpochScores, vector: Tensor | None = None
) -> None:
    """Writes weights (the network's own, or those of `vector`) and buffers under the names of its state dict.

    Raises:
        CheckpointWriteError: the file cannot be written.
    """
    weights = network.named((network.vector if vector is None else vector).detach().cpu())
    write_sealed(
        path, {**weights, **network.buffers}, {"network": spec.model_dump_json(), "scores": scores.model_dump_json()}
    )


def save_last(
    path: Path,
    previous: Path,
    spec: NetworkSpec,
    network: FlatNetwork,
    ema: Tensor | None,
    optimizer: torch.optim.Optimizer,
    progress: Progress,
) -> None:
    """Writes the state that training resumes from; the optimizer's moments under the names of their weights.

    Raises:
        CheckpointWriteError: the file cannot be written; the one before is unchanged.
    """
    state = optimizer.state[network.vector]
    tensors = _above(_MODEL, network.named(network.vector.detach().cpu())) | _above(_BUFFER, network.buffers)
    if ema is not None:
        tensors |= _above(_EMA, network.named(ema.cpu()))
    for moment in _MOMENTS:
        tensors |= _above(f"{_OPTIMIZER}{moment}.", network.named(state[moment].cpu()))
    tensors[_STEP] = state["step"].cpu()
    keep_as(path, previous)
    write_sealed(path, tensors, {"network": spec.model_dump_json(), "progress": progress.model_dump_json()})


def load_network(path: Path) -> SegmentationNetwork:
    """The network of a best or last checkpoint, on the CPU, ready to predict.

    Raises:
        CheckpointError: the file does not exist, is not a checkpoint, or holds weights that are not finite.
    """
    tensors, header = read_sealed(path)
    if any(name.startswith(_MODEL) for name in tensors):
        weights = _below(tensors, _EMA) or _below(tensors, _MODEL)
        tensors = {**weights, **_below(tensors, _BUFFER)}
    try:
        spec = NetworkSpec.model_validate_json(header["network"])
        if len(spec.widths) > _MOST_LEVELS or max(spec.widths, default=0) > _WIDEST:
            raise ValueError("a network wider or deeper than any of this program")
        # Build it without memory first: a header may claim any size, and only real tensors may fill the memory.
        with torch.device("meta"):
            spec.build().load_state_dict(tensors, assign=True)
        network = spec.build()
        network.load_state_dict(tensors)
    except (ValueError, RuntimeError, LookupError, TypeError, ArithmeticError) as error:
        said = " ".join(str(error).split())[:200]
        raise CheckpointError(
            f"{path} does not fit the network described in its header ({said}); {remedy(path)}"
        ) from error
    _refuse_not_finite(path, network.state_dict())
    return network.eval()


class Loaded(BaseModel):
    """A checkpoint to resume from.

    Attributes:
        progress: its progress.
        ema: the weights' moving average, (n,) float32 on the CPU; None without one.
    """

    model_config = ConfigDict(frozen=True, arbitrary_types_allowed=True)

    progress: Progress
    ema: Tensor | None


def load_last_good(
    path: Path,
    previous: Path,
    network: FlatNetwork,
    optimizer: torch.optim.Optimizer,
    log: Log,
    fingerprint: str = "",
) -> Loaded | None:
    """Restores network and optimizer from the last checkpoint, or from the one before it.

    The one before is used if the last one is damaged, or belongs to another run than `fingerprint` (if given).

    Returns:
        The loaded checkpoint; None if there is no checkpoint.

    Raises:
        CheckpointError: there are checkpoints, but all are unusable.
    """
    if not path.exists() and not previous.exists():
        return None
    try:
        return load_last(path, network, optimizer, fingerprint)
    except CheckpointError as error:
        if not previous.exists():
            raise
        log(f"{error}: going on from {previous.name}, the one before")
        return load_last(previous, network, optimizer, fingerprint)


def saved_progress(path: Path, previous: Path) -> Progress:
    """The progress in the last readable checkpoint; the beginning if there is none."""
    for checkpoint in (path, previous):
        with contextlib.suppress(CheckpointError, KeyError, ValueError):
            return Progress.model_validate_json(read_sealed(checkpoint)[1]["progress"])
    return Progress()


def load_last(path: Path, network: FlatNetwork, optimizer: torch.optim.Optimizer, fingerprint: str = "") -> Loaded:
    """Restores network and optimizer, on their present device, as they were saved.

    Raises:
        CheckpointError: the file is not a checkpoint to resume from, belongs to another network or to another run's
            config, or has weights that are not finite.
    """
    tensors, header = read_sealed(path)
    if "progress" not in header:
        raise CheckpointError(f"{path} holds weights only; training goes on from last.safetensors")
    progress, device = Progress.model_validate_json(header["progress"]), network.vector.device
    if fingerprint and progress.fingerprint not in ("", fingerprint):
        raise CheckpointError(
            f"{path} is of another config, dataset or version of the code than this run; put the right file back, or "
            f"delete {path.parent.parent} and train again from the beginning"
        )
    _refuse_not_finite(path, _below(tensors, _MODEL))
    try:
        vector = network.flat(_below(tensors, _MODEL))
        moments = {moment: network.flat(_below(tensors, f"{_OPTIMIZER}{moment}.")) for moment in _MOMENTS}
        averaged = _below(tensors, _EMA)
        ema = network.flat(averaged) if averaged else None
        network.set_buffers(_below(tensors, _BUFFER))
    except (KeyError, ValueError) as error:
        raise CheckpointError(
            f"{path} is of another network ({error}); delete {path.parent.parent} and train again from the beginning"
        ) from error
    with torch.no_grad():
        network.vector.copy_(vector.to(device))
    optimizer.state[network.vector] = {name: moment.to(device) for name, moment in moments.items()}
    optimizer.state[network.vector]["step"] = tensors[_STEP]
    return Loaded(progress=progress, ema=ema)


def _refuse_not_finite(path: Path, tensors: dict[str, Tensor]) -> None:
    broken = sorted(name for name, values in tensors.items() if not torch.isfinite(values).all())
    if broken:
        raise CheckpointError(
            f"{path} has weights that are not finite: {broken[:_SHOWN]}; lower learning_rate, or set precision: f32, "
            "and train again"
        )


def fresh_state(network: FlatNetwork, optimizer: torch.optim.Optimizer) -> None:
    """Gives AdamW the state that its first step would create, so that XLA compiles one graph for all steps, not two."""
    zeros = torch.zeros(network.vector.shape)
    device = network.vector.device
    optimizer.state[network.vector] = {moment: zeros.clone().to(device) for moment in _MOMENTS}
    optimizer.state[network.vector]["step"] = torch.tensor(0.0)


def _above(prefix: str, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    return {prefix + name: tensor for name, tensor in tensors.items()}


def _below(tensors: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): tensor for name, tensor in tensors.items() if name.startswith(prefix)}
