"""Removes false wave components from a mask: short fragments (usually letters and dirt) and the frame of a page."""

import cv2
import numpy as np
import numpy.typing as npt

from ecg_assets.pages.classes import BACKGROUND

Mask = npt.NDArray[np.uint8]

# Names and headers are printed up to 5 mm high. A trace is far longer, even in pieces.
SHORT_MM = 6.0
# Margin with frames and edges of the paper.
EDGE_MM = 1.5
# Fragments this near each other are joined, so that a gap of a pixel does not break a trace.
_JOINED = np.ones((3, 3), np.uint8)


def without_specks(mask_hw: Mask, wave: int, px_per_mm: float) -> Mask:
    """The mask with background for bits of wave that are shorter than 6 mm both across and down, or that lie wholly in
    the outermost 1.5 mm: a printed frame or the edge of the paper, along which no trace runs.

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
    edge = round(EDGE_MM * px_per_mm)
    inside = labels[edge : labels.shape[0] - edge, edge : labels.shape[1] - edge]
    left_out = short | (np.bincount(inside.ravel(), minlength=len(boxes)) == 0)
    left_out[0] = False  # everything except wave
    cleaned: Mask = np.where(left_out[labels] & (mask_hw == wave), np.uint8(BACKGROUND), mask_hw)
    return cleaned
