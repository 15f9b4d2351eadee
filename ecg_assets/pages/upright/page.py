"""Draws a record's upright page and its wave mask, both from one array of ink coverage."""

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

from ecg_assets.pages.classes import HALF_COVERED, WAVE
from ecg_assets.pages.layout.header import Text
from ecg_assets.pages.layout.plan import PagePlan, style_texts
from ecg_assets.pages.paper.drawn_paper import Paper, paper_of
from ecg_assets.pages.raster.strokes import Coverage, Patch, strokes
from ecg_assets.pages.style.grid_style import Colour
from ecg_assets.pages.style.page_style import PageStyle
from ecg_assets.pages.upright.print import own_print, qr_patch, style_print, text_box
from ecg_assets.records.record import Record

# An even number, so that half coverage is between two levels and the mask can be read from the image.
INK_LEVELS = 32

PageIndex = npt.NDArray[np.uint8]
Palette = npt.NDArray[np.uint8]
Points = npt.NDArray[np.float64]
Whole = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Page:
    """A drawn page.

    Attributes:
        index_hw: (h, w) uint8, indices into `palette`: paper colour times `INK_LEVELS` plus level of ink.
        palette: (n, 3) uint8 RGB.
        classes_hw: (h, w) uint8: 0 background, 1 horizontal, 2 vertical 5-mm line, 3 intersection, 4 wave: where the
            trace covers at least half of a pixel and nothing hides it. Other ink that covers half of a pixel is
            background.
        layout: places of everything on the page, as JSON values.
        off_row: leads whose trace reaches the zero line of another row.
    """

    index_hw: PageIndex
    palette: Palette
    classes_hw: npt.NDArray[np.uint8]
    layout: dict[str, Any]
    off_row: tuple[str, ...] = ()

    @property
    def wave_hw(self) -> npt.NDArray[np.bool_]:
        """(h, w) bool: the class wave."""
        return np.equal(self.classes_hw, WAVE)


