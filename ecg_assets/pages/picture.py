"""A picture of a page as scanners and phones take it, with the mask of what is to be seen.

Geometry moves lines and traces and they are drawn again where they have come to lie, so the mask is as thin and exact
as the page's. Colours change afterwards, and never move a mask.
"""

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from ecg_assets.pages.coverage import WAVE_COVERAGE
from ecg_assets.pages.effects.backgrounds import background
from ecg_assets.pages.effects.registry import effect
from ecg_assets.pages.paper import CLASS_LINE_MM, MAJOR_MM, MINOR_MM, paper_colours
from ecg_assets.pages.plan import PagePlan, style_texts
from ecg_assets.pages.print import text_box
from ecg_assets.pages.recipe import DrawnRecipe
from ecg_assets.pages.render import INK_LEVELS, palette_of
from ecg_assets.pages.strokes import stroke_polylines
from ecg_assets.pages.warped_grid import grid_classes, line_coverage
from ecg_assets.pages.warps.warp import PageWarp, PaperMap

WAVE = 4
# Of each kind of line, between bare paper and full ink; the picture's own noise hides the steps.
_LINE_LEVELS = 8
_HALF = 128
_LEAD_HALF_HEIGHT_MM = 10.0

Image = npt.NDArray[np.uint8]
Mask = npt.NDArray[np.uint8]
Field = npt.NDArray[np.float32]
Points = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Sheet:
    """A page ready to be pictured any number of times.

    Attributes:
        plan: what stands where.
        traces_mm: (n, 2) float64 each, in mm of the paper; no gaps: a trace with gaps is several.
        print_hw: (h, w) uint8, coverage of 0 to 255 of all print on the upright page.
        code_hw: the same of what hides a trace; None when there is none.
    """

    plan: PagePlan
    traces_mm: list[Points]
    print_hw: Image
    code_hw: Image | None


@dataclass(frozen=True)
class Picture:
    """What a camera saw.

    Attributes:
        image_hwc: (h, w, 3) uint8 RGB.
        mask_hw: (h, w) uint8, classes 0 to 4.
        about: scale, boxes, warp and effects, as JSON can say them.
    """

    image_hwc: Image
    mask_hw: Mask
    about: dict[str, Any]


def take_picture(sheet: Sheet, warp: PageWarp, recipe: DrawnRecipe, rng: np.random.Generator) -> Picture:
    """Draws a page as the warp shows it, and lets the recipe's effects happen.

    Args:
        sheet: the page.
        warp: where the paper's points lie in the picture.
        recipe: effects and their strengths.
        rng: of the effects.
    """
    seen = warp.paper_map()
    trace = _trace(sheet, warp, seen)
    printed = _look_up(sheet.print_hw, seen, sheet.plan.style.px_per_mm)
    hidden = ~seen.on_paper_hw
    if sheet.code_hw is not None:
        hidden |= _look_up(sheet.code_hw, seen, sheet.plan.style.px_per_mm) >= _HALF
    image = _print_colours(sheet.plan, seen, trace, printed, _ink(recipe, trace.shape, rng))
    image = _light(image, seen.shade_hw)
    image = _on_a_table(image, seen.on_paper_hw, rng)
    for name, strength in recipe.covers.items():
        image, covered = effect(name).apply(image, rng, strength)
        hidden |= covered
    for name, strength in recipe.photometric.items():
        image = effect(name).apply(image, rng, strength)
    mask = _mask(sheet.plan, seen, trace, printed)
    mask[hidden] = 0
    return Picture(image, mask, _about(sheet.plan, warp, seen, recipe))


def _trace(sheet: Sheet, warp: PageWarp, seen: PaperMap) -> Field:
    """Coverage of the traces' strokes, each as wide as the paper is magnified where it stands."""
    pieces = [warp.to_picture(points) for points in sheet.traces_mm]
    height, width = seen.x_mm_hw.shape
    near = [_near(piece, width, height) for piece in pieces]
    shown = [piece for piece, is_near in zip(pieces, near, strict=True) if is_near]
    widths = [max(1.0, sheet.plan.stroke_mm * _scale_at(piece, seen)) for piece in shown]
    return stroke_polylines(shown, widths, (height, width))


