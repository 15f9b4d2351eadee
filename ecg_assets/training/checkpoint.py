"""Checkpoints as safetensors: tensors, and in the file's header what belongs to them as JSON. No pickles.

Each checkpoint is one file, renamed into place when it is whole; so weights, optimizer and progress in it always
belong together, whenever the host dies.
"""

from pathlib import Path

import torch
from pydantic import BaseModel, ConfigDict, Field
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from ecg_assets.store.atomic import atomic_path
from ecg_assets.training.flat import FlatNetwork
from ecg_assets.training.network import CompactUNet
from ecg_assets.training.run_folder import EpochScores

_MODEL, _OPTIMIZER = "model.", "optimizer."
# AdamW's state: two tensors like the weights, and a count of steps that stays on the host.
_MOMENTS, _STEP = ("exp_avg", "exp_avg_sq"), "optimizer.step"


class CheckpointError(ValueError):
    """A checkpoint cannot be read; the message names the file and says what to do."""


class NetworkSpec(BaseModel):
    """What a `CompactUNet` is built from."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    classes: int
    widths: tuple[int, ...]
    patch_px: int

    def build(self) -> CompactUNet:
        """The network, with weights yet to be set."""
        return CompactUNet(self.classes, self.widths, self.patch_px)


class Progress(BaseModel):
    """Where training goes on from, beside the tensors.

    Attributes:
        epoch: epochs that are done.
        step: steps of the next epoch that are done.
        loss_sum: sum of those steps' losses.
        learning_rate: the optimizer's.
        plateau_best: lowest validation loss so far, None before the first.
        plateau_bad_epochs: epochs since without a lower one.
        best_epoch: 1 for the first; 0 before the first.
        history: one entry for each epoch that is done.
    """

    model_config = ConfigDict(extra="forbid")

    epoch: int = 0
    step: int = 0
    loss_sum: float = 0.0
    learning_rate: float
    plateau_best: float | None = None
    plateau_bad_epochs: int = 0
    best_epoch: int = 0
    history: list[EpochScores] = Field(default_factory=list)


def save_best(path: Path, spec: NetworkSpec, network: FlatNetwork, scores: EpochScores) -> None:
    """Writes the weights alone, under the names of the network's state dict, with spec and scores in the header."""
    weights = network.named(network.vector.detach().cpu())
    _save(path, weights, {"network": spec.model_dump_json(), "scores": scores.model_dump_json()})


def save_last(
    path: Path, spec: NetworkSpec, network: FlatNetwork, optimizer: torch.optim.Optimizer, progress: Progress
) -> None:
    """Writes all that training goes on from; the optimizer's moments under the names of their weights."""
    state = optimizer.state[network.vector]
    tensors = _above(_MODEL, network.named(network.vector.detach().cpu()))
    for moment in _MOMENTS:
        tensors |= _above(f"{_OPTIMIZER}{moment}.", network.named(state[moment].cpu()))
    tensors[_STEP] = state["step"].cpu()
    _save(path, tensors, {"network": spec.model_dump_json(), "progress": progress.model_dump_json()})


def load_network(path: Path) -> CompactUNet:
    """The network of a best or last checkpoint, on the CPU, ready to predict.

    Raises:
        CheckpointError: there is no such file, or it is no checkpoint.
    """
    tensors, header = _load(path)
    network = NetworkSpec.model_validate_json(header["network"]).build()
    has_prefix = any(name.startswith(_MODEL) for name in tensors)
    network.load_state_dict(_below(tensors, _MODEL) if has_prefix else tensors)
    return network.eval()


def load_last(path: Path, network: FlatNetwork, optimizer: torch.optim.Optimizer) -> Progress:
    """Sets network and optimizer, on whatever device they are, as they were saved.

    Raises:
        CheckpointError: it is no checkpoint to go on from, or of another network.
    """
    tensors, header = _load(path)
    if "progress" not in header:
        raise CheckpointError(f"{path} holds weights only; training goes on from last.safetensors")
    device = network.vector.device
    try:
        vector = network.flat(_below(tensors, _MODEL))
        moments = {moment: network.flat(_below(tensors, f"{_OPTIMIZER}{moment}.")) for moment in _MOMENTS}
    except (KeyError, ValueError) as error:
        raise CheckpointError(f"{path} is of another network: {error}; remove the run folder to start anew") from error
    with torch.no_grad():
        network.vector.copy_(vector.to(device))
    optimizer.state[network.vector] = {name: moment.to(device) for name, moment in moments.items()}
    optimizer.state[network.vector]["step"] = tensors[_STEP]
    progress = Progress.model_validate_json(header["progress"])
    optimizer.param_groups[0]["lr"] = progress.learning_rate
    return progress


def fresh_state(network: FlatNetwork, optimizer: torch.optim.Optimizer) -> None:
    """Gives AdamW the state that its first step would make; XLA then compiles one graph for all steps, not two."""
    zeros = torch.zeros(network.vector.shape)
    device = network.vector.device
    optimizer.state[network.vector] = {moment: zeros.clone().to(device) for moment in _MOMENTS}
    optimizer.state[network.vector]["step"] = torch.tensor(0.0)


def _save(path: Path, tensors: dict[str, Tensor], header: dict[str, str]) -> None:
    with atomic_path(path) as temporary:
        # Slices of one vector would be told apart by address only.
        save_file({name: tensor.clone() for name, tensor in tensors.items()}, temporary, header)


def _load(path: Path) -> tuple[dict[str, Tensor], dict[str, str]]:
    if not path.exists():
        raise CheckpointError(f"{path} is not there; materialise trained_checkpoint first")
    try:
        with safe_open(path, framework="pt") as file:
            header = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (it is no dict)
    except SafetensorError as error:
        raise CheckpointError(f"{path} is no whole safetensors file ({error}); remove it and train again") from error
    if "network" not in header:
        raise CheckpointError(
            f"{path} is a safetensors file, but its header names no network; it is of another program"
        )
    return tensors, header


def _above(prefix: str, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    return {prefix + name: tensor for name, tensor in tensors.items()}


def _below(tensors: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): tensor for name, tensor in tensors.items() if name.startswith(prefix)}
