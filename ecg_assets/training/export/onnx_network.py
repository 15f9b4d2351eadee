"""A network in an ONNX file, ready to read tiles. Nothing here, nor what it imports, needs torch."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict, ValidationError

INPUT, OUTPUT = "image_bchw", "probabilities_bchw"
# The key of the file's metadata that holds the card.
CARD = "ecg_assets"


class OnnxError(ValueError):
    """An ONNX file cannot be read, or written, or is given what it cannot take; the message says what to do."""


class OnnxCard(BaseModel):
    """What an ONNX file says of its network.

    Attributes:
        classes: their names, in the order of the output's channels.
        multiple_px: what height and width of an image must be multiples of.
        tile_px: the only height and width that the network takes; None when it takes any.
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
        card: what the file says of it.
        classes: how many the network tells apart, 3 or 5.
        multiple_px: as the card's.
    """

    def __init__(self, path: Path, threads: int = 0) -> None:
        """Opens a file that `ecg-assets export-onnx` wrote.

        Args:
            path: the ONNX file.
            threads: of onnxruntime; 0: as many as it sees cores.

        Raises:
            OnnxError: onnxruntime is not installed, there is no such file, or it is of another program.
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
            OnnxError: height or width is none that the network takes.
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
    if not path.is_file():  # a named pipe would hang whoever reads it
        raise OnnxError(f"{path} is a folder, a named pipe or the like, expected a file; move it away")
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    try:
        return onnxruntime.InferenceSession(path.read_bytes(), options, providers=["CPUExecutionProvider"])
    except Exception as error:  # its own exceptions share no class of their own
        raise OnnxError(f"{path} is no ONNX file that onnxruntime can run: {error}") from error
