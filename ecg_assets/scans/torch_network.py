"""Runs a checkpoint's network on tiles."""

from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from ecg_assets.scans.tiles import Predict, Scores
from ecg_assets.training.checkpoint import load_network
from ecg_assets.training.network import SegmentationNetwork, normalise


def torch_predictor(checkpoint: Path) -> tuple[Predict, int]:
    """What gives tiles' probabilities, on CUDA where it is, and how many classes there are.

    Raises:
        CheckpointError: there is no such file, or it is no checkpoint.
    """
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    network = load_network(checkpoint).to(device)

    def predict(tiles_bhwc: npt.NDArray[np.uint8]) -> Scores:
        tiles = torch.from_numpy(tiles_bhwc)
        # One by one on a CPU: several at a time leave its cache, and take a quarter longer each.
        parts = [tiles] if device.type == "cuda" else torch.split(tiles, 1)
        with torch.inference_mode():
            return np.concatenate([_probabilities(network, part.to(device)) for part in parts])

    return predict, network.classes


def _probabilities(network: SegmentationNetwork, tiles_bhwc: Tensor) -> Scores:
    logits_bchw: Tensor = network(normalise(tiles_bhwc).contiguous())
    probabilities: Scores = logits_bchw.float().softmax(dim=1).cpu().numpy()
    return probabilities
