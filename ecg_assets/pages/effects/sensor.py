"""What a camera's sensor adds."""

import cv2
import numpy as np

from ecg_assets.pages.effects.blend import Image, size_of
from ecg_assets.pages.effects.noise import normal_noise
from ecg_assets.pages.effects.registry import photometric

_READ_LEVELS = 20.0
_SHOT_LEVELS = 38.0
# White, and as left by a phone's demosaicing.
_GRAINS_PX = (0.0, 0.7, 1.2)


@photometric("sensor_noise")
def sensor_noise(image_hwc: Image, rng: np.random.Generator, strength: float) -> Image:
    """The sensor's noise: shot noise grows with the root of the light, read noise does not.

    The deviation is sqrt(read^2 + shot^2 * level / 255) levels; up to 20 and 38 of 255.

    Args:
        image_hwc: (h, w, 3) uint8.
        rng: draws grain and the share of colour noise.
        strength: 0 to 1, in proportion to the deviation.
    """
    grain, colourful = float(rng.choice(_GRAINS_PX)), rng.uniform(0.2, 0.8)
    amount = 0.02 + 0.98 * strength
    level = np.arange(256, dtype=np.float32) / 255
    deviation = amount * np.sqrt(_READ_LEVELS**2 + _SHOT_LEVELS**2 * level)
    deviation_hw = cv2.LUT(cv2.cvtColor(image_hwc, cv2.COLOR_RGB2GRAY), deviation.astype(np.float32))
    shape = size_of(image_hwc)
    common = normal_noise(shape, rng, grain) * np.float32(np.sqrt(1 - colourful**2))
    channels = []
    for _ in range(3):
        own = cv2.scaleAdd(normal_noise(shape, rng, grain), colourful, common)
        channels.append(cv2.multiply(own, deviation_hw))
    noisy: Image = cv2.add(image_hwc, cv2.merge(channels), dtype=cv2.CV_8U)
    return noisy
