"""Where things stand on the printed page: millimetres, panels and their time windows.

Coordinates are in pixels from the page's upper left corner, x to the right, y down; pixel p covers p to p + 1.
The numbers are those of the competition's variant 0001: 11 x 8.5 in at 200 dpi, 25 mm/s, 10 mm/mV.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ecg_assets.records.record import RHYTHM_LEAD, Record

DPI = 200
PAGE_WIDTH_PX, PAGE_HEIGHT_PX = 2200, 1700
PX_PER_MM = DPI / 25.4
PAPER_SPEED_MM_PER_S = 25.0
GAIN_MM_PER_MV = 10.0
PX_PER_S = PAPER_SPEED_MM_PER_S * PX_PER_MM
PX_PER_MV = GAIN_MM_PER_MV * PX_PER_MM

ROWS: tuple[tuple[str, ...], ...] = (("I", "aVR", "V1", "V4"), ("II", "aVL", "V2", "V5"), ("III", "aVF", "V3", "V6"))
ROW_ZERO_Y_PX = (708.33, 991.67, 1275.00)
RHYTHM_ZERO_Y_PX = 1534.71
FIRST_COLUMN_X_PX = 15 * PX_PER_MM
COLUMN_S = 2.5
COLUMNS = 4


@dataclass(frozen=True)
class Panel:
    """One lead's place on the page and what of the record is printed there.

    Attributes:
        lead: its name.
        x0_px: where the first sample stands.
        zero_y_px: the zero-millivolt line.
        first: index of the first sample printed.
        count: how many samples from there on; 0 when the record has none for this panel.
        fs_hz: the record's sampling rate.
    """

    lead: str
    x0_px: float
    zero_y_px: float
    first: int
    count: int
    fs_hz: int

    def points_px(self, record: Record) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
        """The trace's corners: x and y, (count,) float64 each; y is NaN where the record is empty."""
        values_mv = record.lead(self.lead)[self.first : self.first + self.count].astype(np.float64)
        x_px = self.x0_px + np.arange(self.count, dtype=np.float64) * (PX_PER_S / self.fs_hz)
        return x_px, self.zero_y_px - values_mv * PX_PER_MV


def column_x_px(column: int) -> float:
    """Left edge of column 0 to 3; 4 is where the last one ends."""
    return FIRST_COLUMN_X_PX + column * COLUMN_S * PX_PER_S


def panels_of(record: Record) -> list[Panel]:
    """The 12 panels, row by row, and the rhythm strip of lead II over the whole width."""
    panels = [
        _panel(record, lead, column, zero_y)
        for row, zero_y in zip(ROWS, ROW_ZERO_Y_PX, strict=True)
        for column, lead in enumerate(row)
    ]
    first, count = _printed(record, RHYTHM_LEAD, 0, record.signal_mv.shape[1])
    start_x = FIRST_COLUMN_X_PX + first * (PX_PER_S / record.fs_hz)
    return [*panels, Panel(RHYTHM_LEAD, start_x, RHYTHM_ZERO_Y_PX, first, count, record.fs_hz)]


def _panel(record: Record, lead: str, column: int, zero_y_px: float) -> Panel:
    """A quarter's panel; a sample stands where its time falls after the quarter's begin."""
    samples = record.signal_mv.shape[1]
    begin, end = int(column * samples / COLUMNS), int((column + 1) * samples / COLUMNS)
    # At 1025 Hz the quarters are fractional: where a sample more or less is filled, the cells are right.
    spare = 1 if samples % COLUMNS else 0
    first, count = _printed(record, lead, max(0, begin - spare), min(samples, end + spare))
    x0_px = column_x_px(column) + (first / record.fs_hz - column * COLUMN_S) * PX_PER_S
    return Panel(lead, x0_px, zero_y_px, first, count, record.fs_hz)


def _printed(record: Record, lead: str, begin: int, end: int) -> tuple[int, int]:
    """First sample and number of samples of a lead that are filled within rows `begin` to `end`."""
    filled = np.flatnonzero(np.isfinite(record.lead(lead)[begin:end]))
    return (begin + int(filled[0]), int(filled[-1] - filled[0]) + 1) if len(filled) else (begin, 0)
