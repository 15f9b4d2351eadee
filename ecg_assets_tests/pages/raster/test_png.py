"""PNGs: whatever the pixels, Pillow and OpenCV read back what was written; rows are filtered "up"."""

import struct
import zlib
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from ecg_assets.pages.raster.png import PngError, encode, read_grey, read_indices, read_palette, read_rgb

SIZES = st.integers(1, 70)


def chunks(png: bytes) -> dict[bytes, bytes]:
    found, place = {}, 8
    while place < len(png):
        (length,) = struct.unpack(">I", png[place : place + 4])
        kind, content = png[place + 4 : place + 8], png[place + 8 : place + 8 + length]
        assert struct.unpack(">I", png[place + 8 + length : place + 12 + length])[0] == zlib.crc32(kind + content)
        found[kind], place = content, place + 12 + length
    return found


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("png")


@settings(max_examples=40, deadline=None)
@given(height=SIZES, width=SIZES, seed=st.integers(0, 2**31))
def test_masks_are_8_bit_grey_and_read_back_equal_by_pillow_and_opencv(
    folder: Path, height: int, width: int, seed: int
) -> None:
    mask = np.random.default_rng(seed).integers(0, 256, (height, width), dtype=np.uint8)
    path = folder / "mask.png"
    path.write_bytes(encode(mask))
    with Image.open(path) as image:
        assert image.mode == "L"
        np.testing.assert_array_equal(np.asarray(image), mask)
    np.testing.assert_array_equal(np.asarray(cv2.imread(str(path), cv2.IMREAD_UNCHANGED)), mask)
    np.testing.assert_array_equal(read_grey(path), mask)


@settings(max_examples=40, deadline=None)
@given(height=SIZES, width=SIZES, colours=st.integers(1, 256), seed=st.integers(0, 2**31))
def test_pages_have_a_palette_and_read_back_equal_by_pillow_and_opencv(
    folder: Path, height: int, width: int, colours: int, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    index = rng.integers(0, colours, (height, width), dtype=np.uint8)
    palette = rng.integers(0, 256, (colours, 3), dtype=np.uint8)
    path = folder / "page.png"
    path.write_bytes(encode(index, palette, 200))
    with Image.open(path) as image:
        assert image.mode == "P"
        np.testing.assert_array_equal(np.asarray(image.convert("RGB")), palette[index])
    seen = np.asarray(cv2.imread(str(path), cv2.IMREAD_COLOR))
    np.testing.assert_array_equal(seen[..., ::-1], palette[index])
    np.testing.assert_array_equal(read_rgb(path), palette[index])
    np.testing.assert_array_equal(read_indices(path), index)
    indices, full = read_palette(path)
    np.testing.assert_array_equal(full[indices], palette[index])


def test_every_row_is_filtered_up_so_that_a_ruled_page_deflates_to_little() -> None:
    page = np.zeros((400, 600), dtype=np.uint8)
    page[::40], page[:, ::40] = 3, 3
    png = encode(page, np.zeros((4, 3), dtype=np.uint8))
    rows = np.frombuffer(zlib.decompress(chunks(png)[b"IDAT"]), dtype=np.uint8).reshape(400, 601)
    assert (rows[:, 0] == 2).all()
    assert len(png) < page.size / 50


@pytest.mark.parametrize("content", [b"", b"no picture", encode(np.zeros((9, 9), np.uint8))[:-20]])
def test_a_damaged_file_is_named(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "page.png"
    path.write_bytes(content)
    with pytest.raises(PngError, match=r"page\.png cannot be read as an image .*export it as a PNG again"):
        read_grey(path)


def test_a_picture_without_a_palette_is_no_page(tmp_path: Path) -> None:
    path = tmp_path / "page.png"
    path.write_bytes(encode(np.zeros((9, 9), np.uint8)))
    with pytest.raises(PngError, match=r"page\.png has no palette \(L\)"):
        read_indices(path)
