"""Rectifies a picture of a page, with the network's prediction for it."""

from dataclasses import dataclass, replace

import cv2
import numpy as np
import numpy.typing as npt

from ecg_assets.digitize.rectification.canvas import CELL_MM, Canvas, flat_canvas
from ecg_assets.digitize.rectification.grid_lattice import find_lattice
from ecg_assets.digitize.rectification.paper_extent import paper_hw
from ecg_assets.digitize.rectification.surface import Surface, lay_surface
from ecg_assets.digitize.refusal import NotAnEcgError
from ecg_assets.pages.classes import HORIZONTAL, INTERSECTION, VERTICAL, WAVE
from ecg_assets.scans.image import PX_PER_MM, UprightPage
from ecg_assets.scans.segment import Segmenter

Field = npt.NDArray[np.float32]

_MARGIN = 6
# Least share of found crossings within the lattice: noise gives thin chains of crossings, the worst photos 0.4.
_LEAST_FOUND = 0.25


@dataclass(frozen=True)
class FlatPage:
    """A rectified page: uniform mm/px over the whole image.

    Attributes:
        page: the picture at the network's scale.
        surface: positions of the crossings of its grid.
        canvas: positions of the flat page's pixels in the picture.
        image_hwc: (h, w, 3) uint8 RGB, the flat page.
        wave_hw: (h, w) float32, probability of the trace; 0 beside the paper.
        shown_hw: (h, w) bool, the visible paper.
        turn_confidence: confidence of the quarter turn.
        assumed: assumptions about its scale, as sentences.
    """

    page: UprightPage
    surface: Surface
    canvas: Canvas
    image_hwc: npt.NDArray[np.uint8]
    wave_hw: Field
    shown_hw: npt.NDArray[np.bool_]
    turn_confidence: float
    assumed: tuple[str, ...] = ()


class NoGridError(NotAnEcgError):
    """A grid of 5-mm lines was not found in a picture.

    Attributes:
        seen: the upright picture.
        wave_hw: (h, w) float32, probability of the trace in it.
        turn_confidence: confidence of the quarter turn.
    """

    def __init__(self, seen: UprightPage, wave_hw: Field, turn_confidence: float) -> None:
        super().__init__(
            "no_grid",
            "no grid of 5-mm lines is found in the picture: expected a scan or photo of a paper ECG in which the grid "
            "can be seen; scan it in colour, at 150 dpi or more",
        )
        self.seen, self.wave_hw, self.turn_confidence = seen, wave_hw, turn_confidence


def lay_flat(image_hwc: npt.NDArray[np.uint8], segmenter: Segmenter) -> FlatPage:
    """Turns, scales and rectifies a picture.

    Raises:
        NoGridError: a grid of 5-mm lines was not found in it.
    """
    page, _, scores, turn_confidence = segmenter.probabilities(image_hwc)
    level, upright = scores[HORIZONTAL] + scores[INTERSECTION], scores[VERTICAL] + scores[INTERSECTION]
    lattice = find_lattice(level, upright, CELL_MM * PX_PER_MM)
    surface = lay_surface(lattice, _MARGIN) if lattice is not None else None
    wave_hw = np.ascontiguousarray(scores[WAVE])
    if surface is None or surface.found < _LEAST_FOUND:
        raise NoGridError(page, wave_hw, turn_confidence)
    # Sample the file's own pixels: a high-resolution photo keeps detail that the network's scale loses.
    turned = np.ascontiguousarray(np.rot90(image_hwc, page.quarter_turns))
    source, scale = (turned, 1 / page.scale) if page.scale <= 1 else (page.image_hwc, 1.0)
    return laid(page, surface, wave_hw, turn_confidence, (source, scale))


def laid(
    page: UprightPage,
    surface: Surface,
    wave_hw: Field,
    turn_confidence: float,
    source: tuple[npt.NDArray[np.uint8], float],
) -> FlatPage:
    """A page rectified by a surface.

    Args:
        page: the upright picture.
        surface: in it.
        wave_hw: (h, w) float32, probability of the trace in it.
        turn_confidence: confidence of the quarter turn.
        source: the same picture at another scale, and its pixels per pixel of `page`.
    """
    shape = wave_hw.shape[0], wave_hw.shape[1]
    canvas = flat_canvas(surface, shape)
    shown_hw = (canvas.look_up(np.full(shape, 255, np.uint8)) > 0) & paper_hw(surface, shape)
    return FlatPage(
        page=page,
        surface=surface,
        canvas=canvas,
        image_hwc=_smooth_look(canvas, *source),
        wave_hw=np.where(shown_hw, canvas.look_up(wave_hw), np.float32(0)),
        shown_hw=shown_hw,
        turn_confidence=turn_confidence,
    )


def _smooth_look(canvas: Canvas, source: npt.NDArray[np.uint8], scale: float) -> npt.NDArray[np.uint8]:
    """The flat picture; if the source is much finer, each pixel is a mean, not a point sample."""
    if scale > 1.5:
        source = cv2.GaussianBlur(source, (0, 0), scale / 3)
    return canvas.look_up(source, scale)


def turned_around(flat: FlatPage) -> FlatPage:
    """The same page rotated by 180 degrees: picture, grid, flat page and trace; the networks are not run again."""
    height, width = flat.page.image_hwc.shape[:2]
    surface = replace(
        flat.surface,
        x_px=width - 1 - flat.surface.x_px[::-1, ::-1],
        y_px=height - 1 - flat.surface.y_px[::-1, ::-1],
        known=flat.surface.known[::-1, ::-1],
    )
    canvas = Canvas(
        np.ascontiguousarray(np.float32(width - 1) - flat.canvas.x_px_hw[::-1, ::-1]),
        np.ascontiguousarray(np.float32(height - 1) - flat.canvas.y_px_hw[::-1, ::-1]),
    )
    page = replace(
        flat.page,
        image_hwc=np.ascontiguousarray(flat.page.image_hwc[::-1, ::-1]),
        quarter_turns=(flat.page.quarter_turns + 2) % 4,
    )
    return replace(
        flat,
        page=page,
        surface=surface,
        canvas=canvas,
        image_hwc=np.ascontiguousarray(flat.image_hwc[::-1, ::-1]),
        wave_hw=np.ascontiguousarray(flat.wave_hw[::-1, ::-1]),
        shown_hw=np.ascontiguousarray(flat.shown_hw[::-1, ::-1]),
    )
