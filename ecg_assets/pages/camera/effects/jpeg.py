"""Effect of JPEG compression."""

import cv2
import numpy as np

from ecg_assets.pages.camera.effects.compositing import Image
from ecg_assets.pages.camera.effects.registry import photometric

_BEST, _WORST = 95, 10
# From this quality on, writers keep colours at full resolution.
_FULL_COLOUR = 88


@photometric("jpeg")
def jpeg(image_hwc: Image, rng: np.random.Generator, strength: float) -> Image:
    """Saved as JPEG: quality 95 down to 10, below 88 with colours at half the resolution.

    Args:
        image_hwc: (h, w, 3) uint8.
        rng: draws the quality a little around the strength's.
        strength: 0 to 1.

    Raises:
        RuntimeError: OpenCV was built without JPEG.
    """
    # Quality is not a linear scale: visible artefacts grow fastest below 30.
    quality = round(_BEST - (_BEST - _WORST) * strength**0.6 * rng.uniform(0.95, 1.0))
    colours = cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444 if quality >= _FULL_COLOUR else cv2.IMWRITE_JPEG_SAMPLING_FACTOR_420
    options = [cv2.IMWRITE_JPEG_QUALITY, quality, cv2.IMWRITE_JPEG_SAMPLING_FACTOR, colours]
    done, packed = cv2.imencode(".jpg", cv2.cvtColor(image_hwc, cv2.COLOR_RGB2BGR), options)
    if not done:
        raise RuntimeError("OpenCV could not write a JPEG; install opencv-python-headless from its wheel")
    unpacked: Image = cv2.cvtColor(cv2.imdecode(packed, cv2.IMREAD_COLOR), cv2.COLOR_BGR2RGB)
    return unpacked
