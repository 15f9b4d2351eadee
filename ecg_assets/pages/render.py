"""Draws a record's page and its wave mask, both from one array of ink coverage."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from ecg_assets.pages.coverage import WAVE_COVERAGE, Coverage, stroke
from ecg_assets.pages.grid import PAPER_COLOURS, clean_grid
from ecg_assets.pages.layout import (
    DPI,
    GAIN_MM_PER_MV,
    PAGE_HEIGHT_PX,
    PAGE_WIDTH_PX,
    PAPER_SPEED_MM_PER_S,
    PX_PER_MM,
    PX_PER_MV,
    PX_PER_S,
    Panel,
    panels_of,
)
from ecg_assets.pages.text import header_of, print_of_style, write_header
from ecg_assets.records.record import Record

# Half coverage must fall between two levels, so that the mask can be read from the image: an even number of them.
INK_LEVELS = 32
INK_COLOUR = np.array([20, 20, 20], dtype=np.float64)

PageIndex = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class Page:
    """A drawn page.

    Attributes:
        index_hw: (1700, 2200) uint8, indices into `PALETTE`: paper colour times `INK_LEVELS` plus level of ink.
        wave_hw: (1700, 2200) bool, where the trace covers at least half of a pixel.
        layout: what stands where, as JSON can say it.
    """

    index_hw: PageIndex
    wave_hw: npt.NDArray[np.bool_]
    layout: dict[str, Any]


def _palette() -> npt.NDArray[np.uint8]:
    """(n, 3) uint8 RGB: every paper colour under every level of ink."""
    ink = np.linspace(0.0, 1.0, INK_LEVELS)[None, :, None]
    colours = PAPER_COLOURS[:, None, :] * (1 - ink) + INK_COLOUR * ink
    return np.rint(colours).astype(np.uint8).reshape(-1, 3)


PALETTE = _palette()


def trace_coverage(record: Record, panels: list[Panel], stroke_px: float) -> Coverage:
    """(1700, 2200) float32: how much of each pixel the trace covers."""
    page = np.zeros((PAGE_HEIGHT_PX, PAGE_WIDTH_PX), dtype=np.float32)
    for panel in panels:
        for patch in stroke(*panel.points_px(record), stroke_px, (PAGE_HEIGHT_PX, PAGE_WIDTH_PX)):
            patch.put_on(page)
    return page


def render_page(record: Record, stroke_px: float, seed: int) -> Page:
    """Draws `record` in the style of variant 0001, with a made-up header.

    Args:
        record: what to draw.
        stroke_px: width of the trace in pixels.
        seed: of the header.
    """
    panels = panels_of(record)
    trace = trace_coverage(record, panels, stroke_px)
    header = header_of(record.id, seed)
    ink = np.maximum(trace, print_of_style(stroke_px))
    write_header(ink, header)
    level = np.rint(ink * (INK_LEVELS - 1)).astype(np.uint8)
    return Page(
        index_hw=clean_grid() * np.uint8(INK_LEVELS) + level,
        wave_hw=trace >= WAVE_COVERAGE,
        layout=_describe(record, panels, header, stroke_px),
    )


def _describe(
    record: Record, panels: list[Panel], header: list[tuple[float, float, str]], stroke_px: float
) -> dict[str, Any]:
    return {
        "record_id": record.id,
        "style": "kaggle",
        "dpi": DPI,
        "width_px": PAGE_WIDTH_PX,
        "height_px": PAGE_HEIGHT_PX,
        "px_per_mm": PX_PER_MM,
        "px_per_s": PX_PER_S,
        "px_per_mv": PX_PER_MV,
        "paper_speed_mm_per_s": PAPER_SPEED_MM_PER_S,
        "gain_mm_per_mv": GAIN_MM_PER_MV,
        "stroke_px": stroke_px,
        "fs_hz": record.fs_hz,
        "panels": [
            {
                "lead": panel.lead,
                "x0_px": round(panel.x0_px, 4),
                "zero_y_px": panel.zero_y_px,
                "first_sample": panel.first,
                "samples": panel.count,
            }
            for panel in panels
        ],
        "header": [{"x_px": x, "baseline_px": y, "text": text} for x, y, text in header],
        "empty_panels": [panel.lead for panel in panels if not panel.count],
    }
