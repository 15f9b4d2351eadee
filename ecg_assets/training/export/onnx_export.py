"""Writes a network as an ONNX file, and keeps it only if onnxruntime predicts the same classes as torch."""

import tempfile
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from ecg_assets.store.atomic import atomic_path
from ecg_assets.store.fingerprint import sha256_file
from ecg_assets.store.log import Log
from ecg_assets.training.checkpoints.checkpoint import load_network
from ecg_assets.training.export.onnx_network import CARD, INPUT, OUTPUT, OnnxCard, OnnxError, OnnxNetwork
from ecg_assets.training.label_map import class_names
from ecg_assets.training.models.compact_unet import SegmentationNetwork, normalise

LEAST_AGREEMENT = 0.999
TILE_PX = 512
_OPSET = 17

Tiles = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class Exported:
    """Summary of an export.

    Attributes:
        path: the ONNX file.
        card: its metadata.
        agreement: share of the pixels for which onnxruntime and torch predict the same class.
        pixels: number of compared pixels.
    """

    path: Path
    card: OnnxCard
    agreement: float
    pixels: int


class _Probabilities(nn.Module):
    """Maps normalised images to probabilities."""

    def __init__(self, network: SegmentationNetwork) -> None:
        super().__init__()
        self.network = network

    def forward(self, image_bchw: Tensor) -> Tensor:
        probabilities: Tensor = self.network(image_bchw).softmax(dim=1)
        return probabilities


def export_onnx(checkpoint: Path, out: Path, samples: Sequence[Tiles], log: Log) -> Exported:
    """Exports a checkpoint's network for images of any size, or for tiles of 512 px if that is impossible.

    Args:
        checkpoint: best or last of a run.
        out: the ONNX file to write.
        samples: (512, 512, 3) uint8 images to compare both on.
        log: receives what happens.

    Raises:
        CheckpointError: the file is not a checkpoint.
        OnnxError: the classes differ on more than 0.1 % of the pixels (no file is written), or onnx is missing.
    """
    network = load_network(checkpoint)
    card = OnnxCard(
        classes=class_names(network.classes),
        multiple_px=network.multiple_px,
        **_normalisation(),
        checkpoint_sha256=sha256_file(checkpoint),
    )
    with atomic_path(out) as temporary:
        _write(network, card, temporary)
        try:
            agreement, pixels = agreement_of(OnnxNetwork(temporary), network, _of_several_sizes(samples, card))
        except OnnxError as error:
            log(f"exporting for tiles of {TILE_PX} px only; other sizes it cannot take: {error}")
            card = card.model_copy(update={"tile_px": TILE_PX})
            _write(network, card, temporary)
            agreement, pixels = agreement_of(OnnxNetwork(temporary), network, samples)
        log(f"onnxruntime and torch give the same class for {agreement:.4%} of {pixels:,} pixels")
        if agreement < LEAST_AGREEMENT:
            raise OnnxError(
                f"onnxruntime gives other classes than torch for {1 - agreement:.3%} of the pixels (at most "
                f"{1 - LEAST_AGREEMENT:.1%} expected); {out} was not written"
            )
    return Exported(out, card, agreement, pixels)


def agreement_of(onnx: OnnxNetwork, network: SegmentationNetwork, images: Sequence[Tiles]) -> tuple[float, int]:
    """Share of the pixels for which both predict the same class, and the number of compared pixels.

    Raises:
        OnnxError: onnxruntime cannot run the network on an image.
    """
    same = pixels = 0
    for image_hwc in images:
        # Batches of two, to check that the batch size is dynamic as well.
        tiles_bhwc = np.stack([image_hwc, image_hwc[::-1]])
        with torch.inference_mode():
            ours = network(normalise(torch.from_numpy(tiles_bhwc))).argmax(dim=1).numpy()
        theirs = _run(onnx, tiles_bhwc).argmax(axis=1)
        same, pixels = same + int((ours == theirs).sum()), pixels + ours.size
    return same / pixels, pixels


def _run(onnx: OnnxNetwork, tiles_bhwc: Tiles) -> npt.NDArray[np.float32]:
    try:
        return onnx.predict(tiles_bhwc)
    except OnnxError:
        raise
    except Exception as error:  # onnxruntime's exceptions share no base class
        raise OnnxError(f"onnxruntime cannot run it on {tiles_bhwc.shape[1:3]} px: {error}") from error


def _of_several_sizes(samples: Sequence[Tiles], card: OnnxCard) -> list[Tiles]:
    """The samples, and a part of the first one with another, non-square size."""
    height, width = (max(card.multiple_px, length // card.multiple_px * card.multiple_px) for length in (200, 330))
    return [*samples, samples[0][:height, :width]]


def _normalisation() -> dict[str, float]:
    """Scale and offset that `normalise` applies to a grey level."""
    black, white = (float(normalise(torch.full((1, 1, 1, 3), level, dtype=torch.uint8))[0, 0]) for level in (0, 255))
    return {"scale": (white - black) / 255, "offset": black}


def _write(network: SegmentationNetwork, card: OnnxCard, path: Path) -> None:
    try:
        import onnx
    except ImportError as error:
        raise OnnxError("onnx is not installed; install it with: pip install onnx onnxruntime") from error
    free = {0: "tiles"} if card.tile_px else {0: "tiles", 2: "height", 3: "width"}
    with warnings.catch_warnings(), tempfile.TemporaryDirectory() as folder:
        # The newer exporter needs more packages and fixes the image's size.
        warnings.simplefilter("ignore")
        raw = Path(folder) / "raw.onnx"
        torch.onnx.export(
            _Probabilities(network).eval(),
            (torch.zeros(1, 3, TILE_PX, TILE_PX),),
            str(raw),
            input_names=[INPUT],
            output_names=[OUTPUT],
            dynamic_axes={INPUT: free, OUTPUT: free},
            opset_version=_OPSET,
            dynamo=False,
        )
        model = onnx.load(raw)
    onnx.helper.set_model_props(model, {CARD: card.model_dump_json()})
    onnx.checker.check_model(model, full_check=True)
    path.write_bytes(model.SerializeToString())
