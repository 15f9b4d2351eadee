"""Draws pictures that are not ECGs, as negative samples: text, tables, cloth, hands, other grids."""

from collections.abc import Callable

import cv2
import numpy as np
import numpy.typing as npt

from ecg_assets.pages.camera.effects.backgrounds import background
from ecg_assets.pages.camera.effects.noise import normal_noise, smooth_field
from ecg_assets.pages.style.fonts import FONTS, text_coverage

Image = npt.NDArray[np.uint8]

_WORDS = (
    *("patient", "was", "seen", "in", "the", "clinic", "for", "a", "routine", "visit", "and", "reports", "no", "pain"),
    *("blood", "pressure", "heart", "rate", "regular", "medication", "continued", "follow", "up", "six", "months"),
    *("signed", "report", "of", "findings", "normal", "limits", "sodium", "potassium", "creatinine", "discharge"),
)


def text_page(side_px: int, rng: np.random.Generator) -> Image:
    """A printed letter: lines of words in one font."""
    image = _sheet(side_px, rng)
    size = int(rng.integers(12, 30))
    font, ink = str(rng.choice(FONTS)), _dark(rng)
    for baseline in range(size * 2, side_px, round(size * rng.uniform(1.3, 1.8))):
        words = " ".join(str(word) for word in rng.choice(_WORDS, int(rng.integers(3, 14))))
        _write(image, words, font, size, (int(rng.integers(4, 24)), baseline), ink)
    return image