def inked(index_hw: PageIndex) -> npt.NDArray[np.bool_]:
    """(h, w) bool: pixels at least half covered by ink, from a page's palette indices."""
    # The upper half of the levels have their highest bit set.
    return (index_hw & np.uint8(INK_LEVELS // 2)).astype(np.bool_)


def palette_of(paper_colours: Palette, ink: Colour) -> Palette:
    """(n, 3) uint8 RGB: every paper colour under every level of ink."""
    level = np.linspace(0.0, 1.0, INK_LEVELS)[None, :, None]
    colours = paper_colours[:, None, :] * (1 - level) + np.array(ink, dtype=np.float64) * level
    return np.rint(colours).astype(np.uint8).reshape(-1, 3)


def traces_px(plan: PagePlan, record: Record) -> list[Points]:
    """The traces' corners on the upright page: (n, 2) float64 px each, in the panels' order; y is NaN in gaps."""
    return [panel.points_mm(record, plan.style) * plan.style.px_per_mm for panel in plan.panels if panel.count]


def trace_coverage(traces: list[Points], stroke_px: float, shape: tuple[int, int]) -> Coverage:
    """(h, w) float32: share of each pixel that the traces cover."""
    page = np.zeros(shape, dtype=np.float32)
    strokes(traces, stroke_px, shape).put_on(page)
    return page


def render_page(plan: PagePlan, record: Record, paper: Paper | None = None) -> Page:
    """Draws a record's page.

    Args:
        plan: places of everything on the page.
        record: the signals.
        paper: the user's own; None for the style's.
    """
    paper = paper or paper_of(plan.style)
    index, classes = (base.copy() for base in _printed_paper(plan.style, paper))
    for patch in own_print(plan):
        _print(index, classes, patch)
    traces = traces_px(plan, record)
    ink = strokes(traces, plan.stroke_px, index.shape)
    place = ink.place(index.shape[1])
    _raise(index.reshape(-1), place, _levels(ink.coverage))
    classes.reshape(-1)[place[ink.coverage >= HALF_COVERED]] = WAVE
    code = qr_patch(plan)
    if code is not None:  # it is over the trace and hides it
        _print(index, classes, code)
    return Page(
        index_hw=index,
        palette=palette_of(paper.colours, plan.ink),
        classes_hw=classes,
        layout={**plan.describe(), "texts": _text_boxes(plan), **_odd_traces(plan, traces)},
        off_row=_off_row(plan, traces),
    )


def _levels(coverage: Coverage) -> PageIndex:
    return np.rint(coverage * (INK_LEVELS - 1)).astype(np.uint8)


def _raise(index: PageIndex, place: Whole, level: PageIndex) -> None:
    """Lays ink over pixels, keeping the darker of the existing and the new level."""
    # A pixel may occur twice. The paper's part is the same for both, so the larger index is darker.
    np.maximum.at(index, place, (index[place] & np.uint8(256 - INK_LEVELS)) + level)


def _print(index_hw: PageIndex, classes_hw: npt.NDArray[np.uint8], patch: Patch) -> None:
    """Lays print over the page; pixels covered by half or more are background."""
    height, width = patch.coverage.shape
    place = np.s_[patch.row : patch.row + height, patch.column : patch.column + width]
    index = index_hw[place]
    np.maximum(index, (index & np.uint8(256 - INK_LEVELS)) + _levels(patch.coverage), out=index)
    classes_hw[place] *= patch.coverage < HALF_COVERED


@lru_cache(maxsize=6)
def _printed_paper(style: PageStyle, paper: Paper) -> tuple[PageIndex, npt.NDArray[np.uint8]]:
    """Index and classes of a page with the style's common print only; cached for a few styles. Read-only."""
    printed = style_print(style).astype(np.float32) / np.float32(255)
    index: PageIndex = paper.index_hw * np.uint8(INK_LEVELS) + _levels(printed)
    classes = paper.mask_hw * (printed < HALF_COVERED)
    index.flags.writeable = classes.flags.writeable = False
    return index, classes


def _text_boxes(plan: PagePlan) -> list[dict[str, Any]]:
    """Each text and its box, in pixels: left, top, right, bottom."""
    return [dict(box) for box in _style_boxes(plan.style)] + [_boxed(text, plan.style) for text in plan.header]


@lru_cache(maxsize=64)
def _style_boxes(style: PageStyle) -> tuple[dict[str, Any], ...]:
    return tuple(_boxed(text, style) for text in style_texts(style))


def _boxed(text: Text, style: PageStyle) -> dict[str, Any]:
    box = text_box(text, style)
    return {"kind": text.kind, "text": text.text, "box_px": [box.left, box.top, box.right, box.bottom]}


def _odd_traces(plan: PagePlan, traces: list[Points]) -> dict[str, list[str]]:
    """Leads with a flat trace, and leads whose trace leaves the paper and is cut off there."""
    height_px = plan.style.shape_px[0]
    leads = [panel.lead for panel in plan.panels if panel.count]
    # fmin and fmax ignore NaN, like nanmin and nanmax, which take three times as long.
    ends = [(np.fmin.reduce(trace[:, 1]), np.fmax.reduce(trace[:, 1])) for trace in traces]
    named = list(zip(leads, ends, strict=True))
    return {
        "flat_panels": [lead for lead, (top, bottom) in named if top == bottom],
        "off_page_panels": [lead for lead, (top, bottom) in named if top < 0 or bottom > height_px],
    }


def _off_row(plan: PagePlan, traces: list[Points]) -> tuple[str, ...]:
    """Leads whose trace reaches the zero line of the row above or below its own."""
    zeros_px = np.unique([panel.zero_y_mm for panel in plan.panels]) * plan.style.px_per_mm
    printed = [panel for panel in plan.panels if panel.count]
    off = []
    for panel, trace in zip(printed, traces, strict=True):
        own_px = panel.zero_y_mm * plan.style.px_per_mm
        top, bottom = np.fmin.reduce(trace[:, 1]), np.fmax.reduce(trace[:, 1])
        above, below = zeros_px[zeros_px < own_px - 0.5], zeros_px[zeros_px > own_px + 0.5]
        if (len(above) and top <= above[-1]) or (len(below) and bottom >= below[0]):
            off.append(panel.lead)
    return tuple(off)
