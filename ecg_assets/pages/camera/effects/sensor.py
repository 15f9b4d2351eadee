"""Effect of a camera sensor's noise."""

from functools import cache

import cv2
import numpy as np
import numpy.typing as npt

from ecg_assets.pages.camera.effects.compositing import Image
from ecg_assets.pages.camera.effects.noise import BANK_SIDE, bank, stretches
from ecg_assets.pages.camera.effects.registry import photometric

_READ_LEVELS = 20.0
_SHOT_LEVELS = 38.0
# Grains: white, and correlated by a phone's demosaicing.
_GRAINS_PX = (0.0, 0.7, 1.2)
# Shares of the deviation that are independent per colour.
_COLOURFUL = (0.3, 0.65)
# Fixed point: noise in sixteenths of a deviation, deviations in eighths of a level. Five deviations of the strongest
# noise fit in 16 bits.
_NOISE_STEPS, _LEVEL_STEPS = 16, 8
_SHIFT = 7
_BAND_ROWS = 32

Noise = npt.NDArray[np.int8]


@photometric("sensor_noise")
def sensor_noise(image_hwc: Image, rng: np.random.Generator, strength: float) -> Image:
    """The sensor's noise: shot noise grows with the root of the light, read noise does not.

    The deviation is sqrt(read^2 + shot^2 * level / 255) levels; up to 20 and 38 of 255.

    Args:
        image_hwc: (h, w, 3) uint8.
        rng: draws grain, the share of colour noise and the place in the bank.
        strength: 0 to 1, in proportion to the deviation.
    """
    noise = _colour_bank(_GRAINS_PX[int(rng.integers(len(_GRAINS_PX)))], _COLOURFUL[int(rng.integers(2))])
    down, right = (slice(None, None, int(step)) for step in rng.choice([-1, 1], 2))
    noise = noise[down, right]
    row, column = (int(start) for start in rng.integers(0, BANK_SIDE, 2))
    amount = 0.02 + 0.98 * strength
    level = np.arange(256) / 255
    deviation = np.rint(amount * np.sqrt(_READ_LEVELS**2 + _SHOT_LEVELS**2 * level) * _LEVEL_STEPS).astype(np.int16)
    noisy = np.empty_like(image_hwc)
    # A band at a time stays in the processor's cache, and 16 bits are half as many bytes as floats.
    for first in range(0, len(image_hwc), _BAND_ROWS):
        seen = image_hwc[first : first + _BAND_ROWS]
        drawn = np.empty(seen.shape, dtype=np.int16)
        for top, rows in stretches((row + first) % BANK_SIDE, len(seen)):
            for left, columns in stretches(column, seen.shape[1]):
                part = noise[rows, columns]
                drawn[top : top + part.shape[0], left : left + part.shape[1]] = part
        drawn *= cv2.LUT(seen, deviation)
        drawn += 1 << (_SHIFT - 1)
        drawn >>= _SHIFT
        cv2.add(seen, drawn, dst=noisy[first : first + _BAND_ROWS], dtype=cv2.CV_8U)
    return noisy


@cache
def _colour_bank(grain_px: float, colourful: float) -> Noise:
    """(1024, 1024, 3) int8, sixteenths of a deviation; the colours share all but `colourful` of it. Read-only."""
    field = bank(grain_px)
    # Distant shifts of one bank are uncorrelated.
    own = [np.roll(field, (shift, 3 * shift), (0, 1)) for shift in (211, 367, 523)]
    common = field * np.float32(np.sqrt(1 - colourful**2))
    channels = np.stack([common + np.float32(colourful) * part for part in own], axis=-1)
    noise: Noise = np.clip(np.rint(channels * _NOISE_STEPS), -127, 127).astype(np.int8)
    noise.flags.writeable = False
    return noise