def table(side_px: int, rng: np.random.Generator) -> Image:
    """A ruled table of numbers, its columns unequally wide."""
    image, ink = _sheet(side_px, rng), _dark(rng)
    size = int(rng.integers(12, 22))
    rows = np.cumsum(rng.integers(size + 8, size + 22, side_px // size))
    columns = np.cumsum(rng.integers(50, 170, side_px // 40))
    for row in rows[rows < side_px]:
        cv2.line(image, (0, int(row)), (side_px, int(row)), ink, int(rng.integers(1, 3)))
        for column in columns[columns < side_px]:
            number = f"{rng.uniform(0, 300):.{int(rng.integers(3))}f}"
            _write(image, number, "sans", size, (int(column) + 6, int(row) - 5), ink)
    for column in columns[columns < side_px]:
        cv2.line(image, (int(column), 0), (int(column), side_px), ink, 1)
    return image


def surface(side_px: int, rng: np.random.Generator) -> Image:
    """A table top, cloth or stone with nothing on it."""
    return background((side_px, side_px), rng)


def hands(side_px: int, rng: np.random.Generator) -> Image:
    """Blobs in the colours of skin over a table top, softly lit."""
    image = background((side_px, side_px), rng)
    skin = np.array([[236, 188, 160], [198, 140, 106], [120, 78, 56]][int(rng.integers(3))], dtype=np.float32)
    shape = np.zeros((side_px, side_px), dtype=np.uint8)
    palm = rng.uniform(0.2, 0.8, 2) * side_px
    cv2.circle(shape, (int(palm[0]), int(palm[1])), int(side_px * rng.uniform(0.15, 0.3)), 255, -1)
    for angle in rng.uniform(-0.5, 0.5) + np.linspace(-0.9, 0.9, 5):
        tip = palm + side_px * rng.uniform(0.35, 0.6) * np.array([np.sin(angle), -np.cos(angle)])
        cv2.line(shape, _at(palm), _at(tip), 255, int(side_px * rng.uniform(0.06, 0.1)), cv2.LINE_AA)
    soft = cv2.GaussianBlur(shape, (0, 0), 3).astype(np.float32)[..., None] / 255
    # A wide blur, so a quarter of the resolution is enough.
    quarter = cv2.resize(shape, (side_px // 4, side_px // 4), interpolation=cv2.INTER_AREA)
    wide = cv2.resize(cv2.GaussianBlur(quarter, (0, 0), side_px / 56), (side_px, side_px))
    relief = wide.astype(np.float32)[..., None] / 255
    lit = skin * (0.55 + 0.5 * relief) + smooth_field((side_px, side_px), 40, rng)[..., None] * 5
    held: Image = np.clip(image * (1 - soft) + lit * soft, 0, 255).astype(np.uint8)
    return held


def school_paper(side_px: int, rng: np.random.Generator) -> Image:
    """Squared or ruled school paper: one kind of line only, no 5-mm lines among 1-mm lines, some with a margin."""
    image, ink = _sheet(side_px, rng), _line_colour(rng)
    # Narrower than 5 mm in any sample: squares of 5 mm might be an ECG paper without 1-mm lines.
    pitch, ruled = rng.uniform(11, 16), rng.random() < 0.4
    for place in np.arange(rng.uniform(0, pitch), side_px, pitch):
        cv2.line(image, (0, int(place)), (side_px, int(place)), ink, 1)
        if not ruled:
            cv2.line(image, (int(place), 0), (int(place), side_px), ink, 1)
    if rng.random() < 0.5:
        margin = int(rng.uniform(0.1, 0.9) * side_px)
        cv2.line(image, (margin, 0), (margin, side_px), (220, 90, 90), 2)
    return image


def checkerboard(side_px: int, rng: np.random.Generator) -> Image:
    """A chessboard of two colours."""
    pitch = int(rng.integers(16, 90))
    cells = (np.indices((side_px, side_px)) + rng.integers(0, pitch, 2)[:, None, None]) // pitch
    colours = np.array([_dark(rng), (235, 230, 220)], dtype=np.uint8)
    board: Image = colours[cells.sum(axis=0) % 2]
    return board


def tiles(side_px: int, rng: np.random.Generator) -> Image:
    """Bathroom tiles: broad light joints around uneven squares."""
    pitch, joint = int(rng.integers(40, 130)), int(rng.integers(3, 9))
    rows, columns = np.indices((side_px, side_px)) + rng.integers(0, pitch, 2)[:, None, None]
    base = np.array([[196, 206, 208], [120, 140, 160], [214, 196, 170]][int(rng.integers(3))], dtype=np.float32)
    shades = rng.normal(0, 9, (side_px // pitch + 3, side_px // pitch + 3))[rows // pitch, columns // pitch]
    image = base + shades[..., None] + normal_noise((side_px, side_px), rng)[..., None] * 2
    image[(rows % pitch < joint) | (columns % pitch < joint)] = 238
    tiled: Image = np.clip(image, 0, 255).astype(np.uint8)
    return tiled


NEGATIVES: dict[str, Callable[[int, np.random.Generator], Image]] = {
    "text_page": text_page,
    "table": table,
    "surface": surface,
    "hands": hands,
    "school_paper": school_paper,
    "checkerboard": checkerboard,
    "tiles": tiles,
}


def _sheet(side_px: int, rng: np.random.Generator) -> Image:
    white = np.array([255, 255, 255]) - rng.integers(0, 22, 3)
    light = smooth_field((side_px, side_px), side_px / 2, rng)[..., None] * 4
    blank: Image = np.clip(white + light - 4, 0, 255).astype(np.uint8)
    return blank


def _dark(rng: np.random.Generator) -> tuple[int, int, int]:
    red, green, blue = (int(level) for level in rng.integers(0, 70, 3))
    return red, green, blue


def _line_colour(rng: np.random.Generator) -> tuple[int, int, int]:
    red, green, blue = (int(level) for level in rng.integers(120, 215, 3))
    return red, green, blue


def _at(point: npt.NDArray[np.float64]) -> tuple[int, int]:
    return int(point[0]), int(point[1])


def _write(image: Image, text: str, font: str, size_px: int, place: tuple[int, int], ink: tuple[int, int, int]) -> None:
    letters, left, top = text_coverage(text, font, size_px)
    row, column = max(0, place[1] + top), max(0, place[0] + left)
    spot = image[row : row + letters.shape[0], column : column + letters.shape[1]]
    letters = letters[: spot.shape[0], : spot.shape[1], None]
    spot[:] = np.rint(spot * (1 - letters) + np.array(ink) * letters).astype(np.uint8)
