"""Finds the calibration pulses, which stand before or behind the rows: 1 mV high for 0.2 s."""

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from ecg_assets.digitize.rectify import CANVAS_PX_PER_MM_X, CANVAS_PX_PER_MM_Y
from ecg_assets.pages.panels import PULSE_S
from ecg_assets.pages.plan import PULSE_MV
from ecg_assets.pages.style import GAINS_MM_PER_MV, PAPER_SPEEDS_MM_PER_S

Field = npt.NDArray[np.float32]
Values = npt.NDArray[np.float64]

# How far before and behind the traces pulses are looked for (a network may take a pulse for trace, and they begin with
# it), and how far their foot may be from the row's line.
_BEFORE_MM, _INTO_MM = 18.0, 13.0
_FOOT_MM = 3.0
# Of the trace's own darkness.
_LEAST_SCORE = 0.45
_AS_GOOD = 0.9


@dataclass(frozen=True)
class Pulses:
    """What the calibration pulses say.

    Attributes:
        left_mm, right_mm: their flanks, mm of the canvas.
        paper_speed_mm_per_s, gain_mm_per_mv: from width and height.
        score: 0 to 1, their darkness beside the trace's.
    """

    left_mm: float
    right_mm: float
    paper_speed_mm_per_s: float
    gain_mm_per_mv: float
    score: float


def darkness(canvas_hwc: npt.NDArray[np.uint8]) -> Field:
    """(h, w) float32: how much darker than its surroundings each pixel's brightest colour is, 0 to 255.

    A coloured line keeps its own colour bright, so that grids fade beside ink.
    """
    value = canvas_hwc.max(axis=2)
    paper = cv2.medianBlur(cv2.resize(value, None, fx=0.25, fy=0.25, interpolation=cv2.INTER_AREA), 15)
    around = cv2.resize(paper, value.shape[::-1], interpolation=cv2.INTER_LINEAR)
    return np.asarray(cv2.subtract(around, value), dtype=np.float32)


def find_pulses(dark_hw: Field, ink: float, lines_y: Values, first: int, last: int) -> Pulses | None:
    """The pulse that fits all rows best.

    Args:
        dark_hw: (h, w) float32, `darkness` of the canvas.
        ink: darkness of the trace.
        lines_y: the rows' own lines, canvas px.
        first, last: columns where traces begin and end, about.
    """
    height, width = dark_hw.shape
    wide = cv2.dilate(dark_hw, np.ones((3, 3), np.uint8)) / np.float32(max(ink, 1.0))
    wide = np.minimum(wide, 1)
    down = np.concatenate([np.zeros((1, width)), np.cumsum(wide, axis=0, dtype=np.float64)])
    across = np.concatenate([np.zeros((height, 1)), np.cumsum(wide, axis=1, dtype=np.float64)], axis=1)
    best: Pulses | None = None
    for speed in PAPER_SPEEDS_MM_PER_S:
        for gain in GAINS_MM_PER_MV:
            found = _fit(down, across, lines_y, (first, last), (speed, gain))
            if found is not None and (best is None or found.score > best.score):
                best = found
    return best if best is not None and best.score >= _LEAST_SCORE else None


def _fit(
    down: Values, across: Values, lines_y: Values, ends: tuple[int, int], scale: tuple[float, float]
) -> Pulses | None:
    """The best place of a pulse of one width and height."""
    speed, gain = scale
    wide, tall = round(PULSE_S * speed * CANVAS_PX_PER_MM_X), round(PULSE_MV * gain * CANVAS_PX_PER_MM_Y)
    before, into = round(_BEFORE_MM * CANVAS_PX_PER_MM_X), round(_INTO_MM * CANVAS_PX_PER_MM_X)
    width = down.shape[1]
    starts = np.concatenate(
        [np.arange(ends[0] - before, ends[0] + into - wide), np.arange(ends[1] - into, ends[1] + before - wide)]
    )
    starts = starts[(starts >= 1) & (starts + wide + 1 < width)]
    if not len(starts):
        return None
    total = np.zeros(len(starts))
    for line in lines_y:
        total += _row_score(down, across, round(float(line)), starts, (wide, tall))
    highest = int(total.argmax())
    if total[highest] <= 0:
        return None
    # As wide as a flank's line, places are about as good as each other: their middle is meant.
    good = np.maximum(0, total - _AS_GOOD * total[highest])
    good[np.abs(starts - starts[highest]) > CANVAS_PX_PER_MM_X] = 0
    left = (float(np.average(starts, weights=good)) + 0.5) / CANVAS_PX_PER_MM_X
    right = left + PULSE_S * speed
    return Pulses(left, right, speed, gain, float(total[highest] / len(lines_y)))


def _row_score(down: Values, across: Values, line: int, starts: npt.NDArray[np.int64], size: tuple[int, int]) -> Values:
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
        # Between the flanks' middles, neither of them included: else places to one side would be preferred.
        roof = (across[top, starts + wide] - across[top, starts + 1]) / (wide - 1)
        inside = (down[foot, starts + wide // 2] - down[top + 4, starts + wide // 2]) / max(1, tall - 4)
        over = max(0, top - 3)
        above = (across[over, starts + wide] - across[over, starts + 1]) / (wide - 1)
        sides = np.minimum(side[starts], side[starts + wide])
        best = np.maximum(best, np.minimum(sides, roof) - np.maximum(0, np.maximum(inside, above - 0.2)))
    return best
