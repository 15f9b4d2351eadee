"""Runs a checkpoint's network on tiles with torch."""

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
    """The function that predicts tiles' probabilities, on CUDA if available, and the number of classes.

    Raises:
        CheckpointError: the file does not exist or is not a checkpoint.
    """
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    network = load_network(checkpoint).to(device)
    # Tiles run in parallel, each on one thread. Torch threads that share a tile busy-wait for each other, which takes
    # three times as long as one thread if another process uses one of the cores.
    side_by_side = ThreadPoolExecutor(torch.get_num_threads(), initializer=torch.set_num_threads, initargs=(1,))

    def answered(tiles: Tensor) -> Scores:
        with torch.inference_mode():
            return _probabilities(network, tiles.to(device))

    def predict(tiles_bhwc: npt.NDArray[np.uint8]) -> Scores:
        tiles = torch.from_numpy(tiles_bhwc)
        if device.type == "cuda":
            return answered(tiles)
        # One tile at a time: batches exceed the processor's cache and take a quarter longer per tile.
        return np.concatenate(list(side_by_side.map(answered, torch.split(tiles, 1))))

    return predict, network.classes


def _probabilities(network: SegmentationNetwork, tiles_bhwc: Tensor) -> Scores:
    logits_bchw: Tensor = network(normalise(tiles_bhwc).contiguous())
    probabilities: Scores = logits_bchw.float().softmax(dim=1).cpu().numpy()
    return probabilities
