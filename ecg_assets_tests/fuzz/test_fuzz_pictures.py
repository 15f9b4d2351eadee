"""Pictures: scans and photos, the user's own paper, the platform's pages."""

import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ecg_assets.pages.raster.png import PngError, encode, read_grey, read_palette, read_rgb
from ecg_assets.scans.image import UnreadableImageError, read_image
from ecg_assets_tests.fuzz.attack import Builder, damaged, fuzz, refusal

PIXELS = np.random.default_rng(0).integers(0, 255, (40, 48, 3), dtype=np.uint8)


def saved(form: str, mode: str = "RGB", **options: object) -> bytes:
    target = io.BytesIO()
    Image.fromarray(PIXELS).convert(mode).save(target, form, **options)
    return target.getvalue()


def with_exif(form: str) -> bytes:
    exif = Image.Exif()
    exif[0x0112], exif[0x010E] = 6, "a page"
    return saved(form, exif=exif)


PALETTE = np.arange(30, dtype=np.uint8).reshape(10, 3)
PAGE = encode(PIXELS[..., 0] % 10, PALETTE, 200)
PNGS = [
    saved("PNG"),
    saved("PNG", "RGBA"),
    saved("PNG", "1"),
    saved("PNG", "P", transparency=3),
    with_exif("PNG"),
    PAGE,
]
JPEGS = [saved("JPEG", quality=80), saved("JPEG", "L"), saved("JPEG", progressive=True), with_exif("JPEG")]
OTHERS = [saved("TIFF", compression="tiff_lzw"), saved("TIFF", "CMYK"), saved("BMP"), saved("WEBP")]


def read_a_scan(path: Path) -> None:
    image = read_image(path)
    assert image.dtype == np.uint8
    assert image.ndim == 3
    assert image.shape[2] == 3
    assert min(image.shape[:2]) >= 32


def read_a_page(path: Path) -> None:
    assert read_rgb(path).shape[2] == 3
    assert read_grey(path).ndim == 2
    indices, palette = read_palette(path)
    assert indices.ndim == 2
    assert palette.shape == (256, 3)


Read = Callable[[Path], None]
KINDS: dict[str, tuple[str, list[bytes], Read, type[Exception], int]] = {
    "png": ("page.png", PNGS, read_a_scan, UnreadableImageError, 500),
    "jpeg": ("page.jpg", JPEGS, read_a_scan, UnreadableImageError, 300),
    "tiff, bmp, webp": ("page.tif", OTHERS, read_a_scan, UnreadableImageError, 200),
    "page": ("page.png", [PAGE], read_a_page, PngError, 200),
}
CORPUS: dict[str, tuple[str, Builder]] = {
    "a signature alone": ("png", lambda: PNGS[0][:8]),
    "a page's signature alone": ("page", lambda: PAGE[:8]),
    "no pixel": ("png", lambda: PNGS[0].replace((48).to_bytes(4, "big"), bytes(4), 1)),
    "a header of no kind": ("page", lambda: PAGE.replace(b"IHDR\0\0\x000", b"IHDR\0\0\0\xff", 1)[:40]),
    "a page without its palette": ("page", lambda: PNGS[0]),
    "a page cut off": ("page", lambda: PAGE[:-60]),
    "a photo cut off": ("jpeg", lambda: JPEGS[0][: len(JPEGS[0]) // 2]),
    "a photo without tables": ("jpeg", lambda: JPEGS[0][:20] + JPEGS[0][-300:]),
    "a directory that leads nowhere": ("tiff, bmp, webp", lambda: OTHERS[0][:4] + b"\xff\xff\xff\x7f" + OTHERS[0][8:]),
    "a GIF": ("png", lambda: saved("GIF", "P")),
    "a PPM": ("png", lambda: saved("PPM")),
    "an icon": ("png", lambda: saved("ICO")),
    "nothing": ("jpeg", lambda: b""),
}


@pytest.mark.parametrize("shape", CORPUS)
def test_a_known_shape_is_refused_by_name(tmp_path: Path, shape: str) -> None:
    kind, build = CORPUS[shape]
    name, _, read, error, _ = KINDS[kind]
    (tmp_path / name).write_bytes(build())
    assert refusal(tmp_path / name, read, (error,)) is not None


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_whole_is_read(tmp_path: Path, kind: str) -> None:
    name, wholes, read, error, _ = KINDS[kind]
    for whole in wholes:
        (tmp_path / name).write_bytes(whole)
        assert refusal(tmp_path / name, read, (error,)) is None


@pytest.mark.soak
@pytest.mark.parametrize("kind", KINDS)
def test_hundreds_of_damaged_pictures_are_read_or_refused_by_name(tmp_path: Path, kind: str) -> None:
    name, wholes, read, error, examples = KINDS[kind]
    told = fuzz(tmp_path / name, damaged(wholes), read, (error,), examples)
    print(kind, told, sep="; ")  # noqa: T201 - what pytest -s is asked for
    assert told.refused
