"""Draws objects on a photographed page. Sizes are those at 200 dpi, times `scale`."""

import cv2
import numpy as np

from ecg_assets.pages.camera.effects.compositing import Image, plain
from ecg_assets.pages.camera.effects.noise import Field, normal_noise
from ecg_assets.pages.camera.effects.sprite import Sprite

_SKINS = ((236, 190, 164), (222, 170, 140), (198, 142, 110), (150, 102, 76), (104, 68, 50), (74, 48, 38))
_LABELS = ((250, 250, 248), (250, 236, 120), (244, 176, 190), (170, 214, 240), (188, 230, 160), (246, 190, 90))
# Red, green and blue of a fingertip against the rest.
_BLUSH = np.array((0.05, -0.04, -0.02), dtype=np.float32)
_MASKING = ((226, 208, 164), (244, 242, 236), (150, 180, 206))


def finger(rng: np.random.Generator, scale: float, length_px: float) -> Sprite:
    """A finger that points up, 13 to 18 mm wide and cut off after `length_px`.

    It is round, so darker at its sides, and has creases and at times a nail.
    """
    radius = max(4, int(rng.uniform(50, 72) * scale))
    width, height = 2 * radius + 2, max(2 * radius, int(length_px))
    x = (np.arange(width, dtype=np.float32) - radius - 0.5)[None, :] / radius
    y = np.minimum((np.arange(height, dtype=np.float32) - radius * 1.15)[:, None] / radius, 0) * np.float32(0.9)
    away = cv2.sqrt(x**2 + y**2)
    opacity = cv2.convertScaleAbs(cv2.max((1 - away) * radius + np.float32(0.5), 0.0), alpha=255)
    lit = np.float32(0.50) + np.float32(0.55) * cv2.sqrt(cv2.max(1 - (x * 0.93 - 0.12) ** 2 - 0.6 * y**2, 0.0))
    lit *= _creases(height, radius, rng)[:, None]
    lit += normal_noise((height, width), rng, 1.2) * np.float32(0.018)
    skin = np.array(_SKINS[int(rng.integers(len(_SKINS)))], dtype=np.float32)
    tip = np.exp(-np.arange(height, dtype=np.float32) / (1.3 * radius))[:, None]
    shaded = cv2.merge([cv2.convertScaleAbs(lit * (skin[c] * (1 + _BLUSH[c] * tip))) for c in range(3)])
    if rng.random() < 0.6:
        _nail(shaded, radius)
    return Sprite(shaded, opacity)


def _creases(height: int, radius: int, rng: np.random.Generator) -> Field:
    """(height,) float32: darker lines over the joints."""
    y = np.arange(height, dtype=np.float32)
    dark = np.zeros(height, dtype=np.float32)
    for joint in (2.6, 4.9):
        for _ in range(3):
            dark += np.exp(-(((y - radius * (joint + rng.normal(0, 0.12))) / (0.035 * radius + 0.5)) ** 2))
    return (1 - 0.09 * dark).astype(np.float32)


def _nail(colour_hwc: Image, radius: int) -> None:
    nail = np.zeros(colour_hwc.shape[:2], dtype=np.uint8)
    centre = (radius, int(radius * 0.95))
    cv2.ellipse(nail, centre, (int(radius * 0.58), int(radius * 0.72)), 0, 0, 360, 255, -1, cv2.LINE_AA)
    rows = slice(0, 2 * radius)
    light = cv2.addWeighted(colour_hwc[rows], 0.7, plain((2 * radius, colour_hwc.shape[1]), (244, 206, 200)), 0.36, 0)
    np.copyto(colour_hwc[rows], light, where=(nail[rows] > 127)[..., None])
    cv2.ellipse(
        colour_hwc, centre, (int(radius * 0.58), int(radius * 0.72)), 0, 150, 390, (150, 100, 90), 1, cv2.LINE_AA
    )


def label(rng: np.random.Generator, scale: float) -> Sprite:
    """A sticker with a barcode or lines of print, or a sticky note."""
    width, height = (max(12, int(rng.uniform(*span) * scale)) for span in ((150, 400), (90, 260)))
    colour = plain((height, width), _LABELS[int(rng.integers(len(_LABELS)))])
    ink = tuple(int(level) for level in rng.integers(10, 70, 3))
    left = width // 10
    kind = int(rng.integers(3))
    if kind == 0:
        bars = np.flatnonzero(rng.random(width - 2 * left) < 0.5) + left
        colour[height // 6 : height * 2 // 3, bars] = ink
    for y in range(height // 5 if kind == 1 else height * 3 // 4, height - 8, max(6, int(17 * scale))):
        if kind < 2:
            words(colour, left, y, width - left, rng, ink, 1 + int(scale))
    shade = np.linspace(rng.uniform(0.9, 1.0), rng.uniform(0.85, 1.0), height, dtype=np.float32)[:, None, None]
    return Sprite(np.rint(colour * shade).astype(np.uint8), np.full((height, width), 255, dtype=np.uint8))


def words(
    image_hwc: Image, x: int, y: int, last_x: int, rng: np.random.Generator, ink: tuple[int, ...], thick: int
) -> None:
    """A line of print too small to read: dashes like words, drawn in place."""
    while x < last_x:
        end = min(last_x, x + int(rng.integers(8, 50)))
        cv2.line(image_hwc, (x, y), (end, y), ink, thick * 3)
        # Gaps between letters.
        image_hwc[max(0, y - 3 * thick) : y + 3 * thick, x:end:5] = image_hwc[0, 0]
        x = end + 7


def tape(rng: np.random.Generator, scale: float) -> Sprite:
    """A strip of tape with torn ends: clear, which hides nothing, or masking tape."""
    width, height = max(24, int(rng.uniform(220, 620) * scale)), max(10, int(rng.uniform(95, 160) * scale))
    opacity = np.full((height, width), 255, dtype=np.float32)
    for side in (1, -1):
        torn = np.abs(normal_noise((height, 1), rng, 1.2)) * np.float32(5) + 1
        opacity[:, ::side] *= np.clip(np.arange(width, dtype=np.float32)[None, :] - torn, 0, 1)
    streaks = cv2.blur(normal_noise((height, width), rng), (61, 1)) * np.float32(30)
    clear = bool(rng.random() < 0.6)
    tone = (238.0, 234.0, 214.0) if clear else _MASKING[int(rng.integers(len(_MASKING)))]
    colour = cv2.add(plain((height, width), tone), cv2.merge([streaks] * 3), dtype=cv2.CV_8U)
    opacity *= np.float32(rng.uniform(0.18, 0.42) if clear else 0.97)
    return Sprite(colour, opacity.astype(np.uint8))


def sheet(rng: np.random.Generator, width: int, height: int) -> Sprite:
    """Another sheet of paper with lines of print, or ruled."""
    colour = plain((height, width), (rng.uniform(225, 255), rng.uniform(225, 252), rng.uniform(205, 250)))
    pitch = int(rng.uniform(24, 44))
    kind = int(rng.integers(3))
    ink = tuple(int(level) for level in rng.integers(20, 80, 3))
    for y in range(pitch, height, pitch):
        if kind == 0:
            cv2.line(colour, (0, y), (width, y), (150, 180, 220), 1)
        elif kind == 1:
            words(colour, 40, y, width - 40, rng, ink, 2)
    return Sprite(colour, np.full((height, width), 255, dtype=np.uint8))