def _near(piece: Points, width: int, height: int) -> bool:
    (left, top), (right, bottom) = piece.min(axis=0), piece.max(axis=0)
    return bool(right > -8 and bottom > -8 and left < width + 8 and top < height + 8)


def _scale_at(piece: Points, seen: PaperMap) -> float:
    """Pixels a millimetre around the piece's middle, or at the picture's nearest point."""
    height, width = seen.x_mm_hw.shape
    column, row = np.median(np.clip(piece, 0, (width - 1, height - 1)), axis=0).astype(int)
    across, down = seen.mm_per_px_x_hw[row, column], seen.mm_per_px_y_hw[row, column]
    return float(1.0 / np.sqrt(max(across * down, 1e-9)))


def _look_up(page_hw: Image, seen: PaperMap, px_per_mm: float) -> Image:
    """What of the upright page's raster each pixel of the picture shows."""
    scale = np.float32(px_per_mm)
    looked: Image = cv2.remap(
        page_hw, seen.x_mm_hw * scale - np.float32(0.5), seen.y_mm_hw * scale - np.float32(0.5), cv2.INTER_LINEAR
    )
    return looked


def _ink(recipe: DrawnRecipe, shape: tuple[int, ...], rng: np.random.Generator) -> Field | None:
    factor: Field | None = None
    for name, strength in recipe.ink.items():
        one = effect(name).apply((shape[0], shape[1]), rng, strength)
        factor = one if factor is None else factor * one
    return factor


def _print_colours(plan: PagePlan, seen: PaperMap, trace: Field, printed: Image, ink: Field | None) -> Image:
    """(h, w, 3) uint8: paper, lines and ink, from a table of all their mixtures."""
    grid, first_mm = plan.style.grid_lines, _first_lines_mm(plan)
    paper = np.zeros(trace.shape, dtype=np.uint8)
    families = ((grid.minor, MINOR_MM, grid.minor_mm, 0), (grid.major, MAJOR_MM, grid.major_mm, _LINE_LEVELS))
    for colour, spacing_mm, width_mm, first in families:
        if colour is None:
            continue
        across = line_coverage(seen.x_mm_hw, seen.mm_per_px_x_hw, first_mm[0], spacing_mm, width_mm)
        down = line_coverage(seen.y_mm_hw, seen.mm_per_px_y_hw, first_mm[1], spacing_mm, width_mm)
        dots = grid.dotted and spacing_mm == MINOR_MM
        level = cv2.min(across, down) if dots else cv2.max(across, down)
        level = cv2.convertScaleAbs(level, alpha=_LINE_LEVELS)
        np.copyto(paper, level + np.uint8(first), where=level > 0)
    covered = cv2.max(trace, printed.astype(np.float32) * np.float32(1 / 255))
    if ink is not None:
        covered = covered * ink
    index = paper.astype(np.uint16) * np.uint16(INK_LEVELS) + cv2.convertScaleAbs(covered, alpha=INK_LEVELS - 1)
    palette = palette_of(paper_colours(plan.style, _LINE_LEVELS), plan.ink)
    # Looked up as one number a pixel, which takes a fifth of the time of three.
    rgba = np.concatenate([palette, np.zeros((len(palette), 1), dtype=np.uint8)], axis=1).view(np.uint32).ravel()
    looked = rgba[index].view(np.uint8).reshape(*index.shape, 4)
    image: Image = cv2.cvtColor(looked, cv2.COLOR_RGBA2RGB)
    return image


def _first_lines_mm(plan: PagePlan) -> tuple[float, float]:
    """x of a vertical and y of a horizontal line; a snapped line stands in the middle of its pixel."""
    grid = plan.style.grid_lines
    half_px_mm = 0.5 / plan.style.px_per_mm if grid.snap else 0.0
    return grid.first_x_mm + half_px_mm, grid.first_y_mm + half_px_mm


