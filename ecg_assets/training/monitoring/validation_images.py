"""Draws the best network's predictions for eight fixed validation samples.

`python -m ecg_assets.training.monitoring.validation_images RUN_FOLDER` draws them, in a separate process because
building a network uses torch's global generator, which the training uses as well.
"""

import io
import os
import shutil
import sys
import tempfile
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image
from safetensors import safe_open

from ecg_assets.pages.classes import HORIZONTAL, WAVE
from ecg_assets.pages.preview import tile
from ecg_assets.samples.classes import CLASS_COLOURS
from ecg_assets.samples.reader import Sample, SampleReader
from ecg_assets.store.atomic import write_bytes
from ecg_assets.store.compute.parent_death import end_with_parent
from ecg_assets.training.label_map import to_classes
from ecg_assets.training.runs.run_folder import RunFolder
from ecg_assets.training.runs.run_state import EpochScores, read_start

SAMPLES = 8
_SAMPLES_IN_A_ROW = 2
_LABEL_PX = 18
_COLOURS = 128
_NICENESS = 19
# The middle of each sample is shown at full resolution, because lines are two pixels thin.
_SHOWN_PX = 256

Rgb = npt.NDArray[np.uint8]


def picture_path(run: RunFolder, epoch: int) -> Path:
    """Path of the picture of an epoch's weights."""
    return run.path / "pictures" / f"epoch_{epoch}.png"


def best_epoch(checkpoint: Path) -> int:
    """The epoch of a best checkpoint, from its header, without reading weights.

    Raises:
        FileNotFoundError, SafetensorError: the file is missing or is not a safetensors file.
    """
    with safe_open(checkpoint, framework="np") as file:
        return EpochScores.model_validate_json((file.metadata() or {})["scores"]).epoch


def due_epoch(run: RunFolder) -> int | None:
    """The epoch of the best weights so far, if it has no picture yet."""
    epoch = best_epoch(run.best) if run.best.exists() else None
    return epoch if epoch is not None and not picture_path(run, epoch).exists() else None


def draw_best(run: RunFolder) -> Path:
    """Draws the picture of the best weights so far.

    Raises:
        CheckpointError, RunFolderError, DatasetError: there are no weights, no config or no dataset.
    """
    # Imported here because other users of this module do not need torch.
    import torch

    from ecg_assets.training.checkpoints.checkpoint import load_network
    from ecg_assets.training.models.compact_unet import normalise

    with tempfile.TemporaryDirectory() as folder:
        # A newer best may replace the file at any time, so epoch and weights are read from the same copy.
        checkpoint = Path(shutil.copyfile(run.best, Path(folder) / run.best.name))
        epoch, network = best_epoch(checkpoint), load_network(checkpoint)
    start = read_start(run)
    panels = []
    for sample in _chosen(SampleReader(run.path / start.dataset, "validation", start.config.recipes)):
        with torch.inference_mode():
            logits_bchw = network(normalise(torch.from_numpy(sample.image_hwc.copy())[None]))
        predicted_hw = logits_bchw[0].argmax(dim=0).numpy().astype(np.uint8)
        panels.append(_panel(sample, predicted_hw, network.classes))
    path = picture_path(run, epoch)
    write_bytes(path, _png(tile(panels, columns=_SAMPLES_IN_A_ROW, width_px=panels[0].shape[1])))
    return path


def _chosen(reader: SampleReader) -> list[Sample]:
    """Up to eight samples, evenly from the whole split."""
    numbers = np.unique(np.linspace(0, len(reader) - 1, SAMPLES).round().astype(int))
    return [reader[int(number)] for number in numbers]


def _panel(sample: Sample, predicted_hw: npt.NDArray[np.uint8], classes: int) -> Rgb:
    """Image, truth and prediction side by side, below their names."""
    colours = CLASS_COLOURS if classes == len(CLASS_COLOURS) else CLASS_COLOURS[[0, HORIZONTAL, WAVE]]
    truth_hw = to_classes(sample.mask_hw, classes)
    names = (f"{sample.id} {sample.recipe}", "truth", "prediction")
    pictures = (sample.image_hwc, colours[truth_hw], colours[predicted_hw])
    return np.hstack([_named(name, _middle(picture)) for name, picture in zip(names, pictures, strict=True)])


def _middle(picture_hwc: Rgb) -> Rgb:
    top, left = (max(0, length - _SHOWN_PX) // 2 for length in picture_hwc.shape[:2])
    return picture_hwc[top : top + _SHOWN_PX, left : left + _SHOWN_PX]


def _named(name: str, picture_hwc: Rgb) -> Rgb:
    framed = cv2.copyMakeBorder(picture_hwc, _LABEL_PX, 2, 2, 2, cv2.BORDER_CONSTANT, value=(225, 225, 225))
    cv2.putText(framed, name, (4, _LABEL_PX - 5), cv2.FONT_HERSHEY_SIMPLEX, 0.4, (0, 0, 0), 1, cv2.LINE_AA)
    return np.asarray(framed, dtype=np.uint8)


def _png(rgb_hwc: Rgb) -> bytes:
    target = io.BytesIO()
    Image.fromarray(rgb_hwc).quantize(_COLOURS, dither=Image.Dither.NONE).save(target, "PNG", optimize=True)
    return target.getvalue()


def main() -> None:
    """Draws the picture of the run folder on the command line; prints its path relative to that folder."""
    end_with_parent(os.getppid())
    os.nice(_NICENESS)
    run = RunFolder(Path(sys.argv[1]))
    sys.stdout.write(draw_best(run).relative_to(run.path).as_posix())


if __name__ == "__main__":
    main()
