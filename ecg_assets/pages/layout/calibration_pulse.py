"""Places and sizes of a page's calibration pulses."""

from ecg_assets.pages.layout.panels import PULSE_GAP_MM, PULSE_S, column_mm, row_zeros_mm
from ecg_assets.pages.layout.plan import Bar
from ecg_assets.pages.style.page_style import PageStyle

PULSE_MV = 1.0


def pulses(style: PageStyle, stroke_mm: float) -> list[Bar]:
    """The calibration pulses, one per row: up, 1 mV high for 0.2 s, down; three bars each."""
    if style.pulse == "none":
        return []
    width_mm, half_mm = PULSE_S * style.paper_speed_mm_per_s, stroke_mm / 2
    if style.pulse == "left":
        right_mm = column_mm(style, 0, 1)
        left_mm = right_mm - width_mm
    else:
        left_mm = column_mm(style, 1, 1) + PULSE_GAP_MM
        right_mm = left_mm + width_mm
    bars = []
    for zero_mm in row_zeros_mm(style):
        top_mm = zero_mm - PULSE_MV * style.gain_mm_per_mv
        bars += [
            Bar(left_mm - half_mm, left_mm + half_mm, top_mm - half_mm, zero_mm + half_mm),
            Bar(right_mm - half_mm, right_mm + half_mm, top_mm - half_mm, zero_mm + half_mm),
            Bar(left_mm - half_mm, right_mm + half_mm, top_mm - half_mm, top_mm + half_mm),
        ]
    return bars


def pulse_outlines(style: PageStyle, stroke_mm: float) -> list[Bar]:
    """The rectangles around the calibration pulses, one per row."""
    bars = pulses(style, stroke_mm)
    return [
        Bar(left.x0_mm, right.x1_mm, left.y0_mm, left.y1_mm) for left, right in zip(bars[::3], bars[1::3], strict=True)
    ]
