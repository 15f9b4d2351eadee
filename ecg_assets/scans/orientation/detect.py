"""Detects the quarter turn of a picture of a page from pieces of it."""

import functools
from functools import cache

import cv2
import numpy as np
import numpy.typing as npt

from ecg_assets.weights import TURNS, weights_path

# Pieces of this size at the scale of segmentation are halved in size for the network.
PIECE_PX = 512
SEEN_PX = PIECE_PX // 2
_ACROSS, _DOWN = 5, 5
_LANDSCAPE = 0.9
# Removes light and paper, but not letters and traces.
_AROUND_PX = 33
_CONTRAST = 1 / 25

Rgb = npt.NDArray[np.uint8]


def quarter_turns(image_hwc: Rgb) -> tuple[int, float]:
    """Counter-clockwise quarter turns that make a page upright, and their confidence (0.25 to 1).

    Args:
        image_hwc: (h, w, 3) uint8, approximately at the scale of segmentation.
    """
    # Most pages are wider than high, and stay so when turned by 0 or 2 quarters.
    wide = image_hwc.shape[1] >= image_hwc.shape[0]
    log_p = np.log(np.where(np.arange(4) % 2 == (0 if wide else 1), _LANDSCAPE, 1 - _LANDSCAPE))
    for piece in _pieces(image_hwc):
        logits = _network_answers(as_seen(piece))
        log_p += logits - np.logaddexp.reduce(logits)
    p = np.exp(log_p - np.logaddexp.reduce(log_p))
    found = int(p.argmax())  # how far it has been turned
    return -found % 4, float(p[found])


def as_seen(piece_hwc: Rgb) -> npt.NDArray[np.float32]:
    """(256, 256) float32 of a piece (512, 512, 3) uint8: how much darker than around, about -5 to 5."""
    darkest = functools.reduce(cv2.min, cv2.split(np.ascontiguousarray(piece_hwc)))
    small = cv2.resize(darkest, (SEEN_PX, SEEN_PX), interpolation=cv2.INTER_AREA).astype(np.float32)
    seen: npt.NDArray[np.float32] = (cv2.blur(small, (_AROUND_PX, _AROUND_PX)) - small) * np.float32(_CONTRAST)
    return seen


@cache
def _network() -> cv2.dnn.Net:
    # OpenCV runs this small network, so neither torch nor onnxruntime is needed.
    return cv2.dnn.readNetFromONNX(str(weights_path(TURNS)))


def _network_answers(seen_hw: npt.NDArray[np.float32]) -> npt.NDArray[np.float64]:
    network = _network()
    network.setInput(seen_hw[None, None])
    return np.asarray(network.forward()[0], dtype=np.float64)


def _pieces(image_hwc: Rgb) -> list[Rgb]:
    """Pieces from the whole picture."""
    height, width = (max(0, side - PIECE_PX) for side in image_hwc.shape[:2])
    rows, columns = np.linspace(0, height, _DOWN).astype(int), np.linspace(0, width, _ACROSS).astype(int)
    if min(image_hwc.shape[:2]) < PIECE_PX:
        missing = [max(0, PIECE_PX - side) for side in image_hwc.shape[:2]]
        image_hwc = np.pad(image_hwc, ((0, missing[0]), (0, missing[1]), (0, 0)), mode="edge")
    return [image_hwc[y : y + PIECE_PX, x : x + PIECE_PX] for y in np.unique(rows) for x in np.unique(columns)]
