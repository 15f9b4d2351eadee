"""Maps the boxes of a page's leads and texts into a picture of it."""

from typing import Any

import numpy as np
import numpy.typing as npt

from ecg_assets.pages.camera.warps.warp import PageWarp
from ecg_assets.pages.layout.calibration_pulse import pulse_outlines
from ecg_assets.pages.layout.plan import PagePlan, style_texts
from ecg_assets.pages.upright.print import text_box

_LEAD_HALF_HEIGHT_MM = 10.0

Points = npt.NDArray[np.float64]
Boxes = list[dict[str, Any]]


def near_picture(points: Points, begins: npt.NDArray[np.int64], width: int, height: int) -> npt.NDArray[np.bool_]:
    """(k,) bool: which of the k groups of points, each from its begin to the next group's, may be in the picture."""
    low, high = np.minimum.reduceat(points, begins), np.maximum.reduceat(points, begins)
    return np.asarray((high > -8).all(axis=1) & (low < (width + 8, height + 8)).all(axis=1), dtype=np.bool_)


def places(plan: PagePlan, warp: PageWarp, traced: bool = True, printed: bool = True) -> dict[str, Any]:
    """Places of things in a picture, as JSON values.

    Args:
        plan: of the page.
        warp: of the picture.
        traced: whether the paper has traces.
        printed: whether it has print.

    Returns:
        `leads`, `labels` and `pulses` that are at least partly visible, with their corners in the picture, clockwise
        from the upper left one of the upright page; and `warp_px`, the coarse map.
    """
    return {**_boxes(plan, warp, traced, printed), "warp_px": warp.coarse_map()}


def _boxes(plan: PagePlan, warp: PageWarp, traced: bool, printed: bool) -> dict[str, Boxes]:
    panels = [panel for panel in plan.panels if panel.count and traced]
    texts = (*style_texts(plan.style), *plan.header) if printed else ()
    outlines = pulse_outlines(plan.style, plan.stroke_mm) if printed else []
    kinds = ["leads"] * len(panels) + ["labels"] * len(texts) + ["pulses"] * len(outlines)
    named: list[dict[str, Any]] = [{"lead": panel.lead, "rhythm": panel.rhythm} for panel in panels]
    named += [{"kind": text.kind, "text": text.text} for text in texts]
    named += [{} for _ in outlines]
    half_mm = _LEAD_HALF_HEIGHT_MM
    boxes_mm = [
        (panel.left_mm, panel.zero_y_mm - half_mm, panel.right_mm, panel.zero_y_mm + half_mm) for panel in panels
    ]
    boxes_mm += [text_box(text, plan.style).in_mm(plan.style.px_per_mm) for text in texts]
    boxes_mm += [(bar.x0_mm, bar.y0_mm, bar.x1_mm, bar.y1_mm) for bar in outlines]
    found: dict[str, Boxes] = {"leads": [], "labels": [], "pulses": []}
    if not named:
        return found
    left, top, right, bottom = np.array(boxes_mm).T
    corners = np.stack([left, top, right, top, right, bottom, left, bottom], axis=1).reshape(-1, 2)
    corners_px = warp.to_picture(corners)
    near = near_picture(corners_px, np.arange(0, len(corners_px), 4), *warp.size_px)
    places_px = np.round(corners_px, 1).reshape(-1, 4, 2).tolist()
    for kind, name, place, is_near in zip(kinds, named, places_px, near, strict=True):
        if is_near:
            found[kind].append({**name, "corners_px": place})
    return found