def _light(image_hwc: Image, shade_hw: Field) -> Image:
    lit: Image = cv2.multiply(image_hwc, cv2.merge([shade_hw] * 3), dtype=cv2.CV_8U)
    return lit


def _on_a_table(image_hwc: Image, on_paper_hw: npt.NDArray[np.bool_], rng: np.random.Generator) -> Image:
    if on_paper_hw.all():
        return image_hwc
    height, width = on_paper_hw.shape
    return np.where(on_paper_hw[..., None], image_hwc, background((height, width), rng))


def _mask(plan: PagePlan, seen: PaperMap, trace: Field, printed: Image) -> Mask:
    """Lines lie below print, which is background, and below the trace."""
    grid = plan.style.grid_lines
    if grid.major is None:
        mask = np.zeros(trace.shape, dtype=np.uint8)
    else:
        rows, columns = (seen.y_mm_hw, seen.mm_per_px_y_hw), (seen.x_mm_hw, seen.mm_per_px_x_hw)
        mask = grid_classes(rows, columns, _first_lines_mm(plan), CLASS_LINE_MM)
        mask[printed >= _HALF] = 0
    mask[trace >= WAVE_COVERAGE] = WAVE
    return mask


def _about(plan: PagePlan, warp: PageWarp, seen: PaperMap, recipe: DrawnRecipe) -> dict[str, Any]:
    """Scale at the middle of the picture, where leads lie, the warp, and what happened."""
    height, width = seen.x_mm_hw.shape
    middle = (height // 2, width // 2)
    return {
        "recipe": recipe.name,
        "strengths": recipe.strengths,
        "style": plan.style_name,
        "layout": plan.style.layout,
        "paper_speed_mm_per_s": plan.style.paper_speed_mm_per_s,
        "gain_mm_per_mv": plan.style.gain_mm_per_mv,
        "px_per_mm_x": round(float(1 / seen.mm_per_px_x_hw[middle]), 4),
        "px_per_mm_y": round(float(1 / seen.mm_per_px_y_hw[middle]), 4),
        "leads": _lead_boxes(plan, warp, width, height),
        "labels": _label_boxes(plan, warp, width, height),
        "warp_px": warp.coarse_map(),
    }


def _lead_boxes(plan: PagePlan, warp: PageWarp, width: int, height: int) -> list[dict[str, Any]]:
    """The four corners of each printed panel that the picture shows a part of, clockwise from its upper left."""
    boxes = []
    for panel in plan.panels:
        top_mm, bottom_mm = panel.zero_y_mm - _LEAD_HALF_HEIGHT_MM, panel.zero_y_mm + _LEAD_HALF_HEIGHT_MM
        corners = _corners(warp, (panel.left_mm, top_mm, panel.right_mm, bottom_mm))
        if panel.count and _near(corners, width, height):
            boxes.append({"lead": panel.lead, "rhythm": panel.rhythm, "corners_px": np.round(corners, 1).tolist()})
    return boxes


def _label_boxes(plan: PagePlan, warp: PageWarp, width: int, height: int) -> list[dict[str, Any]]:
    """The corners of each printed text that the picture shows a part of."""
    boxes = []
    for text in (*style_texts(plan.style), *plan.header):
        box = text_box(text, plan.style)
        edges_mm = [edge / plan.style.px_per_mm for edge in (box.left, box.top, box.right, box.bottom)]
        corners = _corners(warp, (edges_mm[0], edges_mm[1], edges_mm[2], edges_mm[3]))
        if _near(corners, width, height):
            boxes.append({"kind": text.kind, "text": text.text, "corners_px": np.round(corners, 1).tolist()})
    return boxes


def _corners(warp: PageWarp, box_mm: tuple[float, float, float, float]) -> Points:
    left, top, right, bottom = box_mm
    return warp.to_picture(np.array([(left, top), (right, top), (right, bottom), (left, bottom)]))
