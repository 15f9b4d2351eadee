"""Draws a picture of a page as taken by scanners and phones, with the mask of its visible content.

Lines and traces are drawn at their warped places, so the mask is as thin and exact as the page's. Colours are changed
afterwards and do not affect the mask.
"""

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from ecg_assets.pages.camera.annotations import near_picture, places
from ecg_assets.pages.camera.effects.backgrounds import background
from ecg_assets.pages.camera.effects.compositing import lit
from ecg_assets.pages.camera.effects.registry import effect
from ecg_assets.pages.camera.recipe import DrawnRecipe
from ecg_assets.pages.camera.warps.warp import PageWarp, PaperMap
from ecg_assets.pages.classes import CLASS_LINE_MM, HALF_COVERED, HALF_COVERED_255, WAVE
from ecg_assets.pages.layout.plan import PagePlan
from ecg_assets.pages.paper.drawn_paper import MAJOR_MM, MINOR_MM, paper_colours
from ecg_assets.pages.raster.warped_grid import ClassLines, Family, Places, drawn_grid
from ecg_assets.pages.raster.warped_strokes import stroke_polylines
from ecg_assets.pages.style.grid_style import Colour
from ecg_assets.pages.upright.page import INK_LEVELS, palette_of

# The level of each coverage of 0 to 255.
_INK_LEVEL = np.rint(np.arange(256) * ((INK_LEVELS - 1) / 255)).astype(np.int64)
# Levels of each kind of line, between bare paper and full ink; the picture's own noise hides the steps.
_LINE_LEVELS = 8
_WHOLE_PAGE_PIXELS = 1_000_000

Image = npt.NDArray[np.uint8]
Mask = npt.NDArray[np.uint8]
Field = npt.NDArray[np.float32]
Points = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Sheet:
    """A page from which any number of pictures can be taken.

    Attributes:
        plan: places of everything on the page.
        traces_mm: (n, 2) float64 each, in mm of the paper, without gaps: a trace with gaps is several pieces.
        print_hw: (h, w) uint8, coverage of 0 to 255 of all print on the upright page.
        code_hw: the same for print that hides a trace; None without such print.
        paper_hwc, lines_hw: the user's own paper, (h, w, 3) uint8 RGB, and its lines' classes, (h, w) uint8; None for
            a paper with the style's lines.
    """

    plan: PagePlan
    traces_mm: list[Points]
    print_hw: Image
    code_hw: Image | None
    paper_hwc: Image | None = None
    lines_hw: Mask | None = None


@dataclass(frozen=True)
class Picture:
    """A picture of a page with its mask.

    Attributes:
        image_hwc: (h, w, 3) uint8 RGB.
        mask_hw: (h, w) uint8, classes 0 to 4.
        about: scale, boxes, warp and effects, as JSON values.
    """

    image_hwc: Image
    mask_hw: Mask
    about: dict[str, Any]


def take_picture(sheet: Sheet, warp: PageWarp, recipe: DrawnRecipe, rng: np.random.Generator) -> Picture:
    """Draws a warped page, and applies the recipe's effects.

    Args:
        sheet: the page.
        warp: maps the paper to the picture.
        recipe: effects and their strengths.
        rng: of the effects.
    """
    seen = warp.paper_map()
    trace = _trace(sheet, warp, seen)
    printed = _look_up(sheet.print_hw, seen, sheet.plan.style.px_per_mm)
    hidden = ~seen.on_paper_hw
    if sheet.code_hw is not None:
        hidden |= _look_up(sheet.code_hw, seen, sheet.plan.style.px_per_mm) >= HALF_COVERED_255
    covered = cv2.max(cv2.convertScaleAbs(trace, alpha=255), printed)
    for thinning in _ink(recipe, trace.shape, rng):
        covered = cv2.multiply(covered, thinning, dtype=cv2.CV_8U)
    levels, lines = _grid(sheet, seen)
    image = _print_colours(sheet, seen, levels, covered)
    image = lit(image, seen.shade_hw)
    image = _on_a_table(image, seen.on_paper_hw, rng)
    for name, strength in recipe.covers.items():
        image, covered = effect(name).apply(image, rng, strength)
        hidden |= covered
    for name, strength in recipe.photometric.items():
        image = effect(name).apply(image, rng, strength)
    # Lines are below print, which is background, and below the trace.
    np.copyto(lines, 0, where=printed >= HALF_COVERED_255)
    np.copyto(lines, WAVE, where=trace >= HALF_COVERED)
    np.copyto(lines, 0, where=hidden)
    return Picture(image, lines, _about(sheet, warp, seen, recipe))


