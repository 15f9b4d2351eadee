"""Fonts included in installed packages, so that system fonts are not needed."""

from functools import cache, lru_cache
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont

# Matplotlib ships these TrueType files.
_FILES = {
    "sans": "DejaVuSans.ttf",
    "sans-bold": "DejaVuSans-Bold.ttf",
    "serif": "DejaVuSerif.ttf",
    "mono": "DejaVuSansMono.ttf",
    "mono-bold": "DejaVuSansMono-Bold.ttf",
    "times": "STIXGeneral.ttf",
    "roman": "cmr10.ttf",
    "typewriter": "cmtt10.ttf",
}
# Pillow's own font, in its wheels.
_PILLOW = "pillow"
FONTS: tuple[str, ...] = (_PILLOW, *_FILES)

Coverage = npt.NDArray[np.float32]


class UnknownFontError(ValueError):
    """A font is not in the table; the message lists those that are."""


def check_font(name: str) -> None:
    """Checks that the font exists.

    Raises:
        UnknownFontError: `name` is not in `FONTS`.
    """
    if name not in FONTS:
        raise UnknownFontError(f"there is no font {name!r}; expected one of {', '.join(FONTS)}")


@cache
def font(name: str, size_px: int) -> ImageFont.FreeTypeFont:
    """A font of the table.

    Raises:
        UnknownFontError: `name` is none of `FONTS`.
        RuntimeError: Pillow was built without FreeType.
    """
    check_font(name)
    if name in _FILES:
        return ImageFont.truetype(_folder() / _FILES[name], size_px)
    found = ImageFont.load_default(size_px)
    if not isinstance(found, ImageFont.FreeTypeFont):
        raise RuntimeError(
            "this Pillow has no FreeType, so text cannot be drawn to size; install Pillow from its wheel"
        )
    return found


@cache
def _folder() -> Path:
    """Folder of Matplotlib's fonts, found without importing it, which would take the code server a second."""
    package = find_spec("matplotlib")
    if package is None or package.origin is None:
        raise RuntimeError("Matplotlib is not installed, whose fonts the pages use; run `make setup`")
    return Path(package.origin).parent / "mpl-data" / "fonts" / "ttf"


@lru_cache(maxsize=4096)
def text_coverage(text: str, font_name: str, size_px: int) -> tuple[Coverage, int, int]:
    """A text's ink, anti-aliased by FreeType.

    Returns:
        Coverage (h, w) float32 of 0 to 1, read-only; and the position of its upper left pixel relative to the left end
        of the baseline: pixels to the right, pixels down (negative is above).

    Raises:
        UnknownFontError: `font_name` is none of `FONTS`.
    """
    chosen = font(font_name, size_px)
    left, top, right, bottom = (int(edge) for edge in chosen.getbbox(text, anchor="ls"))
    sheet = Image.new("L", (right - left + 2, bottom - top + 2))
    ImageDraw.Draw(sheet).text((1 - left, 1 - top), text, fill=255, font=chosen, anchor="ls")
    coverage: Coverage = np.asarray(sheet, dtype=np.float32) / np.float32(255)
    coverage.flags.writeable = False
    return coverage, left - 1, top - 1
