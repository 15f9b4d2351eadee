"""Opens untrusted picture files: only a few formats, and only up to a size."""

import struct
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

from PIL import Image

from ecg_assets.store.plain_file import open_plain

# Only these, because Pillow passes PostScript, for example, to another program.
FORMATS = ("PNG", "JPEG", "TIFF", "BMP", "WEBP")
# Larger pictures are refused before any pixel is decoded.
MOST_PIXELS = 100_000_000
# Exceptions of Pillow's decoders for damaged files.
DAMAGES: tuple[type[Exception], ...] = (
    OSError,
    ValueError,
    SyntaxError,
    EOFError,
    struct.error,
    ArithmeticError,
    LookupError,
    TypeError,
    RuntimeError,
)


class PictureTooLargeError(ValueError):
    """A picture has more pixels than the limit; the message says how many."""


@contextmanager
def opened(path: Path) -> Iterator[Image.Image]:
    """The picture with its pixels unread; exceptions that reading it may raise are in `DAMAGES`.

    Raises:
        PictureTooLargeError: it has, or claims to have, more than `MOST_PIXELS`.
    """
    with open_plain(path) as file, _opened(file, path.name) as image:
        if image.width * image.height > MOST_PIXELS:
            raise PictureTooLargeError(
                f"{path.name} is {image.width} x {image.height} px, more than {MOST_PIXELS // 1_000_000} million in "
                "all; scan it at 300 dpi"
            )
        yield image


def _opened(file: BinaryIO, name: str) -> Any:
    try:
        return Image.open(file, formats=FORMATS)
    except Image.DecompressionBombError as error:  # beyond a limit of Pillow's own
        raise PictureTooLargeError(
            f"{name} has more than {MOST_PIXELS // 1_000_000} million pixels; scan it at 300 dpi"
        ) from error