def _trace(sheet: Sheet, warp: PageWarp, seen: PaperMap) -> Field:
    """Coverage of the traces' strokes, with each one's width scaled by the local magnification."""
    height, width = seen.x_mm_hw.shape
    if not sheet.traces_mm:
        return np.zeros((height, width), dtype=np.float32)
    ends = np.cumsum([len(points) for points in sheet.traces_mm])
    # All in one call, because a page has a dozen traces and a call costs more than its points.
    points = warp.to_picture(np.concatenate(sheet.traces_mm))
    near = near_picture(points, np.concatenate([[0], ends[:-1]]), width, height)
    shown = [piece for piece, is_near in zip(np.split(points, ends[:-1]), near, strict=True) if is_near]
    widths = [max(1.0, sheet.plan.stroke_mm * _scale_at(piece, seen)) for piece in shown]
    return stroke_polylines(shown, widths, (height, width))


def _scale_at(piece: Points, seen: PaperMap) -> float:
    """Pixels per millimetre around the piece's middle, or at the picture's nearest point."""
    height, width = seen.x_mm_hw.shape
    column, row = np.median(np.clip(piece, 0, (width - 1, height - 1)), axis=0).astype(int)
    across, down = seen.mm_per_px_at(int(row), int(column))
    return float(1.0 / np.sqrt(max(across * down, 1e-9)))


def _look_up(page_hw: Image, seen: PaperMap, px_per_mm: float) -> Image:
    """Samples the upright page's raster at each pixel of the picture."""
    scale = np.float32(px_per_mm)
    looked: Image = cv2.remap(
        page_hw, seen.x_mm_hw * scale - np.float32(0.5), seen.y_mm_hw * scale - np.float32(0.5), cv2.INTER_LINEAR
    )
    return looked


def _ink(recipe: DrawnRecipe, shape: tuple[int, ...], rng: np.random.Generator) -> list[Field]:
    """(h, w) float32 each: factors of the ink's opacity."""
    return [effect(name).apply((shape[0], shape[1]), rng, strength) for name, strength in recipe.ink.items()]


def _grid(sheet: Sheet, seen: PaperMap) -> tuple[Mask, Mask]:
    """Levels of the lines that the style prints, and the classes of the 5-mm lines; (h, w) uint8 each."""
    plan = sheet.plan
    if sheet.lines_hw is not None:
        scale, half = np.float32(plan.style.px_per_mm), np.float32(0.5)
        mask: Mask = cv2.remap(
            sheet.lines_hw, seen.x_mm_hw * scale - half, seen.y_mm_hw * scale - half, cv2.INTER_NEAREST
        )
        return np.zeros_like(mask), mask
    has_classes = plan.style.grid_lines.major is not None
    classes = ClassLines(_first_lines_mm(plan), CLASS_LINE_MM) if has_classes else None
    return drawn_grid(_places(seen), _families(plan), classes)


