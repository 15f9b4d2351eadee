"""Draws a record's upright page and its wave mask, both from one array of ink coverage."""

from dataclasses import astuple, dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

from ecg_assets.pages.coverage import WAVE_COVERAGE, Coverage, Patch, strokes
from ecg_assets.pages.grid_style import Colour
from ecg_assets.pages.paper import Paper, paper_of
from ecg_assets.pages.plan import PagePlan, style_texts
from ecg_assets.pages.print import own_print, qr_patch, style_print, text_box
from ecg_assets.pages.style import PageStyle
from ecg_assets.records.record import Record

# Half coverage must fall between two levels, so that the mask can be read from the image: an even number of them.
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
        wave_hw: (h, w) bool, where the trace covers at least half of a pixel and nothing hides it.
        layout: what stands where, as JSON can say it.
    """

    index_hw: PageIndex
    palette: Palette
    wave_hw: npt.NDArray[np.bool_]
    layout: dict[str, Any]


def inked(index_hw: PageIndex) -> npt.NDArray[np.bool_]:
    """(h, w) bool: where a page's palette indices say that ink covers at least half of the pixel."""
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
    """(h, w) float32: how much of each pixel the traces cover."""
    page = np.zeros(shape, dtype=np.float32)
    strokes(traces, stroke_px, shape).put_on(page)
    return page


def render_page(plan: PagePlan, record: Record, paper: Paper | None = None) -> Page:
    """Draws a record's page.

    Args:
        plan: where everything stands.
        record: the signals.
        paper: the user's own; None for the style's.
    """
    paper = paper or paper_of(plan.style)
    index = _printed_paper(plan.style, paper).copy()
    for patch in own_print(plan):
        _print(index, patch)
    traces = traces_px(plan, record)
    ink = strokes(traces, plan.stroke_px, index.shape)
    _raise(index, ink.row, ink.column, _levels(ink.coverage))
    wave = np.zeros(index.shape, dtype=np.bool_)
    half = ink.coverage >= WAVE_COVERAGE
    wave[ink.row[half], ink.column[half]] = True
    code = qr_patch(plan)
    if code is not None:
        _hide(wave, code)
        _print(index, code)
    return Page(
        index_hw=index,
        palette=palette_of(paper.colours, plan.ink),
        wave_hw=wave,
        layout={**plan.describe(), "texts": _text_boxes(plan), "off_page_panels": _off_page(plan, traces)},
    )


def _levels(coverage: Coverage) -> PageIndex:
    return np.rint(coverage * (INK_LEVELS - 1)).astype(np.uint8)


def _raise(index_hw: PageIndex, row: Whole, column: Whole, level: PageIndex) -> None:
    """Lays ink over pixels: of the level that is there and the new one, the darker stays."""
    # A pixel may be named twice. The paper's part is the same for both, so the larger index is the darker one.
    place, flat = row * index_hw.shape[1] + column, index_hw.reshape(-1)
    np.maximum.at(flat, place, (flat[place] & np.uint8(256 - INK_LEVELS)) + level)


def _print(index_hw: PageIndex, patch: Patch) -> None:
    height, width = patch.coverage.shape
    place = index_hw[patch.row : patch.row + height, patch.column : patch.column + width]
    np.maximum(place, (place & np.uint8(256 - INK_LEVELS)) + _levels(patch.coverage), out=place)


@lru_cache(maxsize=6)
def _printed_paper(style: PageStyle, paper: Paper) -> PageIndex:
    """The page as it is before anything of its own stands on it; kept for a few styles."""
    index: PageIndex = paper.index_hw * np.uint8(INK_LEVELS) + _levels(
        style_print(style).astype(np.float32) / np.float32(255)
    )
    index.flags.writeable = False
    return index


def _text_boxes(plan: PagePlan) -> list[dict[str, Any]]:
    """What is written and the box of each text, in pixels: left, top, right, bottom."""
    return [
        {"kind": text.kind, "text": text.text, "box_px": list(astuple(text_box(text, plan.style)))}
        for text in (*style_texts(plan.style), *plan.header)
    ]


def _off_page(plan: PagePlan, traces: list[Points]) -> list[str]:
    """Leads whose trace leaves the paper: what is beyond its edge is not printed."""
    height_px = plan.style.shape_px[0]
    leads = [panel.lead for panel in plan.panels if panel.count]
    ends = [(np.nanmin(trace[:, 1]), np.nanmax(trace[:, 1])) for trace in traces]
    return [lead for lead, (top, bottom) in zip(leads, ends, strict=True) if top < 0 or bottom > height_px]


def _hide(wave_hw: npt.NDArray[np.bool_], code: Patch) -> None:
    """Takes what the QR code's dark modules hide out of the wave."""
    height, width = code.coverage.shape
    place = wave_hw[code.row : code.row + height, code.column : code.column + width]
    place &= code.coverage[: place.shape[0], : place.shape[1]] < WAVE_COVERAGE
