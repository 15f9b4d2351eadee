"""Runs a network from an ONNX file on tiles. Neither this module nor its imports need torch."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict, ValidationError

INPUT, OUTPUT = "image_bchw", "probabilities_bchw"
# Key of the card in the file's metadata.
CARD = "ecg_assets"


class OnnxError(ValueError):
    """An ONNX file cannot be read or written, or its input has a wrong size; the message says what to do."""


class OnnxCard(BaseModel):
    """An ONNX file's description of its network.

    Attributes:
        classes: names, in the order of the output's channels.
        multiple_px: height and width of an image must be multiples of this.
        tile_px: the only height and width that the network accepts; None if it accepts any.
        scale, offset: the input is RGB from 0 to 255, times scale plus offset.
        checkpoint_sha256: of the file that was exported.
    """

    model_config = ConfigDict(frozen=True)

    classes: tuple[str, ...]
    multiple_px: int
    tile_px: int | None = None
    scale: float
    offset: float
    checkpoint_sha256: str


class OnnxNetwork:
    """A network that onnxruntime runs on the CPU.

    Attributes:
        card: the file's description.
        classes: number of classes, 3 or 5.
        multiple_px: as the card's.
    """

    def __init__(self, path: Path, threads: int = 0) -> None:
        """Opens a file that `ecg-assets export-onnx` wrote.

        Args:
            path: the ONNX file.
            threads: of onnxruntime; 0: one for each core.

        Raises:
            OnnxError: onnxruntime is not installed, the file does not exist, or it was written by another program.
        """
        self._session = _open(path, threads)
        try:
            stored = self._session.get_modelmeta().custom_metadata_map[CARD]
            self.card = OnnxCard.model_validate(json.loads(stored))
        except (KeyError, ValidationError, json.JSONDecodeError) as error:
            raise OnnxError(
                f"{path} is an ONNX file, but its metadata hold no usable {CARD!r}; "
                f"write it with: ecg-assets export-onnx {path}"
            ) from error
        self.classes, self.multiple_px = len(self.card.classes), self.card.multiple_px

    def predict(self, tiles_bhwc: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
        """Probabilities (b, classes, h, w) float32 of RGB tiles (b, h, w, 3) uint8; over the classes they sum to 1.

        Raises:
            OnnxError: the network does not accept this height or width.
        """
        self._check(tiles_bhwc.shape)
        image_bchw = np.ascontiguousarray(tiles_bhwc.transpose(0, 3, 1, 2), dtype=np.float32)
        image_bchw *= np.float32(self.card.scale)
        image_bchw += np.float32(self.card.offset)
        probabilities: npt.NDArray[np.float32] = self._session.run([OUTPUT], {INPUT: image_bchw})[0]
        return probabilities

    def _check(self, shape: tuple[int, ...]) -> None:
        if len(shape) != 4 or shape[3] != 3:
            raise OnnxError(f"tiles of shape {shape}; expected (tiles, height, width, 3)")
        height, width = shape[1:3]
        fixed = self.card.tile_px
        if fixed is not None and (height, width) != (fixed, fixed):
            raise OnnxError(f"tiles of {height} x {width} px, but this network takes {fixed} x {fixed} px only")
        if height % self.multiple_px or width % self.multiple_px:
            raise OnnxError(f"tiles of {height} x {width} px; expected multiples of {self.multiple_px} px")


def _open(path: Path, threads: int) -> Any:
    # An optional part of the installation.
    try:
        import onnxruntime
    except ImportError as error:
        raise OnnxError("onnxruntime is not installed; install it with: pip install onnxruntime") from error
    if not path.exists():
        raise OnnxError(f"{path} is not there; write it with: ecg-assets export-onnx {path}")
    if not path.is_file():  # reading a named pipe would hang
        raise OnnxError(f"{path} is a folder, a named pipe or the like, expected a file; move it away")
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    try:
        return onnxruntime.InferenceSession(path.read_bytes(), options, providers=["CPUExecutionProvider"])
    except Exception as error:  # its exceptions share no base class
        raise OnnxError(f"{path} is no ONNX file that onnxruntime can run: {error}") from error
