"""Images of paper ECGs are read as a viewer shows them, laid as a page lies, and scaled to a page's height."""

import io
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ecg_assets.scans.image import PAGE_WIDTH_PX, UnreadableImageError, page_of, page_scale, read_image
from ecg_assets_tests.real import photos


def quadrants(height: int, width: int) -> Image.Image:
    """Red in the upper left quarter, blue in the upper right one, white below."""
    pixels = np.full((height, width, 3), 255, np.uint8)
    pixels[: height // 2, : width // 2] = (255, 0, 0)
    pixels[: height // 2, width // 2 :] = (0, 0, 255)
    return Image.fromarray(pixels)


@pytest.mark.parametrize("turns", [0, 1, 2, 3])
def test_a_page_is_turned_and_scaled_and_what_lies_over_it_goes_back(turns: int) -> None:
    image = np.asarray(quadrants(300, 400))
    page = page_of(image, turns, 2.0)
    assert page.image_hwc.shape == ((600, 800, 3) if turns % 2 == 0 else (800, 600, 3))
    red = (page.image_hwc[..., 0] > 200) & (page.image_hwc[..., 2] < 100)
    back = page.as_in_file(red.astype(np.uint8))
    assert back.shape == (300, 400)
    inside = np.s_[4:146, 4:196]
    assert back[inside].all()
    assert back.sum() <= 1.05 * 150 * 200


def test_a_counter_clockwise_turn_brings_the_upper_right_corner_to_the_left() -> None:
    page = page_of(np.asarray(quadrants(300, 400)), 1, 1.0)
    assert page.image_hwc[10, 10].tolist() == [0, 0, 255]


def test_a_very_long_strip_and_a_speck_stay_within_reach() -> None:
    assert max(page_of(np.zeros((100, 10_000, 3), np.uint8), 0, 3.0).image_hwc.shape) <= 6000
    assert min(page_of(np.zeros((64, 80, 3), np.uint8), 0, 0.1).image_hwc.shape[:2]) >= 256
    assert page_scale(np.zeros((1100, 850, 3), np.uint8)) == PAGE_WIDTH_PX / 1100


def test_a_picture_that_would_fill_the_memory_is_refused_before_it_is_unpacked(tmp_path: Path) -> None:
    Image.new("1", (12_000, 9_000)).save(tmp_path / "bomb.png")
    with pytest.raises(UnreadableImageError, match=r"bomb\.png is 12000 x 9000 px"):
        read_image(tmp_path / "bomb.png")


def test_the_camera_s_note_about_its_position_is_followed(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # taken with the camera turned: show it turned clockwise
    quadrants(200, 400).save(tmp_path / "photo.jpg", exif=exif, quality=95)
    image = read_image(tmp_path / "photo.jpg")
    assert image.shape == (400, 200, 3)
    assert image[20, 180, 0] > 200 > image[20, 180, 2]


@pytest.mark.parametrize("mode", ["L", "RGB", "RGBA", "P", "1", "I;16", "CMYK", "LA"])
def test_every_kind_of_pixel_becomes_rgb(tmp_path: Path, mode: str) -> None:
    grey = np.full((64, 80), 200, np.uint8)
    if mode == "I;16":
        image = Image.fromarray(grey.astype(np.uint16) * 257)
    else:
        image = Image.fromarray(grey).convert("RGB").convert(mode)
    path = tmp_path / f"page.{'tif' if mode == 'CMYK' else 'png'}"
    image.save(path)
    pixels = read_image(path)
    assert pixels.shape == (64, 80, 3)
    assert pixels.dtype == np.uint8
    assert abs(int(pixels.mean()) - 200) <= (56 if mode == "1" else 3)


def test_what_is_transparent_is_paper(tmp_path: Path) -> None:
    Image.new("RGBA", (64, 64), (0, 0, 0, 0)).save(tmp_path / "clear.png")
    assert read_image(tmp_path / "clear.png").min() == 255


def test_a_cut_off_file_a_text_and_a_speck_are_refused_by_name(tmp_path: Path) -> None:
    whole = io.BytesIO()
    Image.fromarray(np.random.default_rng(0).integers(0, 255, (200, 200, 3), np.uint8)).save(whole, "PNG")
    (tmp_path / "cut.png").write_bytes(whole.getvalue()[:5000])
    (tmp_path / "text.png").write_text("not an image")
    Image.new("RGB", (8, 8)).save(tmp_path / "speck.png")
    for name in ("cut.png", "text.png", "speck.png"):
        with pytest.raises(UnreadableImageError, match=name):
            read_image(tmp_path / name)


@pytest.mark.real
def test_real_photos_can_be_read_and_laid(tmp_path: Path) -> None:
    for photo in photos():
        shutil.copy(photo, tmp_path)
        image = read_image(tmp_path / photo.name)
        assert max(page_of(image, 0, page_scale(image)).image_hwc.shape) == PAGE_WIDTH_PX
