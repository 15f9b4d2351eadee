"""Computes each lead's place on the paper and the samples that are printed there."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any

import numpy as np
import numpy.typing as npt

from ecg_assets.pages.style.page_style import PageStyle
from ecg_assets.records.record import Record

# The printed area: the competition's page has its first sample 15 mm from the left and 10 s of 25 mm/s beside it. A
# narrower paper shows less of each column.
FIRST_COLUMN_MM = 15.0
PRINTED_MM = 250.0
PRINTED_S = 10.0
_TOP_MM, _BOTTOM_MM, _RIGHT_MM = 42.0, 16.0, 2.0
PULSE_S, PULSE_GAP_MM = 0.2, 2.0
NO_BASELINES: Mapping[str, float] = MappingProxyType({})

Points = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Panel:
    """One lead's place on the paper and its printed samples.

    Attributes:
        lead: its name; a leading minus marks an inverted lead.
        rhythm: whether it is a strip over the whole width.
        x0_mm: place of the first sample.
        zero_y_mm: the zero-millivolt line.
        left_mm, right_mm: begin and end of the panel, filled or not.
        first: index of the first printed sample.
        count: number of printed samples; 0 if the record has none for this panel.
        window: number of samples that fit in the panel.
        fs_hz: the record's sampling rate.
        baseline_mv: offset subtracted from the record's values before printing, as recorders do.
    """

    lead: str
    rhythm: bool
    x0_mm: float
    zero_y_mm: float
    left_mm: float
    right_mm: float
    first: int
    count: int
    window: int
    fs_hz: int
    baseline_mv: float = 0.0

    def describe(self) -> dict[str, Any]:
        """Its attributes; the baseline only if it is not 0."""
        return {name: value for name, value in vars(self).items() if name != "baseline_mv" or value}

    def points_mm(self, record: Record, style: PageStyle) -> Points:
        """The trace's vertices: (count, 2) float64, x and y in mm of the paper; y is NaN where the record is empty."""
        values_mv = record.lead(self.lead.removeprefix("-"))[self.first : self.first + self.count].astype(np.float64)
        sign = -1.0 if self.lead.startswith("-") else 1.0
        points = np.empty((self.count, 2))
        points[:, 0] = self.x0_mm + np.arange(self.count) * (style.paper_speed_mm_per_s / self.fs_hz)
        points[:, 1] = self.zero_y_mm - sign * style.gain_mm_per_mv * (values_mv - self.baseline_mv)
        return points


def panels_of(record: Record, style: PageStyle, baselines_mv: Mapping[str, float] = NO_BASELINES) -> list[Panel]:
    """The panels, row by row; rhythm strips come last.

    Args:
        record: the signals.
        style: the layout.
        baselines_mv: by lead, the offset subtracted before printing.
    """
    layout, zeros_mm = style.leads, row_zeros_mm(style)
    across = len(layout.columns)
    panels = [
        _panel(record, style, column[row], False, zeros_mm[row], place, across)
        for row in range(len(layout.columns[0]))
        for place, column in enumerate(layout.columns)
    ]
    strips = zip(layout.rhythm, zeros_mm[len(layout.columns[0]) :], strict=True)
    panels += [_panel(record, style, lead, True, zero_mm, 0, 1) for lead, zero_mm in strips]
    if not baselines_mv:
        return panels
    return [replace(panel, baseline_mv=baselines_mv.get(panel.lead.removeprefix("-"), 0.0)) for panel in panels]


def row_zeros_mm(style: PageStyle) -> list[float]:
    """The zero lines of all rows, rhythm strips included, in mm from the paper's top."""
    if style.leads.zero_mm:
        return list(style.leads.zero_mm)
    rows = style.leads.rows
    pitch_mm = (style.paper_mm[1] - _TOP_MM - _BOTTOM_MM) / rows
    return [_TOP_MM + (row + 0.55) * pitch_mm for row in range(rows)]


def column_mm(style: PageStyle, place: int, across: int) -> float:
    """Left edge of column `place` of `across`; `place` equal to `across` gives the last one's right edge."""
    return FIRST_COLUMN_MM + place * _shown_s(style, PRINTED_S, across) * style.paper_speed_mm_per_s


def _shown_s(style: PageStyle, record_s: float, across: int) -> float:
    """Seconds of one column: its share of the record, limited by the paper."""
    return min(record_s / across, _printed_mm(style) / across / style.paper_speed_mm_per_s)


def _printed_mm(style: PageStyle) -> float:
    """Width of the paper available to traces, without a pulse at the right end."""
    pulse_mm = PULSE_GAP_MM + PULSE_S * style.paper_speed_mm_per_s if style.pulse == "right" else 0.0
    return min(PRINTED_MM, style.paper_mm[0] - FIRST_COLUMN_MM - pulse_mm - _RIGHT_MM)


def _panel(
    record: Record, style: PageStyle, lead: str, rhythm: bool, zero_y_mm: float, place: int, across: int
) -> Panel:
    samples = min(record.signal_mv.shape[1], round(PRINTED_S * record.fs_hz))
    begin, end = int(place * samples / across), int((place + 1) * samples / across)
    room = int(np.ceil(_shown_s(style, PRINTED_S, across) * record.fs_hz))
    last = min(end, begin + room)
    first, count = _filled(record, lead, begin, last)
    # At 1025 Hz the quarters are fractional: if one more sample is filled, the filled cells decide.
    if count and samples % across:
        first, count = _filled(record, lead, max(0, begin - 1), min(samples, last + 1))
    left_mm = column_mm(style, place, across)
    speed = style.paper_speed_mm_per_s
    return Panel(
        lead=lead,
        rhythm=rhythm,
        x0_mm=left_mm + (first / record.fs_hz - place * samples / across / record.fs_hz) * speed,
        zero_y_mm=zero_y_mm,
        left_mm=left_mm,
        right_mm=column_mm(style, place + 1, across),
        first=first,
        count=count,
        window=last - begin,
        fs_hz=record.fs_hz,
    )


def _filled(record: Record, lead: str, begin: int, end: int) -> tuple[int, int]:
    """First sample and number of filled samples of a lead within rows `begin` to `end`."""
    values = record.lead(lead.removeprefix("-"))[begin:end]
    if len(values) and np.isfinite(values[0]) and np.isfinite(values[-1]):
        return begin, len(values)  # nearly all are, and gaps within do not count
    filled = np.flatnonzero(np.isfinite(values))
    return (begin + int(filled[0]), int(filled[-1] - filled[0]) + 1) if len(filled) else (begin, 0)
