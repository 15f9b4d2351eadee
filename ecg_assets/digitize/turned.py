"""A flat page turned by half a turn: what a page is taken for when its leads contradict each other."""

from dataclasses import replace

import numpy as np

from ecg_assets.digitize.flat_page import FlatPage
from ecg_assets.digitize.rectify import Canvas


def turned_around(flat: FlatPage) -> FlatPage:
    """The same page upside down: picture, grid, flat page and trace; nothing is asked or looked up again."""
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
