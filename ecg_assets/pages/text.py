"""Print beside the trace: lead names, header, footer, calibration pulses and separators. None of it is wave."""

from functools import cache

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from ecg_assets.pages.coverage import Coverage, rectangle
from ecg_assets.pages.layout import (
    COLUMNS,
    FIRST_COLUMN_X_PX,
    GAIN_MM_PER_MV,
    PAGE_HEIGHT_PX,
    PAGE_WIDTH_PX,
    PAPER_SPEED_MM_PER_S,
    PX_PER_MM,
    PX_PER_MV,
    RHYTHM_ZERO_Y_PX,
    ROW_ZERO_Y_PX,
    ROWS,
    column_x_px,
)
from ecg_assets.records.record import RHYTHM_LEAD
from ecg_assets.store.rng import rng_for

LABEL_BELOW_ZERO_MV = 0.7
RHYTHM_LABEL_Y_PX = 1597.7
LABEL_INDENT_PX = 10.0
FOOTER_Y_PX = 1660.6
SPEED_X_PX, GAIN_X_PX = 393.7, 787.4
HEADER_X_PX = (10.0, 600.0, 1190.0)
HEADER_Y_PX = (42.0, 84.0, 126.0)
TEXT_SIZE_PX = 32
PULSE_X_PX = (10 * PX_PER_MM, 15 * PX_PER_MM)
PULSE_MV = 1.0
SEPARATOR_HALF_HEIGHT_PX, SEPARATOR_WIDTH_PX = 24.8, 6.25

_SURNAMES = ("Adler", "Berg", "Costa", "Duval", "Eriksen", "Fischer", "Grant", "Haas", "Ivanova", "Jansen", "Keller")


@cache
def _font(size_px: int) -> ImageFont.FreeTypeFont:
    font = ImageFont.load_default(size_px)
    if not isinstance(font, ImageFont.FreeTypeFont):
        raise RuntimeError(
            "this Pillow has no FreeType, so text cannot be drawn to size; install Pillow from its wheel"
        )
    return font


@cache
def print_of_style(stroke_px: float) -> Coverage:
    """What every page bears, (1700, 2200) float32 coverage: names, footer, pulses, separators. Read-only."""
    page = np.zeros((PAGE_HEIGHT_PX, PAGE_WIDTH_PX), dtype=np.float32)
    texts = [
        (column_x_px(column) + LABEL_INDENT_PX, zero_y + LABEL_BELOW_ZERO_MV * PX_PER_MV, lead)
        for row, zero_y in zip(ROWS, ROW_ZERO_Y_PX, strict=True)
        for column, lead in enumerate(row)
    ]
    texts.append((FIRST_COLUMN_X_PX + LABEL_INDENT_PX, RHYTHM_LABEL_Y_PX, RHYTHM_LEAD))
    texts.append((SPEED_X_PX, FOOTER_Y_PX, f"{PAPER_SPEED_MM_PER_S:g}mm/s"))
    texts.append((GAIN_X_PX, FOOTER_Y_PX, f"{GAIN_MM_PER_MV:g}mm/mV"))
    _write(page, texts)
    for zero_y in (*ROW_ZERO_Y_PX, RHYTHM_ZERO_Y_PX):
        _pulse(page, zero_y, stroke_px)
    for zero_y in ROW_ZERO_Y_PX:
        for column in range(1, COLUMNS):
            _separator(page, column_x_px(column), zero_y)
    page.flags.writeable = False
    return page


def header_of(record_id: str, seed: int) -> list[tuple[float, float, str]]:
    """The header's texts with x and baseline y in pixels; the person is made up from the id and the seed."""
    rng = rng_for(seed, record_id, "header")
    female = bool(rng.integers(2))
    height_cm = int(rng.normal(164 if female else 177, 7))
    columns = (
        (f"ID: {record_id}", f"Age: {int(rng.integers(18, 95))}", f"Sex: {'F' if female else 'M'}"),
        (f"Name: {_SURNAMES[int(rng.integers(len(_SURNAMES)))]}", f"Height: {height_cm} cm"),
        (
            f"Date: {int(rng.integers(1, 29)):02d}.{int(rng.integers(1, 13)):02d}.{int(rng.integers(1990, 2025))}",
            f"Weight: {round((height_cm - 100) * rng.uniform(0.85, 1.3))} kg",
        ),
    )
    return [
        (x, y, text)
        for x, lines in zip(HEADER_X_PX, columns, strict=True)
        for y, text in zip(HEADER_Y_PX, lines, strict=False)
    ]


def write_header(page_hw: Coverage, texts: list[tuple[float, float, str]]) -> None:
    """Lays the header over a page's coverage, (1700, 2200) float32."""
    _write(page_hw, texts)


def _write(page_hw: Coverage, texts: list[tuple[float, float, str]]) -> None:
    """Lays texts (x, baseline y, text) over the page; anti-aliased by FreeType."""
    for x_px, baseline_px, text in texts:
        left, top, right, bottom = (int(edge) for edge in _font(TEXT_SIZE_PX).getbbox(text, anchor="ls"))
        sheet = Image.new("L", (right - left + 2, bottom - top + 2))
        ImageDraw.Draw(sheet).text((1 - left, 1 - top), text, fill=255, font=_font(TEXT_SIZE_PX), anchor="ls")
        row, column = round(baseline_px) + top - 1, round(x_px) + left - 1
        letters = np.asarray(sheet, dtype=np.float32)[max(0, -row) :, max(0, -column) :] / 255.0
        place = page_hw[max(0, row) :, max(0, column) :][: letters.shape[0], : letters.shape[1]]
        np.maximum(place, letters[: place.shape[0], : place.shape[1]], out=place)


def _pulse(page_hw: Coverage, zero_y_px: float, stroke_px: float) -> None:
    """The calibration pulse: up, 1 mV high for 0.2 s, down."""
    half, (left, right) = stroke_px / 2, PULSE_X_PX
    top = zero_y_px - PULSE_MV * PX_PER_MV
    rectangle(page_hw, left - half, left + half, top - half, zero_y_px + half)
    rectangle(page_hw, right - half, right + half, top - half, zero_y_px + half)
    rectangle(page_hw, left - half, right + half, top - half, top + half)


def _separator(page_hw: Coverage, x_px: float, zero_y_px: float) -> None:
    half = SEPARATOR_WIDTH_PX / 2
    up, down = zero_y_px - SEPARATOR_HALF_HEIGHT_PX, zero_y_px + SEPARATOR_HALF_HEIGHT_PX
    rectangle(page_hw, x_px - half, x_px + half, up, down)
