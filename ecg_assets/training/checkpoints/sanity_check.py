"""Checks that a checkpoint can be used: it loads into its network, and its weights and outputs are finite."""

from pathlib import Path

import torch

from ecg_assets.training.checkpoints.checkpoint import load_network
from ecg_assets.training.checkpoints.hashed_safetensors import CheckpointError
from ecg_assets.training.checkpoints.remedy import remedy


def checkpoint_problem(path: Path) -> str | None:
    """The problem with a checkpoint, as a sentence; None if it is sound.

    The network is built from the file's header, its weights are loaded, and it predicts one grey picture.
    """
    try:
        network = load_network(path)
    except CheckpointError as error:
        return str(error)
    except (RuntimeError, ValueError) as error:  # a header or weights that do not fit a network
        return f"{path} does not fit into the network that its header names ({_first_line(error)}); {remedy(path)}"
    with torch.inference_mode():
        logits_bchw = network(torch.zeros(1, 3, network.multiple_px * 2, network.multiple_px * 2))
    if logits_bchw.shape[1] != network.classes or not torch.isfinite(logits_bchw).all():
        return f"{path}: the network's output for a grey picture is not finite; lower learning_rate and train again"
    return None


def parameters(path: Path) -> int:
    """Number of trainable parameters of a checkpoint's network.

    Raises:
        CheckpointError: the file is not a checkpoint.
    """
    return sum(values.numel() for values in load_network(path).parameters())


def _first_line(error: Exception) -> str:
    return str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
