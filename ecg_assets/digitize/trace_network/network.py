"""Predicts where the trace is on a flat page, with the network trained on flat pages."""

from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from ecg_assets.digitize.rectification.canvas import CANVAS_PX_PER_MM_X, CANVAS_PX_PER_MM_Y
from ecg_assets.digitize.trace_network.tiling import predict_where
from ecg_assets.scans.tiles import Predict

Field = npt.NDArray[np.float32]

_WAVE = 1
# Surroundings of trace fragments found by the first network are predicted again by this one.
_LIKELY = 0.3
_AROUND_MM = 5.0


class WaveNetwork:
    """The network trained on flat pages (see `train`), ready to predict."""

    def __init__(self, predict: Predict) -> None:
        """Takes the function that runs it and returns probabilities (n, 2, h, w), see `tiling.predict_where`."""
        self._predict = predict

    @classmethod
    def load(cls, checkpoint: Path) -> "WaveNetwork":
        """Loads its weights.

        Raises:
            CheckpointError: the file does not exist or is not a checkpoint.
        """
        from ecg_assets.scans.torch_predictor import torch_predictor

        return cls(torch_predictor(checkpoint)[0])

    def trace(self, image_hwc: npt.NDArray[np.uint8], rough_hw: Field) -> Field:
        """(h, w) float32, 0 to 1: the share of each pixel that a thin trace covers.

        Args:
            image_hwc: (h, w, 3) uint8 RGB, a flat page.
            rough_hw: (h, w) float32, probability of the trace from the network that found the grid.
        """
        return predict_where(image_hwc, self._predict, worth_a_look(rough_hw), _WAVE)


def worth_a_look(rough_hw: Field) -> npt.NDArray[np.bool_]:
    """(h, w) bool: pixels near a possible trace."""
    likely = (rough_hw > _LIKELY).view(np.uint8)
    around = (2 * round(_AROUND_MM * side) + 1 for side in (CANVAS_PX_PER_MM_Y, CANVAS_PX_PER_MM_X))
    return np.asarray(cv2.dilate(likely, np.ones(tuple(around), np.uint8)) > 0, dtype=np.bool_)
