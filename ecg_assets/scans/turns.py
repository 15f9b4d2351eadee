"""How a picture of a page is turned, judged by pieces of it."""

import functools
from functools import cache

import cv2
import numpy as np
import numpy.typing as npt

from ecg_assets.weights import TURNS, weights_path

# Pieces of this size at the scale of segmentation are looked at at half of it.
PIECE_PX = 512
SEEN_PX = PIECE_PX // 2
_PIECES = 12

Rgb = npt.NDArray[np.uint8]


def quarter_turns(image_hwc: Rgb) -> tuple[int, float]:
    """Counter-clockwise quarter turns that make a page stand upright, and how sure that is (0.25 to 1).

    Args:
        image_hwc: (h, w, 3) uint8, roughly at the scale of segmentation.
    """
    log_p = np.zeros(4)
    for piece in _pieces(image_hwc):
        logits = _network_answers(as_seen(piece))
        log_p += logits - np.logaddexp.reduce(logits)
    p = np.exp(log_p - np.logaddexp.reduce(log_p))
    found = int(p.argmax())  # how far it has been turned
    return -found % 4, float(p[found])


def as_seen(piece_hwc: Rgb) -> npt.NDArray[np.float32]:
    """(256, 256) float32 in -1..1 of a piece (512, 512, 3) uint8: the darkest colour, at half of the size."""
    darkest = functools.reduce(cv2.min, cv2.split(np.ascontiguousarray(piece_hwc)))
    small = cv2.resize(darkest, (SEEN_PX, SEEN_PX), interpolation=cv2.INTER_AREA)
    seen: npt.NDArray[np.float32] = small.astype(np.float32) / np.float32(127.5) - np.float32(1)
    return seen


@cache
def _network() -> cv2.dnn.Net:
    # OpenCV runs it: neither torch nor onnxruntime is needed for a network this small.
    return cv2.dnn.readNetFromONNX(str(weights_path(TURNS)))


def _network_answers(seen_hw: npt.NDArray[np.float32]) -> npt.NDArray[np.float64]:
    network = _network()
    network.setInput(seen_hw[None, None])
    return np.asarray(network.forward()[0], dtype=np.float64)


def _pieces(image_hwc: Rgb) -> list[Rgb]:
    """Pieces all over the picture, those with the most ink first."""
    height, width = (max(0, side - PIECE_PX) for side in image_hwc.shape[:2])
    places = [(y, x) for y in np.linspace(0, height, 5).astype(int) for x in np.linspace(0, width, 5).astype(int)]
    pieces = [image_hwc[y : y + PIECE_PX, x : x + PIECE_PX] for y, x in places]
    if pieces[0].shape[:2] != (PIECE_PX, PIECE_PX):
        missing = [max(0, PIECE_PX - side) for side in image_hwc.shape[:2]]
        padded = np.pad(image_hwc, ((0, missing[0]), (0, missing[1]), (0, 0)), mode="edge")
        return [padded[:PIECE_PX, :PIECE_PX]]
    contrast = [float(piece[::4, ::4].min(axis=2).std()) for piece in pieces]
    return [pieces[number] for number in np.argsort(contrast)[::-1][:_PIECES]]
