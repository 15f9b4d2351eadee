"""The five classes of a page's pixels, and their colours for people."""

import numpy as np
import numpy.typing as npt

CLASSES: tuple[str, ...] = ("background", "horizontal", "vertical", "intersection", "wave")

# The usual colours of overlays: horizontal red, vertical blue, intersection yellow, wave green.
CLASS_COLOURS: npt.NDArray[np.uint8] = np.array(
    [[255, 255, 255], [220, 40, 40], [40, 80, 220], [240, 190, 0], [0, 140, 60]], dtype=np.uint8
)


def colourise(mask_hw: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """A class mask (h, w) as an RGB picture (h, w, 3) uint8."""
    return CLASS_COLOURS[mask_hw]
