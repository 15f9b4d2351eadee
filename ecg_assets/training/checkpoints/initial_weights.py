"""Initial weights of a training: random, or those of an earlier training."""

from pathlib import Path

from torch import Tensor

from ecg_assets.training.checkpoints.checkpoint import load_network
from ecg_assets.training.checkpoints.hashed_safetensors import CheckpointError
from ecg_assets.training.config import PACKAGE_WEIGHTS, ConfigError, TrainConfig
from ecg_assets.training.models.compact_unet import SegmentationNetwork
from ecg_assets.training.models.registry import build_to_train
from ecg_assets.weights import SEGMENTATION, weights_path

_REFINE = "refine."


def first_network(config: TrainConfig) -> SegmentationNetwork:
    """The config's network with its initial weights; the same in every replica.

    Raises:
        ConfigError: the network does not exist, or the weights of `start_from` are missing or do not fit it.
    """
    network = build_to_train(config)
    if config.start_from is None:
        return network
    path = weights_path(SEGMENTATION) if config.start_from == PACKAGE_WEIGHTS else Path(config.start_from)
    try:
        _take_over(network, load_network(path).state_dict())
    except (CheckpointError, RuntimeError) as error:
        first = " ".join(str(error).split())[:200]
        raise ConfigError(
            f"start_from is {config.start_from}, whose weights do not fit this config's network ({first}); give a "
            "checkpoint of a network with the same `network`, `widths`, `patch_px`, `refine` and `classes`, or leave "
            "it out"
        ) from error
    return network.train()


def _take_over(network: SegmentationNetwork, weights: dict[str, Tensor]) -> None:
    """Loads all weights. A refinement head missing from the checkpoint keeps its zero initialisation, an identity."""
    own = {name: weight for name, weight in network.state_dict().items() if name.startswith(_REFINE)}
    network.load_state_dict({**own, **weights})
