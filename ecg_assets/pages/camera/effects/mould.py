"""Effect of mould on damp paper."""

import cv2
import numpy as np

from ecg_assets.pages.camera.effects.compositing import Colour, Image, lit, size_of, transmission
from ecg_assets.pages.camera.effects.noise import coarse, normal_noise, smooth_field, upscaled
from ecg_assets.pages.camera.effects.registry import photometric

_STEP_PX = 2
_SPOTS: tuple[Colour, ...] = ((0.70, 0.66, 0.68), (0.62, 0.55, 0.66), (0.48, 0.60, 0.72), (0.66, 0.60, 0.52))
_PATCHES: tuple[Colour, ...] = ((0.16, 0.24, 0.42), (0.30, 0.22, 0.36), (0.14, 0.30, 0.28), (0.22, 0.22, 0.26))


@photometric("mould")
def mould(image_hwc: Image, rng: np.random.Generator, strength: float) -> Image:
    """Mould grew: clusters of dark spots on discoloured patches.

    Args:
        image_hwc: (h, w, 3) uint8.
        rng: draws clusters, spots and colours.
        strength: 0 to 1: how much of the paper and how dark.
    """
    shape = size_of(image_hwc)
    fine = coarse(shape, _STEP_PX)
    broad = coarse(shape, 8)
    cluster = 0.8 * smooth_field(broad, rng.uniform(100, 220) / 8, rng) + 0.5 * smooth_field(broad, 4, rng)
    patches = cv2.max(cluster + np.float32(1.1 * strength - 0.7), 0.0) * np.float32(0.9 * strength)
    # Many small and few large spots, from two grains of noise with the same threshold.
    grows = upscaled(cluster, fine) * np.float32(0.7) + np.float32(1.7 * strength - 3.0)
    specks = cv2.max(normal_noise(fine, rng, 1.2) + grows, 0.0)
    colonies = cv2.max(normal_noise(fine, rng, 4.0) + grows - np.float32(0.3), 0.0)
    spots = cv2.min(specks * np.float32(1.6) + colonies * np.float32(1.3), 1.5) * np.float32(0.25 + 1.25 * strength)
    gain = transmission(spots, _SPOTS[int(rng.integers(len(_SPOTS)))])
    behind = transmission(patches, _PATCHES[int(rng.integers(len(_PATCHES)))])
    gain = cv2.multiply(gain, cv2.resize(behind, (fine[1], fine[0])), scale=1 / 255)
    return lit(image_hwc, gain)
