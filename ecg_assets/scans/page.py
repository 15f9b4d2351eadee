"""Reads an image of a paper ECG and brings it to the size and position of a printed page."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image, ImageOps

Rgb = npt.NDArray[np.uint8]

SUFFIXES = (".png", ".jpg", ".jpeg", ".tif", ".tiff", ".bmp", ".webp")
PAGE_HEIGHT_PX = 1700
MIN_SIDE_PX = 32
_MAX_WIDTH_PX = 4 * PAGE_HEIGHT_PX
_WHITE = (255, 255, 255)


class UnreadableImageError(ValueError):
    """A file is no image that can be segmented; the message names it and says why."""


@dataclass(frozen=True)
class UprightPage:
    """An image as the network wants to see it.

    Attributes:
        image_hwc: (1700, w, 3) uint8 RGB, wider than high.
        turned: whether a portrait image was turned by a quarter, counter-clockwise, to lie as a page does.
        scale: pixels of `image_hwc` per pixel of the file.
    """

    image_hwc: Rgb
    turned: bool
    scale: float


def read_image(path: Path) -> Rgb:
    """(h, w, 3) uint8 RGB, as a viewer shows it: turned as the camera noted, transparency on white.

    Raises:
        UnreadableImageError: the file is no whole image, or too small to hold a page.
    """
    try:
        with Image.open(path) as image:
            shown = ImageOps.exif_transpose(image)
            pixels = _to_rgb(shown)
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise UnreadableImageError(f"{path.name} cannot be read as an image ({error}); export it again") from error
    if min(pixels.shape[:2]) < MIN_SIDE_PX:
        height, width = pixels.shape[:2]
        raise UnreadableImageError(
            f"{path.name} is {width} x {height} px; expected at least {MIN_SIDE_PX} px a side: scan it larger"
        )
    return pixels


def _to_rgb(image: Image.Image) -> Rgb:
    if image.mode.startswith("I"):  # 16-bit grey, which Pillow would clip instead of scale
        grey = np.asarray(image, dtype=np.uint32) // 257
        return np.repeat(grey.clip(0, 255).astype(np.uint8)[:, :, None], 3, axis=2)
    if "A" in image.getbands() or "transparency" in image.info:
        over = image.convert("RGBA")
        paper = Image.new("RGBA", over.size, (*_WHITE, 255))
        image = Image.alpha_composite(paper, over)
    pixels: npt.NDArray[Any] = np.asarray(image.convert("RGB"))
    return pixels


def upright(image_hwc: Rgb) -> UprightPage:
    """Turns a portrait image by a quarter and scales it to the height of a page at 200 dpi."""
    turned = image_hwc.shape[0] > image_hwc.shape[1]
    if turned:
        image_hwc = np.ascontiguousarray(np.rot90(image_hwc))
    height, width = image_hwc.shape[:2]
    # A strip that is many times wider than high would need tiles without end.
    scale = min(PAGE_HEIGHT_PX / height, _MAX_WIDTH_PX / width)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    how = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    resized = image_hwc if scale == 1 else cv2.resize(image_hwc, size, interpolation=how)
    return UprightPage(np.asarray(resized, dtype=np.uint8), turned, scale)
