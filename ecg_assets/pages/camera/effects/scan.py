"""Effects of scanners and copiers: grey, or black and white."""

import cv2
import numpy as np
import numpy.typing as npt

from ecg_assets.pages.camera.effects.compositing import Image, mixed, size_of
from ecg_assets.pages.camera.effects.noise import normal_noise
from ecg_assets.pages.camera.effects.registry import photometric

_LUMA = np.array([0.299, 0.587, 0.114])
Grey = npt.NDArray[np.uint8]


@photometric("grey")
def grey(image_hwc: Image, rng: np.random.Generator, strength: float) -> Image:
    """A grey scan or photocopy: no colour, and the stronger the greyer the paper and the coarser its grain.

    Args:
        image_hwc: (h, w, 3) uint8.
        rng: draws how much each colour counts, and the grain.
        strength: 0 to 1; from a quarter on no colour is left.
    """
    seen = one_channel(image_hwc, rng)
    white, black = 255 - 110 * strength * rng.uniform(0.4, 1), 55 * strength * rng.uniform(0, 1)
    gamma = np.exp(rng.normal(0, 0.45) * strength)
    table = black + (white - black) * (np.arange(256) / 255) ** gamma
    grain = normal_noise(size_of(image_hwc), rng, 1.2) * np.float32(21 * strength**2)
    toned = cv2.add(cv2.LUT(seen, np.rint(table).astype(np.uint8)), grain, dtype=cv2.CV_8U)
    return mixed(image_hwc, cv2.merge([toned] * 3), min(1.0, 0.04 + 4 * strength))


@photometric("threshold")
def threshold(image_hwc: Image, rng: np.random.Generator, strength: float) -> Image:
    """A black and white scan or fax: too dark a threshold breaks the trace, too light a one keeps grid and dirt.

    Args:
        image_hwc: (h, w, 3) uint8.
        rng: draws the threshold's side and the speckles.
        strength: 0 to 1: how far the threshold is from the best one; from a quarter on only black and white are left.
    """
    seen = one_channel(image_hwc, rng)
    ratio = cv2.divide(seen, _paper_level(seen), scale=255)
    side = 0.24 if rng.random() < 0.55 else -0.46
    level = 255 * (0.66 + side * strength * rng.uniform(0.6, 1.0))
    noisy = cv2.add(ratio, normal_noise(size_of(image_hwc), rng, 0.7) * np.float32(4 + 22 * strength), dtype=cv2.CV_8U)
    slope = 4 + 20 * strength
    two = np.clip((np.arange(256) - level) * slope + 128, 12, 250)
    scanned = cv2.LUT(noisy, np.rint(two).astype(np.uint8))
    return mixed(image_hwc, cv2.merge([scanned] * 3), min(1.0, 0.04 + 4 * strength))


def one_channel(image_hwc: Image, rng: np.random.Generator) -> Grey:
    """(h, w) uint8: the grey level for a lamp and sensor with random sensitivities to red, green and blue."""
    weights = rng.dirichlet(_LUMA * 8)
    seen: Grey = cv2.transform(image_hwc, weights[None, :].astype(np.float32))
    return seen


def _paper_level(seen: Grey) -> Grey:
    """(h, w) uint8: the paper's brightness around each pixel, so that shadows do not turn black."""
    height, width = seen.shape
    small = cv2.resize(seen, (max(2, width // 8), max(2, height // 8)), interpolation=cv2.INTER_AREA)
    level = cv2.resize(cv2.blur(cv2.dilate(small, np.ones((3, 3), np.uint8)), (7, 7)), (width, height))
    paper: Grey = cv2.max(level, 1)
    return paper
