"""Takes short bits of wave, which letters and dirt are, out of a mask."""

import cv2
import numpy as np
import numpy.typing as npt

from ecg_assets.samples.classes import BACKGROUND

Mask = npt.NDArray[np.uint8]

# Names and headers are printed up to 5 mm high. A trace is far longer, and still is where it is broken.
SHORT_MM = 6.0
# Bits this near each other are one: a trace that is broken for a pixel goes on.
_JOINED = np.ones((3, 3), np.uint8)


def without_specks(mask_hw: Mask, wave: int, px_per_mm: float) -> Mask:
    """The mask with background for bits of wave that are shorter than 6 mm both across and down.

    Args:
        mask_hw: (h, w) uint8 classes.
        wave: the wave's class.
        px_per_mm: scale of the mask.

    Returns:
        (h, w) uint8, a new array.
    """
    joined = cv2.dilate((mask_hw == wave).astype(np.uint8), _JOINED)
    _, labels, boxes, _ = cv2.connectedComponentsWithStats(joined, connectivity=8)
    longer = np.maximum(boxes[:, cv2.CC_STAT_WIDTH], boxes[:, cv2.CC_STAT_HEIGHT])
    short = longer < SHORT_MM * px_per_mm
    short[0] = False  # all that is no wave
    cleaned: Mask = np.where(short[labels] & (mask_hw == wave), np.uint8(BACKGROUND), mask_hw)
    return cleaned
