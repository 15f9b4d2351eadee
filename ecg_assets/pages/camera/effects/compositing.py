"""Composites light, stains and things over a picture."""

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from ecg_assets.pages.camera.effects.noise import Field
from ecg_assets.pages.classes import HALF_COVERED_255

Image = npt.NDArray[np.uint8]
Opacity = npt.NDArray[np.uint8]
Hidden = npt.NDArray[np.bool_]
Colour = tuple[float, float, float]


def size_of(image_hwc: Image) -> tuple[int, int]:
    """Height and width."""
    return image_hwc.shape[0], image_hwc.shape[1]


def squares(shape: tuple[int, int]) -> float:
    """Number of squares of 512 px in a picture; counts of stains and marks are proportional to it."""
    return shape[0] * shape[1] / 512**2


def lit(image_hwc: Image, gain: Field | Image) -> Image:
    """The picture with each colour multiplied by `gain`.

    Args:
        image_hwc: (h, w, 3) uint8.
        gain: (h, w) or (h, w, 3), of any size (it is stretched): float32 factors, or uint8 in 255ths.
    """
    most, level = 1.0, gain
    if gain.dtype != np.uint8:
        # In 8 bits, with the largest gain at 255: the result has no finer steps, and floats take five times as long.
        most = max(float(gain.max()), 1e-6)
        level = cv2.convertScaleAbs(cv2.max(gain, 0.0) if gain.min() < 0 else gain, alpha=255 / most)
    if level.shape[:2] != image_hwc.shape[:2]:
        level = cv2.resize(level, (image_hwc.shape[1], image_hwc.shape[0]), interpolation=cv2.INTER_LINEAR)
    seen: Image = cv2.multiply(image_hwc, level if level.ndim == 3 else cv2.merge([level] * 3), scale=most / 255)
    return seen


def transmission(density: Field, absorbed: Colour) -> Image:
    """Transmission of a stain: (h, w, 3) uint8, 255 for full transmission.

    Beer and Lambert: (1 - absorbed) ** density.

    Args:
        density: (h, w) float32; 1 lets `1 - absorbed` of each colour through.
        absorbed: red, green and blue, 0 to below 1.
    """
    passed = np.power(1.0 - np.array(absorbed), np.arange(256)[:, None] / _STEPS)
    table = np.rint(255 * passed).astype(np.uint8)[:, None, :]
    gain: Image = cv2.applyColorMap(cv2.convertScaleAbs(density, alpha=_STEPS), table)
    return gain


# Density 0 to 4 in the 256 entries of the table.
_STEPS = 63.75


def through(image_hwc: Image, density: Field, absorbed: Colour) -> Image:
    """The picture seen through a stain with a density of any resolution (see `transmission`)."""
    return lit(image_hwc, transmission(density, absorbed))


def mixed(image_hwc: Image, other_hwc: Image, share: float) -> Image:
    """The picture with a `share` (0 to 1) of the other."""
    blended: Image = cv2.addWeighted(image_hwc, 1.0 - share, other_hwc, share, 0.0)
    return blended


@dataclass(frozen=True)
class Piece:
    """Something to lay on a picture.

    Attributes:
        left, top: its upper left pixel; it may lie partly or wholly outside.
        colour_hwc: (h, w, 3) uint8.
        opacity_hw: (h, w) uint8.
    """

    left: int
    top: int
    colour_hwc: Image
    opacity_hw: Opacity

    def put_on(self, image_hwc: Image, hidden_hw: Hidden | None = None) -> None:
        """Composites it onto the picture, and marks hidden pixels in `hidden_hw`; both are changed in place."""
        height, width = self.opacity_hw.shape
        rows = slice(max(0, self.top), min(image_hwc.shape[0], self.top + height))
        columns = slice(max(0, self.left), min(image_hwc.shape[1], self.left + width))
        if rows.start >= rows.stop or columns.start >= columns.stop:
            return
        own = (
            slice(rows.start - self.top, rows.stop - self.top),
            slice(columns.start - self.left, columns.stop - self.left),
        )
        opacity = self.opacity_hw[own]
        image_hwc[rows, columns] = over(image_hwc[rows, columns], self.colour_hwc[own], opacity)
        if hidden_hw is not None:
            hidden_hw[rows, columns] |= opacity >= HALF_COVERED_255


def over(below_hwc: Image, above_hwc: Image, opacity_hw: Opacity) -> Image:
    """`above_hwc` laid over `below_hwc`, all of one size."""
    opacity = cv2.merge([opacity_hw] * below_hwc.shape[2])
    rest = cv2.multiply(below_hwc, cv2.bitwise_not(opacity), scale=1 / 255)
    result: Image = cv2.add(rest, cv2.multiply(above_hwc, opacity, scale=1 / 255))
    return result.reshape(below_hwc.shape)


def plain(shape: tuple[int, int], colour: Colour) -> Image:
    """(h, w, 3) uint8 of one colour (0 to 255)."""
    return np.full((*shape, 3), np.rint(colour), dtype=np.uint8)
