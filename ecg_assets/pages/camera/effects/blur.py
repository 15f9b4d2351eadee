"""Effects of defocus and motion blur."""

import cv2
import numpy as np
import numpy.typing as npt

from ecg_assets.pages.camera.effects.compositing import Image
from ecg_assets.pages.camera.effects.registry import photometric

# Above this radius an exact disc is too slow, and three boxes that approximate it are used.
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
    shifts, covered = [], 1
    while covered < steps:
        # A shift must not exceed the streak so far, or the copies would separate.
        part = min(covered, steps - covered) / max(abs(across), abs(down))
        shifts.append((round(part * across), round(part * down)))
        covered += min(covered, steps - covered)
        across, down = np.cos(angle + bend * covered / 8), np.sin(angle + bend * covered / 8)
    return _shaken(image_hwc, shifts) if shifts else image_hwc.copy()


def _shaken(image_hwc: Image, shifts: list[tuple[int, int]]) -> Image:
    """The mean of the picture and itself shifted by (right, down), that of this and itself shifted by the next ...

    Each doubling moves a streak's middle by half of its shift: the margins, in which the edge is repeated, are so
    unequal that in the end it is back where its point was.
    """
    right, down = (int(sum(shift[axis] for shift in shifts)) for axis in (0, 1))
    # An odd sum has no middle pixel, so one pixel more makes it even.
    shifts = [*shifts, (right % 2, down % 2)] if right % 2 or down % 2 else shifts
    height, width = image_hwc.shape[:2]
    margins = [sum(abs(shift[axis]) for shift in shifts) for axis in (1, 0)]
    blurred = cv2.copyMakeBorder(image_hwc, *[margins[0]] * 2, *[margins[1]] * 2, cv2.BORDER_REPLICATE)
    top, left = margins
    for right, down in shifts:
        rows, columns = blurred.shape[0] - abs(down), blurred.shape[1] - abs(right)
        here, there = (max(0, down), max(0, right)), (max(0, -down), max(0, -right))
        blurred = cv2.addWeighted(
            blurred[here[0] :, here[1] :][:rows, :columns],
            0.5,
            blurred[there[0] :, there[1] :][:rows, :columns],
            0.5,
            0,
        )
        top, left = top - here[0], left - here[1]
    middle_down, middle_right = (sum(shift[axis] for shift in shifts) // 2 for axis in (1, 0))
    return np.ascontiguousarray(blurred[top + middle_down :, left + middle_right :][:height, :width])


def _disc(radius: float) -> npt.NDArray[np.float32]:
    reach = int(np.ceil(radius))
    y, x = np.mgrid[-reach : reach + 1, -reach : reach + 1]
    disc = np.clip(radius + 0.5 - np.hypot(x, y), 0, 1).astype(np.float32)
    normed: npt.NDArray[np.float32] = disc / disc.sum()
    return normed


def _odd(half: float) -> int:
    return 2 * max(0, round(half)) + 1
