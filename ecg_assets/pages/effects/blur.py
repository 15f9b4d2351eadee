"""Lenses out of focus and hands that shake."""

import cv2
import numpy as np
import numpy.typing as npt

from ecg_assets.pages.effects.blend import Image
from ecg_assets.pages.effects.registry import photometric

# Above it a true disc costs more than a picture may; three boxes that make up a disc's outline do not.
_TRUE_DISC_PX = 2.2
_MOST_DISC_PX = 6.5
_MOST_SHAKE_PX = 26.0


@photometric("defocus")
def defocus(image_hwc: Image, rng: np.random.Generator, strength: float) -> Image:
    """The lens is out of focus: every point becomes a disc of up to 13 px across.

    Args:
        image_hwc: (h, w, 3) uint8.
        rng: draws the radius a little around the strength's, and how unlike across and down are.
        strength: 0 to 1.
    """
    radius = 0.45 + (_MOST_DISC_PX - 0.45) * strength * rng.uniform(0.85, 1.0)
    astigmatism = rng.uniform(0.3, 0.7)
    if radius <= _TRUE_DISC_PX:
        blurred: Image = cv2.filter2D(image_hwc, -1, _disc(radius), borderType=cv2.BORDER_REFLECT)
        return blurred
    boxes = [(0.92, 0.38), (0.70, 0.70), (0.38, 0.92)]
    first, second, third = (cv2.blur(image_hwc, (_odd(across * radius), _odd(down * radius))) for across, down in boxes)
    result: Image = cv2.addWeighted(
        cv2.addWeighted(first, astigmatism, third, 1 - astigmatism, 0), 2 / 3, second, 1 / 3, 0
    )
    return result


@photometric("motion_blur")
def motion_blur(image_hwc: Image, rng: np.random.Generator, strength: float) -> Image:
    """The hand shook: every point becomes a bent streak of up to 26 px.

    The picture is averaged with itself, shifted by one pixel, by two, by four ...: a streak of any length and direction
    in a few cheap steps. Each shift turns a little further, so that the streak is no ruled line.

    Args:
        image_hwc: (h, w, 3) uint8.
        rng: draws direction and bend.
        strength: 0 to 1, in proportion to the streak's length.
    """
    length = 1.5 + (_MOST_SHAKE_PX - 1.5) * strength * rng.uniform(0.85, 1.0)
    angle, bend = rng.uniform(0, np.pi), rng.normal(0, 0.06)
    across, down = np.cos(angle), np.sin(angle)
    steps = max(1, round(length * max(abs(across), abs(down))))
    blurred, covered, shifted = image_hwc, 1, np.zeros(2, dtype=int)
    while covered < steps:
        # No shift beyond what is covered already: the copies would come apart.
        part = min(covered, steps - covered) / max(abs(across), abs(down))
        shift = np.array([round(part * across), round(part * down)])
        blurred, shifted = _doubled(blurred, *shift), shifted + shift
        covered += min(covered, steps - covered)
        across, down = np.cos(angle + bend * covered / 8), np.sin(angle + bend * covered / 8)
    return _centred(blurred, shifted) if steps > 1 else image_hwc.copy()


def _centred(blurred_hwc: Image, shifted: npt.NDArray[np.int_]) -> Image:
    """Moves a streak's middle back to where its point was: each doubling has moved it by half of its shift."""
    odd = shifted % 2
    if odd.any():
        blurred_hwc = _doubled(blurred_hwc, *odd)
    right, down = (shifted + odd) // 2
    return _moved(blurred_hwc, -right, -down)


def _disc(radius: float) -> npt.NDArray[np.float32]:
    reach = int(np.ceil(radius))
    y, x = np.mgrid[-reach : reach + 1, -reach : reach + 1]
    disc = np.clip(radius + 0.5 - np.hypot(x, y), 0, 1).astype(np.float32)
    normed: npt.NDArray[np.float32] = disc / disc.sum()
    return normed


def _odd(half: float) -> int:
    return 2 * max(0, round(half)) + 1


def _doubled(image_hwc: Image, right: int, down: int) -> Image:
    """The mean of the picture and itself shifted, its edge repeated."""
    doubled: Image = cv2.addWeighted(image_hwc, 0.5, _moved(image_hwc, right, down), 0.5, 0)
    return doubled


def _moved(image_hwc: Image, right: int, down: int) -> Image:
    height, width = image_hwc.shape[:2]
    wide = cv2.copyMakeBorder(image_hwc, *_margins(down), *_margins(right), cv2.BORDER_REPLICATE)
    moved: Image = np.ascontiguousarray(wide[max(0, -down) :, max(0, -right) :][:height, :width])
    return moved


def _margins(shift: int) -> tuple[int, int]:
    return max(0, shift), max(0, -shift)
