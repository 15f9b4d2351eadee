"""Takes pictures of a page through a recipe: of the whole page, or of a square around a point of a trace."""

import numpy as np

from ecg_assets.pages.camera.picture import Picture, Points, Sheet, take_picture
from ecg_assets.pages.camera.recipe import DrawnRecipe
from ecg_assets.pages.camera.warps.camera import photo_camera, scan_camera, upright_camera, view
from ecg_assets.pages.camera.warps.registry import Deformation, deformation_named
from ecg_assets.pages.camera.warps.warp import PageWarp

# Resolution of a whole page's picture, as in the competition; squares are cut from it at various scales.
PICTURE_PX_PER_MM = 7.874
_CLOSEST, _WIDEST = 0.5, 1.5


def whole_page(sheet: Sheet, recipe: DrawnRecipe, rng: np.random.Generator) -> Picture:
    """A picture of the whole page at `PICTURE_PX_PER_MM`."""
    return take_picture(sheet, whole_page_warp(sheet, recipe, rng), recipe, rng)


def whole_page_warp(sheet: Sheet, recipe: DrawnRecipe, rng: np.random.Generator) -> PageWarp:
    """The warp of such a picture."""
    style = sheet.plan.style
    size_px = _size_px(style.paper_mm)
    bends = _bends(recipe, style.paper_mm, rng)
    camera = _camera(recipe, style.paper_mm, size_px, rng)
    return PageWarp(camera, bends, style.paper_mm, size_px)


def square(sheet: Sheet, recipe: DrawnRecipe, side_px: int, rng: np.random.Generator) -> Picture:
    """A square cut of such a picture, half to one and a half times `side_px` wide and scaled to it.

    It contains a point of a trace, or of the paper if the sheet has no trace, and lies within the picture's frame.
    """
    style = sheet.plan.style
    size_px = _size_px(style.paper_mm)
    bends = _bends(recipe, style.paper_mm, rng)
    camera = _camera(recipe, style.paper_mm, size_px, rng)
    whole = PageWarp(camera, bends, style.paper_mm, size_px)
    cut_px = min(side_px * rng.uniform(_CLOSEST, _WIDEST), *size_px)
    middle = _point_in_frame(sheet, whole, rng)
    left, top = (
        float(np.clip(place - rng.uniform(0.1, 0.9) * cut_px, 0, size - cut_px))
        for place, size in zip(middle, size_px, strict=True)
    )
    seen = view(camera, left, top, cut_px, side_px)
    return take_picture(sheet, PageWarp(seen, bends, style.paper_mm, (side_px, side_px)), recipe, rng)


def _size_px(paper_mm: tuple[float, float]) -> tuple[int, int]:
    width, height = (round(side * PICTURE_PX_PER_MM) for side in paper_mm)
    return width, height


def _bends(recipe: DrawnRecipe, paper_mm: tuple[float, float], rng: np.random.Generator) -> list[Deformation]:
    return [deformation_named(name)(rng, strength, paper_mm) for name, strength in recipe.deformations.items()]


def _camera(
    recipe: DrawnRecipe, paper_mm: tuple[float, float], size_px: tuple[int, int], rng: np.random.Generator
) -> Points:
    match recipe.camera:
        case "upright":
            return upright_camera(PICTURE_PX_PER_MM)
        case "scan":
            return scan_camera(paper_mm, size_px, rng, recipe.camera_strength)
        case "photo":
            return photo_camera(paper_mm, size_px, rng, recipe.camera_strength)


def _point_in_frame(sheet: Sheet, warp: PageWarp, rng: np.random.Generator) -> Points:
    """(2,) float64 px: a visible vertex of a trace, or a point of the paper."""
    if sheet.traces_mm:
        points = warp.to_picture(sheet.traces_mm[int(rng.integers(len(sheet.traces_mm)))])
        framed = points[((points > 0) & (points < warp.size_px)).all(axis=1)]
        if len(framed):
            chosen: Points = framed[int(rng.integers(len(framed)))]
            return chosen
    return np.array([rng.uniform(0, size) for size in warp.size_px])
