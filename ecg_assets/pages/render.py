"""Draws a record's upright page and its wave mask, both from one array of ink coverage."""

from dataclasses import astuple, dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

from ecg_assets.pages.coverage import WAVE_COVERAGE, Coverage, Patch, stroke
from ecg_assets.pages.grid_style import Colour
from ecg_assets.pages.paper import Paper, paper_of
from ecg_assets.pages.plan import PagePlan, style_texts
from ecg_assets.pages.print import page_print, text_box
from ecg_assets.records.record import Record

# Half coverage must fall between two levels, so that the mask can be read from the image: an even number of them.
INK_LEVELS = 32

PageIndex = npt.NDArray[np.uint8]
Palette = npt.NDArray[np.uint8]
Points = npt.NDArray[np.float64]


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
    for points in traces:
        for patch in stroke(points[:, 0], points[:, 1], stroke_px, shape):
            patch.put_on(page)
    return page


def render_page(plan: PagePlan, record: Record, paper: Paper | None = None) -> Page:
    """Draws a record's page.

    Args:
        plan: where everything stands.
        record: the signals.
        paper: the user's own; None for the style's.
    """
    paper = paper or paper_of(plan.style)
    trace = trace_coverage(traces_px(plan, record), plan.stroke_px, paper.index_hw.shape)
    wave = trace >= WAVE_COVERAGE
    printed, code = page_print(plan)
    if code is not None:
        _hide(wave, code)
    levels = np.maximum(_levels_of_coverage(trace), _levels_of_print()[printed])
    return Page(
        index_hw=_paper_part(paper) + levels,
        palette=palette_of(paper.colours, plan.ink),
        wave_hw=wave,
        layout={**plan.describe(), "texts": _texts(plan), "off_page_panels": _off_page(plan, record)},
    )


def _texts(plan: PagePlan) -> list[dict[str, Any]]:
    """What is written and the box of each text, in pixels: left, top, right, bottom."""
    return [
        {"kind": text.kind, "text": text.text, "box_px": list(astuple(text_box(text, plan.style)))}
        for text in (*style_texts(plan.style), *plan.header)
    ]


def _off_page(plan: PagePlan, record: Record) -> list[str]:
    """Leads whose trace leaves the paper: what is beyond its edge is not printed."""
    height_mm = plan.style.paper_mm[1]
    panels = [(panel.lead, panel.points_mm(record, plan.style)[:, 1]) for panel in plan.panels if panel.count]
    return [lead for lead, y_mm in panels if np.nanmin(y_mm) < 0 or np.nanmax(y_mm) > height_mm]


def _levels_of_coverage(coverage: Coverage) -> PageIndex:
    return np.rint(coverage * (INK_LEVELS - 1)).astype(np.uint8)


@lru_cache(maxsize=1)
def _levels_of_print() -> PageIndex:
    return np.rint(np.arange(256) / 255 * (INK_LEVELS - 1)).astype(np.uint8)


def _paper_part(paper: Paper) -> PageIndex:
    return paper.index_hw * np.uint8(INK_LEVELS)


def _hide(wave_hw: npt.NDArray[np.bool_], code: Patch) -> None:
    """Takes what the QR code's dark modules hide out of the wave."""
    height, width = code.coverage.shape
    place = wave_hw[code.row : code.row + height, code.column : code.column + width]
    place &= code.coverage[: place.shape[0], : place.shape[1]] < WAVE_COVERAGE
