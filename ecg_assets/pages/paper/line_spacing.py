"""Finds equally spaced lines in the mean colours of a picture's rows or columns: their spacing and places."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

# 5 mm at 100 to 400 dpi, with some margin; 1-mm lines are far below, so the two cannot be confused.
LEAST_PX, MOST_PX = 18.0, 82.0
LEAST_LINES = 4
_STEP = 1.001
# Harmonics of the 5-mm spacing; every fifth is shared with the 1-mm lines and carries no information on 5-mm lines.
_HARMONICS = np.array([1, 2, 3, 4, 6, 7, 8, 9])
_LEAST_SHARE = 0.25
_LEAST_FOUND = 0.8
# Oversampling of the spectrum relative to one cycle per profile; between nodes it is nearly linear.
_PADDING = 16

Profile = npt.NDArray[np.float64]


class NoCombError(ValueError):
    """A profile has no equally spaced lines; the message says why."""


@dataclass(frozen=True)
class Comb:
    """Equally spaced lines.

    Attributes:
        places_px: middles of the lines, (n,) float64.
        spacing_px: their distance.
    """

    places_px: Profile
    spacing_px: float


def find_comb(colours_nc: Profile) -> Comb:
    """The lines 5 mm apart, with or without lines at a fifth of that spacing.

    Args:
        colours_nc: (n, channels) float64, mean colour of each pixel row or column. Lines may have any colour, darker
            or lighter than the gaps, but are narrower than these.

    Raises:
        NoCombError: there are none.
    """
    if len(colours_nc) < LEAST_LINES * LEAST_PX:
        raise NoCombError(f"the picture is only {len(colours_nc)} px long in that direction")
    signal = _signal(colours_nc)
    if signal.std() < 1e-6:
        raise NoCombError("the picture is even in that direction")
    spacing_px, share = _spacing(signal)
    if share < _LEAST_SHARE:
        raise NoCombError(f"the best distance, {spacing_px:.1f} px, explains {share:.0%} of the pattern")
    comb = _laid(signal, spacing_px)
    found = _share_found(signal, comb)
    if len(comb.places_px) < LEAST_LINES or found < _LEAST_FOUND:
        raise NoCombError(f"of {len(comb.places_px)} expected lines {found:.0%} are there")
    return comb


def drift_px(first_nc: Profile, second_nc: Profile, spacing_px: float) -> float:
    """Shift of lines of known spacing from `first_nc` to `second_nc`, within half the spacing."""
    wave = np.exp(-2j * np.pi * (np.arange(len(first_nc)) + 0.5) / spacing_px)
    first, second = ((_without_slow_part(colours).T @ wave) for colours in (first_nc, second_nc))
    # Summed over the channels before the angle is taken, so that channels without lines do not contribute.
    return float(-np.angle((second * first.conj()).sum()) * spacing_px / (2 * np.pi))


def _signal(colours_nc: Profile) -> Profile:
    """(n,) amount of the lines' colour: the first principal direction, positive at the narrow lines."""
    flat = _without_slow_part(colours_nc)
    signal: Profile = flat @ np.linalg.svd(flat, full_matrices=False)[2][0]
    return signal if (signal**3).mean() >= 0 else -signal


