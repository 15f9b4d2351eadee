"""Finds the scale (px/mm) of a picture from the period of the grid lines predicted by a network.

Rows (and columns) of the lines' probabilities are autocorrelated; a shift by one line spacing gives a maximum. A row
crosses tilted lines at their spacing divided by the cosine of the tilt, so a turn of a few degrees does not matter.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Field = npt.NDArray[np.float32]
Values = npt.NDArray[np.float64]

_MAJOR_MM = 5.0
# Period of 5-mm lines, px; networks are trained on 4 to 16 px/mm.
_SHORTEST_PX, _LONGEST_PX = 12.0, 140.0
_LEAST_SCORE = 0.12
# A period that explains nearly as much as the best one, and is an integer fraction of it, is the lines' spacing.
_NEARLY = 0.8
_MOST_STRETCH = 1.5


@dataclass(frozen=True)
class GridScale:
    """The scale found from the grid.

    Attributes:
        px_per_mm_x, px_per_mm_y: of the picture that the lines were found in.
        score: 0 to 1, the share of the lines' contrast that the period explains, in the clearer direction.
    """

    px_per_mm_x: float
    px_per_mm_y: float
    score: float

    @property
    def px_per_mm(self) -> float:
        """The mean of both directions."""
        return float(np.sqrt(self.px_per_mm_x * self.px_per_mm_y))


def find_scale(upright_lines: list[Field], level_lines: list[Field]) -> GridScale | None:
    """The scale of a picture from a network's predictions for some of its tiles.

    Args:
        upright_lines: probabilities of 5-mm lines that run up and down in the tiles, (h, w) float32 each.
        level_lines: of lines that run from side to side.

    Returns:
        None if no period of 5-mm lines is found.
    """
    found = [_period(upright_lines), _period([np.ascontiguousarray(tile.T) for tile in level_lines])]
    known = [period for period in found if period is not None]
    if not known:
        return None
    # A direction without a period, or with a different one, takes the period of the clearer direction.
    clearest = max(known, key=lambda period: period[1])
    across, down = (
        period[0] if period is not None and _alike(period[0], clearest[0]) else clearest[0] for period in found
    )
    return GridScale(across / _MAJOR_MM, down / _MAJOR_MM, round(clearest[1], 3))


def _alike(one: float, other: float) -> bool:
    return max(one, other) / min(one, other) <= _MOST_STRETCH


def _period(tiles: list[Field]) -> tuple[float, float] | None:
    """Spacing in pixels of lines that cross the rows, and the share that it explains; None without lines."""
    agreement = _agreement(tiles)
    if agreement is None:
        return None
    periods = np.geomspace(_SHORTEST_PX, min(_LONGEST_PX, len(agreement) / 3.2), 1200)
    scores = _comb(agreement, periods)
    best = int(np.argmax(scores))
    if scores[best] < _LEAST_SCORE:
        return None
    for part in (5, 4, 3, 2):
        near = np.abs(periods / (periods[best] / part) - 1) < 0.03
        if near.any() and scores[near].max() >= _NEARLY * scores[best]:
            best = int(np.flatnonzero(near)[np.argmax(scores[near])])
            break
    return float(periods[best]), float(scores[best])


def _agreement(tiles: list[Field]) -> Values | None:
    """Autocorrelation at each shift, mean over the tiles' rows; 1 at shift 0. All tiles have the same shape."""
    length = tiles[0].shape[1]
    window = np.hanning(length).astype(np.float32)
    power = np.zeros(length + 1)
    for tile in tiles:
        part = (tile - tile.mean(axis=1, keepdims=True)) * window
        power += (np.abs(np.fft.rfft(part, 2 * length, axis=1)) ** 2).sum(axis=0)
    agreement = np.fft.irfft(power)[:length]
    faded = np.fft.irfft(np.abs(np.fft.rfft(window, 2 * length)) ** 2)[:length]
    if agreement[0] <= 0:
        return None
    agreement = agreement / np.maximum(faded, 1e-3 * faded[0])
    return np.asarray(agreement[: int(length * 0.75)] / agreement[0])


def _comb(agreement: Values, periods: Values) -> Values:
    """Autocorrelation at one, two and three periods minus that half-way between."""
    shifts = np.arange(len(agreement))

    def at(factor: float) -> Values:
        return np.interp(periods * factor, shifts, agreement)

    on = (at(1) + at(2) + at(3)) / 3
    between = (at(0.5) + at(1.5) + at(2.5)) / 3
    return np.asarray(on - between)
