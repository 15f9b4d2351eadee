"""Effect of a copy printed with a halftone screen."""

import cv2
import numpy as np
import numpy.typing as npt

from ecg_assets.pages.camera.effects.compositing import Image, mixed, size_of
from ecg_assets.pages.camera.effects.registry import photometric
from ecg_assets.pages.camera.effects.scan import one_channel

# Printers rotate each ink's screen to avoid moire: cyan, magenta, yellow.
_ANGLES_DEG = (15.0, 75.0, 0.0)
Signed = npt.NDArray[np.float32]


@photometric("halftone")
def halftone(image_hwc: Image, rng: np.random.Generator, strength: float) -> Image:
    """A copy printed with a screen of dots, in grey or in colours.

    Args:
        image_hwc: (h, w, 3) uint8.
        rng: draws the dots' pitch, the screen's turn, and whether in grey.
        strength: 0 to 1: coarser and harder dots.
    """
    shape = size_of(image_hwc)
    pitch, turn = rng.uniform(2.6, 3.4 + 3.6 * strength), np.deg2rad(rng.uniform(0, 90))
    in_grey = bool(rng.random() < 0.6)
    amplitude = np.float32(6 + 100 * strength)
    if in_grey:
        dots = cv2.merge([_screen(shape, pitch, turn + np.pi / 4) * amplitude] * 3)
        source = cv2.merge([one_channel(image_hwc, rng)] * 3)
        source = mixed(image_hwc, source, min(1.0, 4 * strength))
    else:
        dots = cv2.merge([_screen(shape, pitch, turn + np.deg2rad(angle)) * amplitude for angle in _ANGLES_DEG])
        source = image_hwc
    # Copies are darker than their page; otherwise white paper would get no dots.
    source = cv2.convertScaleAbs(source, alpha=1 - rng.uniform(0.05, 0.2) * strength)
    # A slope above 1 around the middle hardens the dots' edges and keeps the lightest tones white.
    slope = 1 + 3 * strength
    dotted = cv2.addWeighted(source, slope, dots, slope, 150 * (1 - slope), dtype=cv2.CV_8U)
    return mixed(image_hwc, dotted, min(1.0, 0.1 + 3 * strength))


def _screen(shape: tuple[int, int], pitch_px: float, angle: float) -> Signed:
    """(h, w) float32, -1 to 1: the product of two waves at right angles.

    cos(ax + by) = cos ax cos by - sin ax sin by: a plane wave is a product of two thin matrices.
    """
    waves = []
    for across, down in ((np.cos(angle), np.sin(angle)), (-np.sin(angle), np.cos(angle))):
        x = np.arange(shape[1]) * (across * 2 * np.pi / pitch_px)
        y = np.arange(shape[0]) * (down * 2 * np.pi / pitch_px)
        columns = np.stack([np.cos(x), -np.sin(x)]).astype(np.float32)
        waves.append(np.stack([np.cos(y), np.sin(y)], axis=1).astype(np.float32) @ columns)
    product: Signed = cv2.multiply(waves[0], waves[1])
    return product