def _without_slow_part(colours_nc: Profile) -> Profile:
    """The colours minus their mean over a window wider than any line spacing, which removes shadows and borders."""
    window = int(MOST_PX * 1.5) | 1
    if len(colours_nc) <= window:
        short: Profile = colours_nc - colours_nc.mean(axis=0)
        return short
    padded = np.pad(colours_nc, ((window // 2 + 1, window // 2), (0, 0)), mode="reflect")
    sums = np.cumsum(padded, axis=0)
    flat: Profile = colours_nc - (sums[window:] - sums[:-window]) / window
    return flat


def _spacing(signal: Profile) -> tuple[float, float]:
    """The likeliest spacing of 5-mm lines, and the share of the pattern's power in its harmonics."""
    spectrum = np.abs(np.fft.rfft(signal, _PADDING * len(signal))) * 2 / len(signal)
    candidates = np.exp(np.arange(np.log(LEAST_PX), np.log(MOST_PX), np.log(_STEP)))
    power = _comb_power(spectrum, candidates)
    # For narrow lines half the spacing has the same harmonics, so of nearly equal candidates the longest is correct.
    best = candidates[np.flatnonzero(power >= 0.8 * power.max())[-1]]
    fine = np.linspace(best / 1.02, best * 1.02, 801)
    fine_power = _comb_power(spectrum, fine)
    place = int(fine_power.argmax())
    # Power of all but the 1-mm lines' own frequencies, which may be most of it.
    minor = _amplitudes(spectrum, np.arange(1, 8) * 5 / fine[place]) ** 2
    total = 2 * float((signal**2).mean()) - float(minor.sum())
    return float(fine[place]), float(fine_power[place]) / max(total, 1e-12)


def _comb_power(spectrum: Profile, spacings: Profile) -> Profile:
    """Power of narrow lines at each spacing; the median, because 1-mm lines give some but never most harmonics."""
    amplitudes = _amplitudes(spectrum, _HARMONICS[:, None] / spacings)
    power: Profile = np.median(amplitudes, axis=0) ** 2 * len(_HARMONICS)
    return power


def _amplitudes(spectrum: Profile, frequencies: Profile) -> Profile:
    """Amplitude of each frequency (cycles per pixel); frequencies above Nyquist are read where they alias."""
    folded = np.abs(frequencies - np.rint(frequencies))
    return np.interp(folded, np.linspace(0, 0.5, len(spectrum)), spectrum)


def _laid(signal: Profile, spacing_px: float) -> Comb:
    """A comb placed on the profile, then fitted to the measured middles of lines."""
    offsets, pixels = np.arange(0, spacing_px, 0.25), np.arange(len(signal)) + 0.5
    heights = [np.interp(np.arange(offset, len(signal), spacing_px), pixels, signal).mean() for offset in offsets]
    places = np.arange(offsets[int(np.argmax(heights))], len(signal), spacing_px)
    middles = np.array([_middle(signal, place) for place in places])
    numbers = np.arange(len(places))
    slope, first = np.polyfit(numbers, middles, 1)
    near = np.abs(middles - (first + slope * numbers)) < 1.0
    if near.sum() >= LEAST_LINES:
        slope, first = np.polyfit(numbers[near], middles[near], 1)
    return Comb(first + slope * numbers, float(slope))


def _middle(signal: Profile, place: float, reach: int = 3) -> float:
    """Centre of gravity of the line around `place`."""
    low, high = max(0, int(place) - reach), min(len(signal), int(place) + reach + 1)
    weights = np.clip(signal[low:high] - np.median(signal), 0, None)
    pixels = np.arange(low, high) + 0.5
    return float((weights * pixels).sum() / weights.sum()) if weights.sum() > 0 else place


def _share_found(signal: Profile, comb: Comb) -> float:
    """Share of the comb's lines that stand out from the 1-mm lines between them."""
    here = _ink(signal, comb.places_px)
    between = [_ink(signal, comb.places_px[:-1] + comb.spacing_px * fifth / 5) for fifth in range(1, 5)]
    usual, other = float(np.median(here)), float(np.median(between))
    return float((here > other + 0.25 * (usual - other)).mean()) if usual > other else 0.0


def _ink(signal: Profile, places_px: Profile, reach_px: float = 1.5) -> Profile:
    """The signal summed around each place; unlike its peak, the sum does not depend on the subpixel position."""
    edges, sums = np.arange(len(signal) + 1), np.concatenate([[0.0], np.cumsum(signal)])
    ink: Profile = np.interp(places_px + reach_px, edges, sums) - np.interp(places_px - reach_px, edges, sums)
    return ink
