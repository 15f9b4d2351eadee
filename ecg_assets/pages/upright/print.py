"""Draws the print besides the trace, all of it background: names, header, footer, pulses, separators, QR code."""

from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np
import numpy.typing as npt

from ecg_assets.pages.layout.calibration_pulse import pulses
from ecg_assets.pages.layout.header import Text
from ecg_assets.pages.layout.plan import Bar, PagePlan, separators, style_texts
from ecg_assets.pages.raster.strokes import Coverage, Patch, rectangle
from ecg_assets.pages.style.fonts import text_coverage
from ecg_assets.pages.style.page_style import PageStyle

QR_MODULE_MM = 0.7
_QR_MARGIN_MM = 6.0
# Number of cached styles; a page at 400 dpi takes 15 MB.
_STYLES_KEPT = 6

Printed = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class Box:
    """The box of a text, in pixels of the upright page: x from left to right, y from top to bottom."""

    left: int
    top: int
    right: int
    bottom: int

    def in_mm(self, px_per_mm: float) -> tuple[float, float, float, float]:
        """The same in mm of the paper."""
        return self.left / px_per_mm, self.top / px_per_mm, self.right / px_per_mm, self.bottom / px_per_mm


@lru_cache(maxsize=_STYLES_KEPT)
def style_print(style: PageStyle) -> Printed:
    """Print common to all pages of a style, (h, w) uint8 coverage of 0 to 255: names, footer, separators. Read-only."""
    page = np.zeros(style.shape_px, dtype=np.float32)
    for text in style_texts(style):
        _write(page, text, style)
    for bar in separators(style):
        _fill(page, bar, style.px_per_mm)
    printed: Printed = np.rint(page * 255).astype(np.uint8)
    printed.flags.writeable = False
    return printed


def page_print(plan: PagePlan) -> tuple[Printed, Patch | None]:
    """All print of a page.

    Returns:
        (h, w) uint8 coverage of 0 to 255, and the patch of the QR code, whose dark modules hide everything below,
        including traces. All other print has the trace's ink, so the trace stays visible where the two meet.
    """
    style = plan.style
    printed = style_print(style).copy()
    for patch in own_print(plan):
        _lay(printed, patch)
    code = qr_patch(plan)
    if code is not None:
        _lay(printed, code)
    return printed, code


def qr_patch(plan: PagePlan) -> Patch | None:
    """Coverage of the QR code's dark modules; None if the style has no code."""
    if not plan.style.qr:
        return None
    modules = qr_modules(f"ECG {plan.record_id} {plan.style.layout}")
    side_px = max(1, round(QR_MODULE_MM * plan.style.px_per_mm))
    dark = np.kron(modules, np.ones((side_px, side_px))).astype(np.float32)
    margin_px = round(_QR_MARGIN_MM * plan.style.px_per_mm)
    return Patch(margin_px, plan.style.shape_px[1] - margin_px - dark.shape[1], dark)


def text_box(text: Text, style: PageStyle) -> Box:
    """The box of a text on the upright page."""
    patch = _letters(text, style)
    height, width = patch.coverage.shape
    return Box(patch.column, patch.row, patch.column + width, patch.row + height)


def own_print(plan: PagePlan) -> list[Patch]:
    """Header and pulses, which differ from page to page; clipped at the page's edge."""
    letters = [_inside(_letters(text, plan.style), plan.style.shape_px) for text in plan.header]
    return [patch for patch in letters if patch is not None] + list(_pulse_patches(plan.style, plan.stroke_mm))


@lru_cache(maxsize=_STYLES_KEPT)
def _pulse_patches(style: PageStyle, stroke_mm: float) -> tuple[Patch, ...]:
    """A style's pulses, one patch each, clipped at the page's edge; cached, because most styles have one pen width."""
    bars = pulses(style, stroke_mm)
    whole = [
        _joined([_bar(bar, style.px_per_mm) for bar in bars[first : first + 3]]) for first in range(0, len(bars), 3)
    ]
    cut = [_inside(patch, style.shape_px) for patch in whole]
    return tuple(patch for patch in cut if patch is not None)


def _joined(patches: list[Patch]) -> Patch:
    """One patch that contains several; where they overlap, the larger coverage is kept."""
    row, column = min(patch.row for patch in patches), min(patch.column for patch in patches)
    height = max(patch.row + patch.coverage.shape[0] for patch in patches) - row
    width = max(patch.column + patch.coverage.shape[1] for patch in patches) - column
    sheet = np.zeros((height, width), dtype=np.float32)
    for patch in patches:
        Patch(patch.row - row, patch.column - column, patch.coverage).put_on(sheet)
    sheet.flags.writeable = False
    return Patch(row, column, sheet)


def _letters(text: Text, style: PageStyle) -> Patch:
    coverage, left, top = text_coverage(text.text, style.font, round(style.text_mm * style.px_per_mm))
    row, column = round(text.baseline_mm * style.px_per_mm), round(text.x_mm * style.px_per_mm)
    return Patch(row + top, column + left, coverage)


def _write(page_hw: Coverage, text: Text, style: PageStyle) -> None:
    letters = _inside(_letters(text, style), page_hw.shape)
    if letters is not None:
        letters.put_on(page_hw)


def _bar(bar: Bar, px_per_mm: float) -> Patch:
    x0, x1, y0, y1 = (edge * px_per_mm for edge in (bar.x0_mm, bar.x1_mm, bar.y0_mm, bar.y1_mm))
    column, row = int(np.floor(x0)), int(np.floor(y0))
    sheet = np.zeros((int(np.ceil(y1)) - row, int(np.ceil(x1)) - column), dtype=np.float32)
    rectangle(sheet, x0 - column, x1 - column, y0 - row, y1 - row)
    return Patch(row, column, sheet)


def _fill(page_hw: Coverage, bar: Bar, px_per_mm: float) -> None:
    patch = _inside(_bar(bar, px_per_mm), page_hw.shape)
    if patch is not None:
        patch.put_on(page_hw)


def _lay(printed_hw: Printed, patch: Patch) -> None:
    inside = _inside(patch, printed_hw.shape)
    if inside is None:
        return
    height, width = inside.coverage.shape
    place = printed_hw[inside.row : inside.row + height, inside.column : inside.column + width]
    np.maximum(place, np.rint(inside.coverage * 255).astype(np.uint8), out=place)


def _inside(patch: Patch, shape: tuple[int, ...]) -> Patch | None:
    """The part of a patch on the page; None if there is none."""
    height, width = patch.coverage.shape
    rows = slice(max(0, -patch.row), min(height, shape[0] - patch.row))
    columns = slice(max(0, -patch.column), min(width, shape[1] - patch.column))
    if rows.start >= rows.stop or columns.start >= columns.stop:
        return None
    return Patch(patch.row + rows.start, patch.column + columns.start, patch.coverage[rows, columns])


def qr_modules(text: str) -> npt.NDArray[np.bool_]:
    """The code's modules, (n, n) bool, True for dark; without the quiet zone."""
    code = np.asarray(cv2.QRCodeEncoder.create().encode(text)) == 0
    rows, columns = np.flatnonzero(code.any(axis=1)), np.flatnonzero(code.any(axis=0))
    modules: npt.NDArray[np.bool_] = code[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    return modules
