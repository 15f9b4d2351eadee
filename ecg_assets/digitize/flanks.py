"""Where the flanks of calibration pulses stand, to a fraction of a pixel: there time begins."""

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from ecg_assets.digitize.pulses import Pulses
from ecg_assets.digitize.rectify import CANVAS_PX_PER_MM_X, CANVAS_PX_PER_MM_Y
from ecg_assets.pages.plan import PULSE_MV

Field = npt.NDArray[np.float32]
Values = npt.NDArray[np.float64]

# How far to either side flanks are looked for, and how far from foot and roof, which are no flanks.
_ASIDE_MM, _INNER_MM = 0.9, 1.5
# Of a row's flank beside the clearest one: what stains or light hide says nothing.
_CLEAR = 0.5


def at_flanks(pulses: Pulses, dark_hw: Field, lines_y: Values) -> Pulses:
    """The same pulses moved to the middle of their flanks' ink.

    Args:
        pulses: found to a pixel or so.
        dark_hw: (h, w) float32, `ink.darkness` of the canvas.
        lines_y: the rows' own lines, canvas px.
    """
    reach = round(_ASIDE_MM * CANVAS_PX_PER_MM_X)
    tall = PULSE_MV * pulses.gain_mm_per_mv
    found = []
    for line in lines_y:
        top, foot = (round(float(line) - part * CANVAS_PX_PER_MM_Y) for part in (tall - _INNER_MM, _INNER_MM))
        for flank_mm in (pulses.left_mm, pulses.right_mm):
            column = round(flank_mm * CANVAS_PX_PER_MM_X - 0.5)
            piece = dark_hw[max(0, top) : foot, max(0, column - reach) : column + reach + 1]
            if piece.shape[0] and piece.shape[1] == 2 * reach + 1:
                away = (column + 0.5) / CANVAS_PX_PER_MM_X - flank_mm
                # Less the ink of a line of the grid, which printers round to whole pixels, and flanks may stand on.
                grid = np.median(dark_hw[:, column - reach : column + reach + 1], axis=0)
                contrast, middle = _middle(piece.mean(axis=0, dtype=np.float64) - grid)
                found.append((contrast, away + (middle - reach) / CANVAS_PX_PER_MM_X))
    if not found:
        return pulses
    contrasts, shifts = np.array(found).T
    by = float(np.median(shifts[contrasts >= _CLEAR * contrasts.max()]))
    return replace(pulses, left_mm=pulses.left_mm + by, right_mm=pulses.right_mm + by)


def _middle(profile: Values) -> tuple[float, float]:
    """Contrast and middle of the darkest thing across, of its upper half."""
    paper, ink = float(np.percentile(profile, 20)), float(profile.max())
    weight = np.maximum(0, profile - (paper + ink) / 2)
    total = float(weight.sum())
    return ink - paper, float((weight * np.arange(len(profile))).sum() / total) if total else (len(profile) - 1) / 2