def _print_colours(sheet: Sheet, seen: PaperMap, levels: Mask, covered: Image) -> Image:
    """(h, w, 3) uint8: the paper with its lines under ink of that coverage, (h, w) uint8 of 0 to 255."""
    if sheet.paper_hwc is not None:
        return _inked(_look_up(sheet.paper_hwc, seen, sheet.plan.style.px_per_mm), covered, sheet.plan.ink)
    palette = palette_of(paper_colours(sheet.plan.style, _LINE_LEVELS), sheet.plan.ink)
    bare = np.zeros((256, 1, 3), dtype=np.uint8)
    bare[: len(palette) // INK_LEVELS, 0] = palette[::INK_LEVELS]
    image: Image = cv2.applyColorMap(levels, bare)
    # Ink covers a pixel in twenty.
    inked = np.flatnonzero(covered)
    index = levels.ravel()[inked].astype(np.int64) * INK_LEVELS + _INK_LEVEL[covered.ravel()[inked]]
    image.reshape(-1, 3)[inked] = palette[index]
    return image


def _inked(paper_hwc: Image, covered_hw: Image, ink: Colour) -> Image:
    covered = covered_hw * np.float32(1 / 255)
    bare = cv2.multiply(paper_hwc, cv2.merge([1 - covered] * 3), dtype=cv2.CV_32F)
    image: Image = cv2.add(bare, cv2.merge([covered * np.float32(level) for level in ink]), dtype=cv2.CV_8U)
    return image


def _places(seen: PaperMap) -> Places:
    return Places(seen.x_mm_hw, seen.y_mm_hw, seen.scale_x, seen.scale_y)


def _families(plan: PagePlan) -> list[Family]:
    """The lines that the style prints; the 5-mm lines lie over the 1-mm lines."""
    grid, first_mm, families = plan.style.grid_lines, _first_lines_mm(plan), []
    if grid.minor is not None:
        families.append(Family(MINOR_MM, grid.minor_mm, first_mm, grid.dotted, _LINE_LEVELS, 0))
    if grid.major is not None:
        families.append(Family(MAJOR_MM, grid.major_mm, first_mm, False, _LINE_LEVELS, _LINE_LEVELS))
    return families


def _first_lines_mm(plan: PagePlan) -> tuple[float, float]:
    """x of a vertical and y of a horizontal line; a snapped line stands in the middle of its pixel."""
    grid = plan.style.grid_lines
    half_px_mm = 0.5 / plan.style.px_per_mm if grid.snap else 0.0
    return grid.first_x_mm + half_px_mm, grid.first_y_mm + half_px_mm


def _on_a_table(image_hwc: Image, on_paper_hw: npt.NDArray[np.bool_], rng: np.random.Generator) -> Image:
    if on_paper_hw.all():
        return image_hwc
    height, width = on_paper_hw.shape
    # The camera focuses on the paper: a table's grain is coarser than a whole page's picture.
    coarser = 2 if height * width > _WHOLE_PAGE_PIXELS else 1
    table = background((-(-height // coarser), -(-width // coarser)), rng)
    if coarser > 1:
        table = cv2.resize(table, (width, height), interpolation=cv2.INTER_LINEAR)
    seen: Image = cv2.copyTo(image_hwc, on_paper_hw.view(np.uint8), table)
    return seen


def _about(sheet: Sheet, warp: PageWarp, seen: PaperMap, recipe: DrawnRecipe) -> dict[str, Any]:
    """Scale at the middle of the picture, places of leads, the warp, and the effects."""
    height, width = seen.x_mm_hw.shape
    plan = sheet.plan
    across, down = seen.mm_per_px_at(height // 2, width // 2)
    return {
        "recipe": recipe.name,
        "strengths": recipe.strengths,
        "style": plan.style_name,
        "layout": plan.style.layout,
        "paper_speed_mm_per_s": plan.style.paper_speed_mm_per_s,
        "gain_mm_per_mv": plan.style.gain_mm_per_mv,
        "px_per_mm_x": round(1 / across, 4),
        "px_per_mm_y": round(1 / down, 4),
        **places(plan, warp, traced=bool(sheet.traces_mm)),
    }
