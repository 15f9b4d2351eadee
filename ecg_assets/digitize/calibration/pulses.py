"""Finds the calibration pulses (1 mV for 0.2 s) before or after the rows."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ecg_assets.digitize.rectification.canvas import CANVAS_PX_PER_MM_X, CANVAS_PX_PER_MM_Y
from ecg_assets.pages.layout.calibration_pulse import PULSE_MV
from ecg_assets.pages.layout.panels import PULSE_S
from ecg_assets.pages.style.page_style import GAINS_MM_PER_MV, PAPER_SPEEDS_MM_PER_S

Field = npt.NDArray[np.float32]
Values = npt.NDArray[np.float64]

# Pulses are searched in this share of the paper's width, from its left and from its right edge. The begin of the traces
# is not used, because a crease or a name may be mistaken for a trace.
_OUTER = 0.3
# Largest distance of their foot from the row's baseline.
_FOOT_MM = 3.0
# Flanks that continue above the plateau are searched from and to this distance, canvas px.
_BEYOND_PX = (24, 6)
# Stride of the first search in columns; a flank's line is wider. All columns around the best are then searched.
_STEP = 3
# 1 is a pulse as dark as the trace.
_LEAST_SCORE = 0.45
_AS_GOOD = 0.9


@dataclass(frozen=True)
class Pulses:
    """The calibration pulses that were found.

    Attributes:
        left_mm, right_mm: their flanks, mm of the canvas.
        paper_speed_mm_per_s, gain_mm_per_mv: from width and height.
        score: 0 to 1, their darkness relative to the trace's.
    """

    left_mm: float
    right_mm: float
    paper_speed_mm_per_s: float
    gain_mm_per_mv: float
    score: float


def find_pulses(ink_hw: Field, lines_y: Values, first: int, last: int) -> Pulses | None:
    """The pulse near the paper's left or right edge that fits all rows best.

    Args:
        ink_hw: (h, w) float32, `beside_lines` of the canvas.
        lines_y: the rows' baselines, canvas px.
        first, last: the paper's columns.
    """
    scales = [(speed, gain) for speed in PAPER_SPEEDS_MM_PER_S for gain in GAINS_MM_PER_MV]
    return best_pulse(ink_hw, lines_y, (first, last), scales)


def best_pulse(
    ink_hw: Field, lines_y: Values, ends: tuple[int, int], scales: Sequence[tuple[float, float]]
) -> Pulses | None:
    """`find_pulses` for any paper speeds in mm/s and gains in mm/mV."""
    height, width = ink_hw.shape
    # In place and in single precision, to limit peak memory: this holds four copies of a canvas.
    down, across = np.zeros((height + 1, width), np.float32), np.zeros((height, width + 1), np.float32)
    np.cumsum(ink_hw, axis=0, out=down[1:])
    np.cumsum(ink_hw, axis=1, out=across[:, 1:])
    best: Pulses | None = None
    for scale in scales:
        found = _fit(down, across, lines_y, ends, scale)
        if found is not None and (best is None or found.score > best.score):
            best = found
    return best if best is not None and best.score >= _LEAST_SCORE else None


def _fit(
    down: Field, across: Field, lines_y: Values, ends: tuple[int, int], scale: tuple[float, float]
) -> Pulses | None:
    """The best place of a pulse of one width and height."""
    speed, gain = scale
    wide, tall = round(PULSE_S * speed * CANVAS_PX_PER_MM_X), round(PULSE_MV * gain * CANVAS_PX_PER_MM_Y)
    (first, last), width = ends, down.shape[1]
    outer = round((last - first) * _OUTER)
    coarse = np.concatenate(
        [np.arange(first, first + outer - wide, _STEP), np.arange(last - outer, last - wide + 1, _STEP)]
    )
    coarse = coarse[(coarse >= 1) & (coarse + wide + 1 < width)]
    if not len(coarse):
        return None
    best = int(coarse[_total(down, across, lines_y, coarse, (wide, tall)).argmax()])
    starts = np.arange(best - CANVAS_PX_PER_MM_X, best + CANVAS_PX_PER_MM_X + 1)
    starts = starts[(starts >= 1) & (starts + wide + 1 < width)]
    total = _total(down, across, lines_y, starts, (wide, tall))
    highest = int(total.argmax())
    if total[highest] <= 0:
        return None
    # Places within the width of a flank's line score about equally; take their middle.
    good = np.maximum(0, total - _AS_GOOD * total[highest])
    left = (float(np.average(starts, weights=good)) + 0.5) / CANVAS_PX_PER_MM_X
    right = left + PULSE_S * speed
    return Pulses(left, right, speed, gain, float(total[highest] / len(lines_y)))


def _total(down: Field, across: Field, lines_y: Values, starts: npt.NDArray[np.int64], size: tuple[int, int]) -> Values:
    """Sum of the rows' scores at each place."""
    rows = [_row_score(down, across, round(float(line)), starts, size) for line in lines_y]
    return np.asarray(np.sum(rows, axis=0))


def _row_score(down: Field, across: Field, line: int, starts: npt.NDArray[np.int64], size: tuple[int, int]) -> Values:
    """Mean darkness of the pulse's three sides less that of its inside, at the best foot near the line."""
    wide, tall = size
    height = down.shape[0] - 1
    reach = round(_FOOT_MM * CANVAS_PX_PER_MM_Y)
    best = np.full(len(starts), -1.0)
    for foot in range(line - reach, line + reach + 1, 2):
        top = foot - tall
        if top < 1 or foot >= height:
            continue
        side = (down[foot] - down[top]) / tall
        # Between the flanks' middles, both excluded; including one would bias the place to its side.
        roof = (across[top, starts + wide] - across[top, starts + 1]) / (wide - 1)
        inside = (down[foot, starts + wide // 2] - down[top + 4, starts + wide // 2]) / max(1, tall - 4)
        over = max(0, top - 3)
        above = (across[over, starts + wide] - across[over, starts + 1]) / (wide - 1)
        sides = np.minimum(side[starts], side[starts + wide])
        # Flanks that continue above the plateau belong to a higher pulse, or are not a pulse.
        far, near = max(0, top - _BEYOND_PX[0]), max(1, top - _BEYOND_PX[1])
        beyond = (down[near] - down[far]) / max(1, near - far)
        goes_on = np.minimum(beyond[starts], beyond[starts + wide])
        wrong = np.maximum(np.maximum(inside, above - 0.2), goes_on)
        best = np.maximum(best, np.minimum(sides, roof) - np.maximum(0, wrong))
    return best
