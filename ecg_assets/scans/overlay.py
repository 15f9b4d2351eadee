"""Draws a predicted mask over the page it was read from."""

import numpy as np
import numpy.typing as npt

from ecg_assets.pages.classes import HORIZONTAL, WAVE
from ecg_assets.samples.classes import CLASS_COLOURS

# A 3-class network (background, grid, wave) does not distinguish the lines.
_THREE_CLASS_COLOURS = CLASS_COLOURS[[0, HORIZONTAL, WAVE]]
_OPACITY = 0.6


def overlay(image_hwc: npt.NDArray[np.uint8], mask_hw: npt.NDArray[np.uint8], classes: int) -> npt.NDArray[np.uint8]:
    """(h, w, 3) uint8: the page in grey with the classes' colours over it; background is unchanged.

    Raises:
        ValueError: `classes` is neither 3 nor 5.
    """
    if classes not in (3, 5):
        raise ValueError(f"a mask of {classes} classes; expected 3 (background, grid, wave) or 5")
    colours = (_THREE_CLASS_COLOURS if classes == 3 else CLASS_COLOURS).astype(np.float32)
    grey = image_hwc.mean(axis=2, keepdims=True).repeat(3, axis=2)
    mixed = (1 - _OPACITY) * grey + _OPACITY * colours[mask_hw]
    drawn: npt.NDArray[np.uint8] = np.where(mask_hw[:, :, None] > 0, mixed, grey).astype(np.uint8)
    return drawn
