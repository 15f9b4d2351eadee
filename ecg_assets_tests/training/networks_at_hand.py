"""Untrained networks as checkpoints, for tests that need any real network."""

from pathlib import Path

from ecg_assets.training.checkpoints.hashed_safetensors import write_sealed
from ecg_assets.training.label_map import ClassCount
from ecg_assets.training.models.compact_unet import CompactUNet, initialise
from ecg_assets.training.models.registry import NetworkSpec


def put_checkpoint(path: Path, seed: int = 0, classes: ClassCount = 5) -> CompactUNet:
    """Writes a small network with random weights, and returns it, ready to predict."""
    spec = NetworkSpec(classes=classes, widths=(8, 16), patch_px=2)
    network = CompactUNet(classes, (8, 16), 2)
    initialise(network, seed)
    path.parent.mkdir(parents=True, exist_ok=True)
    write_sealed(path, network.state_dict(), {"network": spec.model_dump_json()})
    return network.eval()
