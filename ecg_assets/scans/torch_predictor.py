"""Runs a checkpoint's network on tiles."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from ecg_assets.scans.tiles import Predict, Scores
from ecg_assets.training.checkpoints.checkpoint import load_network
from ecg_assets.training.models.compact_unet import SegmentationNetwork, normalise


def torch_predictor(checkpoint: Path) -> tuple[Predict, int]:
    """What gives tiles' probabilities, on CUDA where it is, and how many classes there are.

    Raises:
        CheckpointError: there is no such file, or it is no checkpoint.
    """
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    network = load_network(checkpoint).to(device)
    # Tiles side by side, each by one thread. Threads of torch that share a tile wait for each other, and actively:
    # where another process has one of the cores, that takes three times as long as one thread alone.
    side_by_side = ThreadPoolExecutor(torch.get_num_threads(), initializer=torch.set_num_threads, initargs=(1,))

    def answered(tiles: Tensor) -> Scores:
        with torch.inference_mode():
            return _probabilities(network, tiles.to(device))

    def predict(tiles_bhwc: npt.NDArray[np.uint8]) -> Scores:
        tiles = torch.from_numpy(tiles_bhwc)
        if device.type == "cuda":
            return answered(tiles)
        # One by one: several at a time leave the processor's cache, and take a quarter longer each.
        return np.concatenate(list(side_by_side.map(answered, torch.split(tiles, 1))))

    return predict, network.classes


def _probabilities(network: SegmentationNetwork, tiles_bhwc: Tensor) -> Scores:
    logits_bchw: Tensor = network(normalise(tiles_bhwc).contiguous())
    probabilities: Scores = logits_bchw.float().softmax(dim=1).cpu().numpy()
    return probabilities
