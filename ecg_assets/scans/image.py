"""Reads an image of a paper ECG, turns it upright and scales it to a printed page."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image, ImageOps

from ecg_assets.pages.raster.open_image import DAMAGES, PictureTooLargeError, opened

Rgb = npt.NDArray[np.uint8]

SUFFIXES = (".png", ".jpg", ".jpeg", ".tif", ".tiff", ".bmp", ".webp")
# Resolution around which networks are trained: 200 dpi.
PX_PER_MM = 200 / 25.4
# Assumed width of a page without a scale from its grid: that of a printed page.
PAGE_WIDTH_PX = 2200
MIN_SIDE_PX = 32
# Limits the number of tiles, and keeps lines resolvable.
_LONGEST_PX, _SHORTEST_PX = 6000, 256
_WHITE = (255, 255, 255)


class UnreadableImageError(ValueError):
    """A file is not an image that can be segmented; the message names it and says why."""


@dataclass(frozen=True)
class UprightPage:
    """An upright image at the network's scale.

    Attributes:
        image_hwc: (h, w, 3) uint8 RGB.
        quarter_turns: counter-clockwise turns from the file's picture to this one.
        scale: pixels of `image_hwc` per pixel of the file.
        file_shape: height and width of the file's picture.
    """

    image_hwc: Rgb
    quarter_turns: int
    scale: float
    file_shape: tuple[int, int]

    def as_in_file(self, mask_hw: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
        """A mask of `image_hwc`, (h, w) uint8 classes, transformed to the file's picture."""
        height, width = self.file_shape
        turned = (width, height) if self.quarter_turns % 2 else (height, width)
        resized = cv2.resize(mask_hw, turned[::-1], interpolation=cv2.INTER_NEAREST)
        return np.ascontiguousarray(np.rot90(resized, -self.quarter_turns))


def read_image(path: Path) -> Rgb:
    """(h, w, 3) uint8 RGB, as in a viewer: turned by the camera's EXIF orientation, transparency on white.

    Raises:
        UnreadableImageError: the file is not a complete image, has an unsupported format, or is too large or small.
    """
    try:
        with opened(path) as image:
            pixels = _to_rgb(ImageOps.exif_transpose(image))
    except PictureTooLargeError as error:
        raise UnreadableImageError(str(error)) from error
    except DAMAGES as error:
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


def page_of(image_hwc: Rgb, quarter_turns: int, scale: float) -> UprightPage:
    """A file's picture, turned and scaled; the scale is limited to sizes that can be segmented."""
    height, width = image_hwc.shape[:2]
    scale = min(max(scale, _SHORTEST_PX / min(height, width)), _LONGEST_PX / max(height, width))
    turned = np.ascontiguousarray(np.rot90(image_hwc, quarter_turns))
    size = tuple(max(1, round(side * scale)) for side in turned.shape[1::-1])
    how = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    resized = turned if scale == 1 else cv2.resize(turned, size, interpolation=how)
    return UprightPage(np.asarray(resized, dtype=np.uint8), quarter_turns % 4, scale, (height, width))


def page_scale(image_hwc: Rgb) -> float:
    """The scale at which a picture of a whole page is as wide as a page at 200 dpi."""
    return float(PAGE_WIDTH_PX / max(image_hwc.shape[:2]))
