"""Pages whose grid, warp and trace are known, for the pieces of reading one by one: no network is asked."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ecg_assets.digitize.benchmark.rendered_pages import printed_signal
from ecg_assets.digitize.rectification.canvas import CANVAS_PX_PER_MM_X, CANVAS_PX_PER_MM_Y, CELL_MM, dense_canvas
from ecg_assets.digitize.rectification.flat_page import FlatPage
from ecg_assets.digitize.rectification.grid_lattice import Lattice, find_lattice
from ecg_assets.digitize.rectification.surface import Surface
from ecg_assets.digitize.trace_network.samples import draw_flat_pair
from ecg_assets.pages.camera.framing import PICTURE_PX_PER_MM, whole_page_warp
from ecg_assets.pages.camera.picture import take_picture
from ecg_assets.pages.camera.recipe import recipe_named, throw
from ecg_assets.pages.camera.sheet import sheet_of
from ecg_assets.pages.classes import HORIZONTAL, INTERSECTION, VERTICAL
from ecg_assets.pages.layout.plan import plan_page
from ecg_assets.pages.style.style_mix import read_styles
from ecg_assets.records.record import Record
from ecg_assets.scans.image import UprightPage
from ecg_assets.store.rng import rng_for

Points = npt.NDArray[np.float64]
Signal = npt.NDArray[np.float32]
SCALE = (CANVAS_PX_PER_MM_X, CANVAS_PX_PER_MM_Y)


@dataclass(frozen=True)
class KnownGrid:
    """A picture's grid.

    Attributes:
        level_hw, upright_hw: (h, w) float32, 0 or 1: the mask's lines.
        crossings_px: (n, 2) float64, where the 5-mm lines cross within the frame, pixel centres at whole numbers.
    """

    level_hw: npt.NDArray[np.float32]
    upright_hw: npt.NDArray[np.float32]
    crossings_px: Points

    def lattice(self) -> Lattice:
        found = find_lattice(self.level_hw, self.upright_hw, CELL_MM * PICTURE_PX_PER_MM)
        assert found is not None
        return found


def known_grid(record: Record, recipe: str, seed: int = 0) -> KnownGrid:
    """Of a page of style kaggle through a recipe."""
    style = read_styles().styles["kaggle"]
    rng = rng_for(seed, record.id, recipe)
    sheet = sheet_of(plan_page(record, "kaggle", style, seed), record)
    drawn = throw(recipe, recipe_named(recipe), rng)
    warp = whole_page_warp(sheet, drawn, rng)
    mask = take_picture(sheet, warp, drawn, rng).mask_hw
    half_mm = 0.5 / style.px_per_mm if style.grid_lines.snap else 0.0
    first = (style.grid_lines.first_x_mm + half_mm, style.grid_lines.first_y_mm + half_mm)
    lines_mm = [np.arange(start, side, CELL_MM) for start, side in zip(first, style.paper_mm, strict=True)]
    places = warp.to_picture(np.stack(np.meshgrid(*lines_mm), axis=-1).reshape(-1, 2)) - 0.5
    inside = ((places > 0) & (places < np.array(mask.shape)[::-1] - 1)).all(axis=1)
    crossing = mask == INTERSECTION
    level, upright = ((mask == line) | crossing for line in (HORIZONTAL, VERTICAL))
    return KnownGrid(level.astype(np.float32), upright.astype(np.float32), places[inside])


def known_flat_page(record: Record, style_name: str, seed: int = 0) -> tuple[FlatPage, Signal]:
    """A clean page laid flat, with the true trace for what a network says of it, and the signal that is printed."""
    style = read_styles().styles[style_name]
    pair = draw_flat_pair(record, "clean", style_name, style, seed, SCALE)
    height, width = pair.trace_hw.shape
    upright = UprightPage(pair.image_hwc, 0, 1.0, (height, width))
    x_px, y_px = (
        grid.astype(np.float64) * side * CELL_MM
        for grid, side in zip(np.meshgrid(np.arange(59), np.arange(44)), SCALE, strict=True)
    )
    flat = FlatPage(
        page=upright,
        surface=Surface(x_px, y_px, 0, np.ones(x_px.shape, dtype=np.bool_), 1.0, 0.0),
        canvas=dense_canvas(x_px, y_px, SCALE),
        image_hwc=pair.image_hwc,
        wave_hw=(pair.trace_hw / 254).astype(np.float32),
        shown_hw=np.ones((height, width), dtype=np.bool_),
        turn_confidence=1.0,
    )
    return flat, printed_signal(plan_page(record, style_name, style, seed), record)
