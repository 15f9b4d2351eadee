"""Writes and reads the platform's PNGs: palette pages and 8-bit grey masks.

The "up" filter makes rows of a ruled page nearly all zero, which ISA-L deflates in less time than the page took
to draw; general encoders take longer than everything else together.
"""

import struct
from pathlib import Path

import numpy as np
import numpy.typing as npt
from isal import isal_zlib

from ecg_assets.pages.raster.open_image import DAMAGES, opened

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_GREY, _PALETTE = 0, 3
_UP_FILTER = 2
_LEVEL = 1

Pixels = npt.NDArray[np.uint8]


# Assets that make an image, by the name of its folder.
_MAKERS = {
    "grids": "clean_grid and grid_mask",
    "wave_images": "rendered_waves and wave_masks",
    "wave_masks": "rendered_waves and wave_masks",
}


class PngError(ValueError):
    """A PNG cannot be read; the message names the file and says what to do."""


def encode(pixels_hw: Pixels, palette: Pixels | None = None, dpi: float | None = None) -> bytes:
    """A PNG of `pixels_hw`, (h, w) uint8: grey values, or indices into `palette`, (n, 3) uint8 RGB."""
    height, width = pixels_hw.shape
    rows = np.empty((height, width + 1), dtype=np.uint8)
    rows[:, 0] = _UP_FILTER
    rows[0, 1:] = pixels_hw[0]
    np.subtract(pixels_hw[1:], pixels_hw[:-1], out=rows[1:, 1:])
    colour_type = _GREY if palette is None else _PALETTE
    chunks = [_chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, colour_type, 0, 0, 0))]
    if palette is not None:
        chunks.append(_chunk(b"PLTE", palette.tobytes()))
    if dpi is not None:
        per_metre = round(dpi / 0.0254)
        chunks.append(_chunk(b"pHYs", struct.pack(">IIB", per_metre, per_metre, 1)))
    chunks += [_chunk(b"IDAT", isal_zlib.compress(rows.data, _LEVEL)), _chunk(b"IEND", b"")]
    return _SIGNATURE + b"".join(chunks)


def _chunk(kind: bytes, content: bytes) -> bytes:
    return (
        struct.pack(">I", len(content))
        + kind
        + content
        + struct.pack(">I", isal_zlib.crc32(content, isal_zlib.crc32(kind)))
    )


def read_rgb(path: Path) -> Pixels:
    """(h, w, 3) uint8 RGB.

    Raises:
        PngError: the file is missing, is not an image, or has too many pixels.
    """
    return _read(path, "RGB")


def read_grey(path: Path) -> Pixels:
    """(h, w) uint8.

    Raises:
        PngError: the file is missing, is not an image, or has too many pixels.
    """
    return _read(path, "L")


def read_palette(path: Path) -> tuple[Pixels, Pixels]:
    """A palette image as it is stored: (h, w) uint8 indices and (256, 3) uint8 RGB palette.

    Raises:
        PngError: the file is missing, is not an image, has too many pixels, or lacks a palette.
    """
    indices = _read(path, "P")
    with opened(path) as image:
        found = np.array(image.getpalette(), dtype=np.uint8).reshape(-1, 3)
    palette = np.zeros((256, 3), dtype=np.uint8)
    palette[: len(found)] = found
    return indices, palette


def read_indices(path: Path) -> Pixels:
    """(h, w) uint8: a palette image's indices, as they are stored.

    Raises:
        PngError: the file is missing, is not an image, has too many pixels, or lacks a palette.
    """
    return _read(path, "P")


def _read(path: Path, mode: str) -> Pixels:
    try:
        with opened(path) as image:
            if mode == "P" and image.mode != "P":
                raise PngError(f"{path} has no palette ({image.mode}); delete it and materialise rendered_waves")
            return np.asarray(image.convert(mode))
    except PngError:
        raise
    except DAMAGES as error:
        raise PngError(f"{path} cannot be read as an image ({error}); {_remedy(path)}") from error


def _remedy(path: Path) -> str:
    """Advice on a damaged PNG: a file outside the assets' folders is the user's own and must not be deleted."""
    maker = _MAKERS.get(path.parent.name)
    return "export it as a PNG again" if maker is None else f"delete it and materialise {maker}"
