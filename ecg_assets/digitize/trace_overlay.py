"""Overlays the recovered traces on the input picture for visual inspection."""

import cv2
import numpy as np
import numpy.typing as npt

from ecg_assets.digitize.lead_layout.layout_match import Slot
from ecg_assets.digitize.rectification.flat_page import FlatPage
from ecg_assets.digitize.tracing.centre_line import Line

Image = npt.NDArray[np.uint8]

# Neighbours differ, and all differ from paper and ink.
_COLOURS = ((0, 110, 255), (200, 0, 200), (0, 150, 60), (255, 120, 0))
_PALE = 0.45
_BITS = 4


def check_picture(flat: FlatPage, lines: dict[Slot, Line]) -> Image:
    """(h, w, 3) uint8 RGB: the upright picture, lightened, with each lead's coloured trace and name."""
    shown = flat.page.image_hwc
    pale: Image = cv2.addWeighted(shown, 1 - _PALE, np.full_like(shown, 255), _PALE, 0)
    for slot, line in lines.items():
        if not np.isfinite(line.y_px).all():
            continue
        colour = _COLOURS[(slot.row + slot.column) % len(_COLOURS)]
        places = _in_picture(flat, line)
        cv2.polylines(
            pale, [np.round(places * (1 << _BITS)).astype(np.int32)], False, colour, 1, cv2.LINE_AA, shift=_BITS
        )
        x, y = places[0]
        cv2.putText(pale, slot.lead, (int(x) + 4, int(y) - 30), cv2.FONT_HERSHEY_SIMPLEX, 0.8, colour, 2, cv2.LINE_AA)
    return pale


def _in_picture(flat: FlatPage, line: Line) -> npt.NDArray[np.float64]:
    """(n, 2) float64: the line's points in the upright picture, pixel centres at whole numbers."""
    height, width = flat.canvas.x_px_hw.shape
    columns = np.clip(np.arange(line.first, line.first + len(line.y_px)), 0, width - 1)
    rows = np.clip(line.y_px, 0, height - 1.001)
    above = np.floor(rows).astype(int)
    part = rows - above
    planes = (flat.canvas.x_px_hw, flat.canvas.y_px_hw)
    return np.stack([plane[above, columns] * (1 - part) + plane[above + 1, columns] * part for plane in planes], axis=1)
