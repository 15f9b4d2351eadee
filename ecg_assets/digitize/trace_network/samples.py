"""Makes training crops for the trace network: pictures rectified by their true warp, with the trace as target.

The target trace is redrawn at the flat page's scale with a fixed pen as thin as the finest print, whatever the page's
pen, faded ink or camera blur did to it. So the network also learns which gaps to bridge.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

import cv2
import numpy as np
import numpy.typing as npt

from ecg_assets.digitize.rectification.canvas import CELL_MM, dense_canvas
from ecg_assets.pages.camera.framing import whole_page_warp
from ecg_assets.pages.camera.picture import Image, Mask, Points, Sheet, take_picture
from ecg_assets.pages.camera.recipe import CLEAN, recipe_named, throw
from ecg_assets.pages.camera.sheet import sheet_of
from ecg_assets.pages.classes import WAVE
from ecg_assets.pages.layout.plan import plan_page
from ecg_assets.pages.raster.warped_strokes import stroke_polylines
from ecg_assets.pages.style.page_style import PageStyle
from ecg_assets.pages.upright.page import render_page
from ecg_assets.records.record import Record
from ecg_assets.store.rng import rng_for

# Pen width of the target trace, mm.
PEN_MM = 0.3
# Target value of pixels where the trace is covered by something and cannot be seen.
UNKNOWN = 255
_MOST = 254
HIDDEN_WITHIN_MM = 0.6
_TEXT_LEVEL = 128


@dataclass(frozen=True)
class FlatPair:
    """A rectified picture and the trace on it.

    Attributes:
        image_hwc: (h, w, 3) uint8 RGB.
        trace_hw: (h, w) uint8, 0 to 254: coverage of a pixel by the thin trace; `UNKNOWN` where it is hidden.
        traces_px: (n, 2) float64 each, the traces' vertices.
        print_px: (n, 2) int64, pixels of ink that is not a trace: x, y.
    """

    image_hwc: Image
    trace_hw: Mask
    traces_px: list[Points] = field(repr=False)
    print_px: npt.NDArray[np.int64] = field(repr=False)


def draw_flat_pair(
    record: Record, recipe: str, style_name: str, style: PageStyle, seed: int, scale: tuple[int, int]
) -> FlatPair:
    """A page through a recipe, rectified by its true warp; the same arguments give the same pair.

    Args:
        record: has samples of at least one lead where the style prints that lead.
        recipe: a name in recipes.yaml.
        style_name, style: the page's look.
        seed: for the pen, the header, the effects' strengths and the camera.
        scale: px/mm of the flat page, across and down.
    """
    rng = rng_for(seed, record.id, f"flat.{style_name}.{recipe}")
    plan = plan_page(record, style_name, style, seed)
    sheet = sheet_of(plan, record)
    nodes_mm = _nodes(style.paper_mm)
    if recipe == CLEAN:
        page = render_page(plan, record)
        image, mask = page.palette[page.index_hw], page.classes_hw
        nodes_px = nodes_mm * style.px_per_mm - 0.5
    else:
        drawn = throw(recipe, recipe_named(recipe), rng)
        warp = whole_page_warp(sheet, drawn, rng)
        picture = take_picture(sheet, warp, drawn, rng)
        image, mask = picture.image_hwc, picture.mask_hw
        nodes_px = warp.to_picture(nodes_mm.reshape(-1, 2)).reshape(nodes_mm.shape) - 0.5
    canvas = dense_canvas(nodes_px[..., 0], nodes_px[..., 1], scale)
    traces = [(trace + CELL_MM / 2) * scale for trace in sheet.traces_mm]
    trace = _trace(sheet, canvas.x_px_hw.shape, scale)
    seen = canvas.look_up((mask == WAVE).astype(np.uint8) * 255) > 0
    target = hidden(np.rint(trace * _MOST).astype(np.uint8), seen, scale)
    return FlatPair(canvas.look_up(image), target, traces, _print_places(sheet, scale))


def crops(
    pair: FlatPair, size_px: tuple[int, int], count: int, text_share: float, rng: np.random.Generator
) -> Iterator[tuple[Image, Mask]]:
    """Crops of a pair, (h, w, 3) and (h, w) uint8, around points of a trace or (`text_share` of them) of other ink.

    Args:
        pair: as `draw_flat_pair` makes it.
        size_px: width and height.
        count: number of crops.
        text_share: 0 to 1.
        rng: chooses the places.
    """
    height, width = pair.trace_hw.shape
    points = np.concatenate(pair.traces_px) if pair.traces_px else np.array([[width / 2, height / 2]])
    for _ in range(count):
        on_text = rng.random() < text_share and len(pair.print_px) > 0
        chosen = pair.print_px if on_text else points
        x, y = chosen[int(rng.integers(len(chosen)))]
        left = int(np.clip(x - rng.uniform(0.1, 0.9) * size_px[0], 0, width - size_px[0]))
        top = int(np.clip(y - rng.uniform(0.1, 0.9) * size_px[1], 0, height - size_px[1]))
        place = slice(top, top + size_px[1]), slice(left, left + size_px[0])
        yield pair.image_hwc[place], pair.trace_hw[place]


def _nodes(paper_mm: tuple[float, float]) -> Points:
    """(rows, columns, 2) float64 mm: a lattice over the whole paper, each node in the middle of a flat page's cell."""
    columns, rows = (int(np.ceil(side / CELL_MM)) + 1 for side in paper_mm)
    return np.stack(np.meshgrid(np.arange(columns) * CELL_MM, np.arange(rows) * CELL_MM), axis=-1).astype(np.float64)


def _trace(sheet: Sheet, shape: tuple[int, ...], scale: tuple[int, int]) -> npt.NDArray[np.float32]:
    """(h, w) float32, 0 to 1: drawn at the resolution of the finer axis, and averaged along the other one."""
    fine = max(scale)
    tall = (shape[0] * fine // scale[1], shape[1] * fine // scale[0])
    pieces = [(trace + CELL_MM / 2) * fine for trace in sheet.traces_mm]
    drawn = stroke_polylines(pieces, PEN_MM * fine, tall)
    brought: npt.NDArray[np.float32] = cv2.resize(drawn, (shape[1], shape[0]), interpolation=cv2.INTER_AREA)
    return brought


def hidden(trace_hw: Mask, seen_hw: npt.NDArray[np.bool_], scale: tuple[int, int]) -> Mask:
    """The trace, `UNKNOWN` where the picture shows none of it nearby because something covers it.

    Args:
        trace_hw: (h, w) uint8, 0 to 254.
        seen_hw: (h, w) bool, where the picture's mask has the wave.
        scale: px/mm, across and down.
    """
    across, down = (2 * round(HIDDEN_WITHIN_MM * side) + 1 for side in scale)
    near = cv2.dilate(seen_hw.view(np.uint8), np.ones((down, across), np.uint8)) > 0
    return np.where((trace_hw > 0) & ~near, np.uint8(UNKNOWN), trace_hw)


def _print_places(sheet: Sheet, scale: tuple[int, int]) -> npt.NDArray[np.int64]:
    rows, columns = np.nonzero(sheet.print_hw >= _TEXT_LEVEL)
    places_mm = np.stack([columns, rows], axis=1) / sheet.plan.style.px_per_mm + CELL_MM / 2
    return (places_mm * scale).astype(np.int64)
