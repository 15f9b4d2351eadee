"""A picture of a page laid flat, with what a network says about it."""

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from ecg_assets.digitize.lattice import find_lattice
from ecg_assets.digitize.reader import NotAnEcgError
from ecg_assets.digitize.rectify import CELL_MM, Canvas, flat_canvas
from ecg_assets.digitize.surface import Surface, lay_surface
from ecg_assets.samples.classes import HORIZONTAL, INTERSECTION, VERTICAL, WAVE
from ecg_assets.scans.page import PX_PER_MM, UprightPage
from ecg_assets.scans.segment import Segmenter

Field = npt.NDArray[np.float32]

_MARGIN = 6
# Of the crossings between the outermost: noise hangs together in threads, the worst photos have 0.4.
_LEAST_FOUND = 0.25


@dataclass(frozen=True)
class FlatPage:
    """A page whose every millimetre is as long as any other.

    Attributes:
        page: the picture as the network saw it.
        surface: where the crossings of its grid lie.
        canvas: where the flat page's pixels lie.
        image_hwc: (h, w, 3) uint8 RGB, the flat page.
        wave_hw: (h, w) float32, probability of the trace.
        shown_hw: (h, w) bool, what the picture shows.
        turn_confidence: how sure the quarter turn is.
        scale_known: whether the grid told the scale.
    """

    page: UprightPage
    surface: Surface
    canvas: Canvas
    image_hwc: npt.NDArray[np.uint8]
    wave_hw: Field
    shown_hw: npt.NDArray[np.bool_]
    turn_confidence: float
    scale_known: bool


def lay_flat(image_hwc: npt.NDArray[np.uint8], segmenter: Segmenter) -> FlatPage:
    """Turns, scales and flattens a picture.

    Raises:
        NotAnEcgError: no grid of 5-mm lines is found in it.
    """
    page, grid, scores, turn_confidence = segmenter.probabilities(image_hwc)
    level, upright = scores[HORIZONTAL] + scores[INTERSECTION], scores[VERTICAL] + scores[INTERSECTION]
    lattice = find_lattice(level, upright, CELL_MM * PX_PER_MM)
    surface = lay_surface(lattice, _MARGIN) if lattice is not None else None
    if surface is None or surface.found < _LEAST_FOUND:
        raise NotAnEcgError(
            "no grid of 5-mm lines is found in the picture: expected a scan or photo of a paper ECG in which the grid "
            "can be seen; scan it in colour, at 150 dpi or more"
        )
    canvas = flat_canvas(surface, level.shape)
    whole = np.full(level.shape, 255, np.uint8)
    # From the file's own pixels: a fine photo keeps what the network's scale has not.
    turned = np.ascontiguousarray(np.rot90(image_hwc, page.quarter_turns))
    source, scale = (turned, 1 / page.scale) if page.scale <= 1 else (page.image_hwc, 1.0)
    return FlatPage(
        page=page,
        surface=surface,
        canvas=canvas,
        image_hwc=_smooth_look(canvas, source, scale),
        wave_hw=canvas.look_up(np.ascontiguousarray(scores[WAVE])),
        shown_hw=canvas.look_up(whole) > 0,
        turn_confidence=turn_confidence,
        scale_known=grid is not None,
    )


def _smooth_look(canvas: Canvas, source: npt.NDArray[np.uint8], scale: float) -> npt.NDArray[np.uint8]:
    """The flat picture; of a much finer one each pixel shows a mean, not a speck."""
    if scale > 1.5:
        source = cv2.GaussianBlur(source, (0, 0), scale / 3)
    return canvas.look_up(source, scale)
