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
from ecg_assets.training.network import CompactUNet
from ecg_assets.training.run_folder import EpochScores

_MODEL, _OPTIMIZER = "model.", "optimizer."
_SLOTS = ("step", "exp_avg", "exp_avg_sq")  # AdamW's state of one parameter


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


def save_best(path: Path, spec: NetworkSpec, network: CompactUNet, scores: EpochScores) -> None:
    """Writes the weights alone, under the names of the network's state dict, with spec and scores in the header."""
    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in network.state_dict().items()}
    _save(path, tensors, {"network": spec.model_dump_json(), "scores": scores.model_dump_json()})


def save_last(
    path: Path, spec: NetworkSpec, network: CompactUNet, optimizer: torch.optim.Optimizer, progress: Progress
) -> None:
    """Writes all that training goes on from."""
    tensors = {_MODEL + name: tensor.detach() for name, tensor in network.state_dict().items()}
    for name, parameter in network.named_parameters():
        tensors |= {f"{_OPTIMIZER}{name}.{slot}": optimizer.state[parameter][slot] for slot in _SLOTS}
    on_host = {name: tensor.cpu().contiguous() for name, tensor in tensors.items()}
    _save(path, on_host, {"network": spec.model_dump_json(), "progress": progress.model_dump_json()})


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


def load_last(path: Path, network: CompactUNet, optimizer: torch.optim.Optimizer) -> Progress:
    """Sets network and optimizer, on whatever device they are, as they were saved.

    Raises:
        CheckpointError: it is no checkpoint to go on from, or of another network.
    """
    tensors, header = _load(path)
    if "progress" not in header:
        raise CheckpointError(f"{path} holds weights only; training goes on from last.safetensors")
    try:
        network.load_state_dict(_below(tensors, _MODEL))
    except RuntimeError as error:
        raise CheckpointError(f"{path} is of another network: {error}; remove the run folder to start anew") from error
    progress = Progress.model_validate_json(header["progress"])
    for name, parameter in network.named_parameters():
        device = {slot: torch.device("cpu") if slot == "step" else parameter.device for slot in _SLOTS}
        optimizer.state[parameter] = {slot: tensors[f"{_OPTIMIZER}{name}.{slot}"].to(device[slot]) for slot in _SLOTS}
    for group in optimizer.param_groups:
        group["lr"] = progress.learning_rate
    return progress


def fresh_state(optimizer: torch.optim.Optimizer) -> None:
    """Gives AdamW the state that its first step would make; XLA then compiles one graph for all steps, not two."""
    for group in optimizer.param_groups:
        for parameter in group["params"]:
            optimizer.state[parameter] = {
                "step": torch.tensor(0.0),
                "exp_avg": torch.zeros_like(parameter),
                "exp_avg_sq": torch.zeros_like(parameter),
            }


def _save(path: Path, tensors: dict[str, Tensor], header: dict[str, str]) -> None:
    with atomic_path(path) as temporary:
        save_file(tensors, temporary, header)


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


def _below(tensors: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): tensor for name, tensor in tensors.items() if name.startswith(prefix)}
