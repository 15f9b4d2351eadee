"""Finds where time begins on a page without pulses, from the separators a quarter of the printed width apart."""

import numpy as np
import numpy.typing as npt
from scipy.ndimage import maximum_filter1d, uniform_filter1d

from ecg_assets.digitize.calibration.printed_extent import FULL_MM, Extent
from ecg_assets.digitize.calibration.separators import DARK_OVER, TALL_MM, at_bars, find_bars
from ecg_assets.digitize.lead_layout.layout_match import Slot
from ecg_assets.digitize.rectification.canvas import CANVAS_PX_PER_MM_X, CANVAS_PX_PER_MM_Y

Field = npt.NDArray[np.float32]
Values = npt.NDArray[np.float64]

# Only rows of four leads are used: their three bars fix the begin, while a single bar could stand anywhere.
_LEADS = 4
# Least width of a bar, and the distance beside it at which there is no bar.
_WIDE_MM, _ASIDE_MM = 0.55, 1.0
# Tolerance of the bars' places; their least contrast with the surroundings; how many have to be there.
_OFF_MM, _LEAST, _MOST, _LEAST_BARS = 0.6, 0.4, 0.8, 5


def bars_extent(ink_hw: Field, dark_hw: Field, ink: float, rows_y: Values) -> Extent | None:
    """The printed width that begins a quarter before the first bars; None if too few bars agree.

    Args:
        ink_hw: (h, w) float32, `ink_contrast.beside_lines` of the canvas.
        dark_hw: (h, w) float32, `ink_contrast.darkness` of the canvas.
        ink: darkness of the trace.
        rows_y: the rows' baselines, canvas px.
    """
    begin_mm = _begin_mm(ink_hw, rows_y)
    if begin_mm is None:
        return None
    rough = Extent(begin_mm, begin_mm + FULL_MM, True)
    slots = [Slot("", row, column, _LEADS, False) for row in range(len(rows_y)) for column in range(_LEADS)]
    # Beats and tremor may repeat at the bars' distance, but not to within a tenth of a millimetre.
    bars = find_bars(rough, tuple(slots), rows_y, dark_hw, ink)
    return at_bars(rough, bars) if len(bars) >= _LEAST_BARS else None


def _begin_mm(ink_hw: Field, rows_y: Values) -> float | None:
    """To half a millimetre."""
    bars = np.stack([_likeness(ink_hw, round(float(line))) for line in rows_y])
    apart = round(FULL_MM / _LEADS * CANVAS_PX_PER_MM_X)
    begins = bars.shape[1] - (_LEADS - 1) * apart
    if begins <= 0:
        return None
    # (bars of a row, rows, begins)
    comb = np.stack([bars[:, part * apart : part * apart + begins] for part in range(1, _LEADS)])
    there = comb >= _LEAST
    score = np.where(there, np.minimum(comb, _MOST), 0).sum(axis=(0, 1))
    score[~there.any(axis=1).all(axis=0) | (there.sum(axis=(0, 1)) < _LEAST_BARS)] = 0
    if score.max() <= 0:
        return None
    # Several places may score equally; take their middle.
    best = np.flatnonzero(score >= 0.98 * score.max())
    return (float(best[np.abs(best - best[len(best) // 2]) < apart / 2].mean()) + 0.5) / CANVAS_PX_PER_MM_X


def _likeness(ink_hw: Field, row: int) -> Field:
    """(w,) float32: how much darker each place of a row is than its surroundings, over a bar's height and width."""
    tall, wide, aside = (
        round(side * scale)
        for side, scale in (
            (TALL_MM, CANVAS_PX_PER_MM_Y),
            (_WIDE_MM, CANVAS_PX_PER_MM_X),
            (_ASIDE_MM, CANVAS_PX_PER_MM_X),
        )
    )
    piece = ink_hw[max(0, row - tall) : row + tall + 1]
    profile = uniform_filter1d(np.percentile(piece, DARK_OVER, axis=0), wide)
    sides = np.maximum(np.roll(profile, aside), np.roll(profile, -aside))
    return np.asarray(maximum_filter1d(profile - sides, 2 * round(_OFF_MM * CANVAS_PX_PER_MM_X) + 1), np.float32)
