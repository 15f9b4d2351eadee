"""Weights that come with the package. What they were trained on and cannot do: MODEL_CARD.md beside this file."""

from importlib.resources import files
from pathlib import Path

SEGMENTATION = "grid_5class.safetensors"
TURNS = "turns.onnx"
WAVE = "flat_wave.safetensors"


class WeightsMissingError(FileNotFoundError):
    """The package was installed without a file of its weights; the message names it."""


def weights_path(name: str) -> Path:
    """Where `SEGMENTATION`, `TURNS` or `WAVE` lies.

    Raises:
        WeightsMissingError: it is not in this installation.
    """
    path = Path(str(files(__name__) / name))
    if not path.exists():
        raise WeightsMissingError(f"{path} is not there: install the package again, or from a whole checkout")
    return path
