"""Runs a checkpoint's network on tiles."""

from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch

from ecg_assets.scans.tiles import Predict, Scores
from ecg_assets.training.checkpoint import load_network
from ecg_assets.training.network import normalise


def torch_predictor(checkpoint: Path) -> tuple[Predict, int]:
    """What gives tiles' probabilities, on CUDA where it is, and how many classes there are.

    Raises:
        CheckpointError: there is no such file, or it is no checkpoint.
    """
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    network = load_network(checkpoint).to(device)

    def predict(tiles_bhwc: npt.NDArray[np.uint8]) -> Scores:
        with torch.inference_mode():
            logits_bchw = network(normalise(torch.from_numpy(tiles_bhwc).to(device)))
            probabilities: Scores = logits_bchw.float().softmax(dim=1).cpu().numpy()
        return probabilities

    return predict, network.classes
