"""Weights that come with the package. What they were trained on and cannot do: MODEL_CARD.md beside this file."""

from importlib.resources import files
from pathlib import Path

SEGMENTATION = "grid_5class.safetensors"
TURNS = "turns.onnx"
WAVE = "flat_wave.safetensors"
FOLDER = Path(str(files(__name__)))


class WeightsMissingError(FileNotFoundError):
    """The package was installed without a file of its weights; the message names it."""


def weights_path(name: str) -> Path:
    """Where `SEGMENTATION`, `TURNS` or `WAVE` lies.

    Raises:
        WeightsMissingError: it is not in this installation.
    """
    path = FOLDER / name
    if not path.exists():
        raise WeightsMissingError(f"{path} is not there; {how_to_restore(path)}")
    return path


def how_to_restore(path: Path) -> str:
    """What brings a file of the package back: the end of a sentence."""
    if (FOLDER.parent.parent / ".git").exists():
        return f"put it back as it was released: git -C {FOLDER} checkout -- {path.name}"
    return "install the package ecg-assets again, which has that file"
