"""Draws a predicted mask over the page it was read from."""

import numpy as np
import numpy.typing as npt

# By the competition project's convention: horizontal red, vertical blue, intersection yellow, wave green.
FIVE_CLASS_COLOURS = ((0, 0, 0), (255, 0, 0), (0, 0, 255), (255, 255, 0), (0, 200, 0))
# A 3-class network does not tell the lines apart.
THREE_CLASS_COLOURS = ((0, 0, 0), (255, 0, 0), (0, 200, 0))
_OPACITY = 0.6


def overlay(image_hwc: npt.NDArray[np.uint8], mask_hw: npt.NDArray[np.uint8], classes: int) -> npt.NDArray[np.uint8]:
    """(h, w, 3) uint8: the page in grey with the classes' colours over it; background stays as it is.

    Raises:
        ValueError: `classes` is neither 3 nor 5.
    """
    if classes not in (3, 5):
        raise ValueError(f"a mask of {classes} classes; expected 3 (background, grid, wave) or 5")
    colours = np.array(THREE_CLASS_COLOURS if classes == 3 else FIVE_CLASS_COLOURS, np.float32)
    grey = image_hwc.mean(axis=2, keepdims=True).repeat(3, axis=2)
    mixed = (1 - _OPACITY) * grey + _OPACITY * colours[mask_hw]
    drawn: npt.NDArray[np.uint8] = np.where(mask_hw[:, :, None] > 0, mixed, grey).astype(np.uint8)
    return drawn
