"""Effect of stray text that is printed, stamped or written on a page."""

import cv2
import numpy as np

from ecg_assets.pages.camera.effects.compositing import Colour, Hidden, Image, plain, size_of, squares
from ecg_assets.pages.camera.effects.noise import Field, normal_noise, smooth_field
from ecg_assets.pages.camera.effects.registry import cover
from ecg_assets.pages.camera.effects.sprite import Sprite
from ecg_assets.pages.style.fonts import text_coverage

_STAMPS = ("COPY", "RECEIVED", "CONFIRMED", "SCANNED", "CARDIOLOGY", "FILE", "URGENT", "12 MAR 2019", "WARD 7", "PAID")
_PRINTED = (
    "Sinus rhythm",
    "Unconfirmed report",
    "Vent. rate 72 bpm",
    "PR interval 164 ms",
    "QT/QTc 388/412 ms",
    "Page 1 of 2",
    "Department of Cardiology",
    "0.15-150 Hz",
    "Abnormal ECG",
    "Ref. 4471-B",
)
_WRITTEN = (
    "seen",
    "NSR",
    "? STEMI",
    "old MI",
    "no change",
    "repeat 6h",
    "Dr. Lang",
    "chest pain",
    "HR 88",
    "ok",
    "AF?",
)
_STAMP_INKS: tuple[Colour, ...] = ((186, 30, 44), (38, 50, 156), (92, 40, 130), (20, 96, 70))
_PENS: tuple[Colour, ...] = ((26, 42, 140), (22, 22, 28), (160, 28, 40))


@cover("stray_text")
def stray_text(image_hwc: Image, rng: np.random.Generator, strength: float) -> tuple[Image, Hidden]:
    """Stamps, printed remarks and handwritten notes.

    Args:
        image_hwc: (h, w, 3) uint8.
        rng: draws texts, fonts, inks and places.
        strength: 0 to 1: how many, how large and how dark.

    Returns:
        The picture, and (h, w) bool: where opaque ink hides the page. Pale stamps hide nothing.
    """
    shape = size_of(image_hwc)
    result, hidden = image_hwc.copy(), np.zeros(shape, dtype=np.bool_)
    for _ in range(1 + int(rng.poisson(2.2 * strength * min(6.0, squares(shape) ** 0.7)))):
        # Few sizes, so that each text is rendered once and not for every picture.
        size = 4 * round(rng.uniform(13, 22 + 34 * strength) / 4)
        draw = (_stamp, _printed, _written)[int(rng.integers(3))]
        ink, colour, turn = draw(size, rng)
        dark = 255 * np.float32(rng.uniform(0.25 + 0.2 * strength, 0.55 + 0.45 * strength))
        opacity = cv2.convertScaleAbs(ink, alpha=float(dark))
        sprite = Sprite(plain((opacity.shape[0], opacity.shape[1]), colour), opacity)
        sprite.turned(turn, rng.uniform(0, 1, 2) * (shape[1], shape[0]), shape).put_on(result, hidden)
    return result, hidden


def _stamp(size_px: int, rng: np.random.Generator) -> tuple[Field, Colour, float]:
    """Capitals in a frame, inked unevenly, set down at an angle."""
    letters = text_coverage(str(rng.choice(_STAMPS)), str(rng.choice(("sans-bold", "mono-bold", "serif"))), size_px)[0]
    margin, frame = size_px // 2 + 4, max(2, size_px // 9)
    ink = cv2.copyMakeBorder(letters, margin, margin, margin, margin, cv2.BORDER_CONSTANT, value=0)
    if rng.random() < 0.8:
        cv2.rectangle(ink, (frame, frame), (ink.shape[1] - frame - 1, ink.shape[0] - frame - 1), 1.0, frame)
    dry = 0.85 + 0.3 * smooth_field(ink.shape, 40, rng) + 0.16 * normal_noise(ink.shape, rng, 0.7)
    inked = cv2.multiply(ink, np.clip(dry, 0, 1).astype(np.float32))
    return inked, _STAMP_INKS[int(rng.integers(len(_STAMP_INKS)))], float(rng.normal(0, 0.3))


def _printed(size_px: int, rng: np.random.Generator) -> tuple[Field, Colour, float]:
    """One to three lines of another printer."""
    font = str(rng.choice(("sans", "mono", "serif", "times", "typewriter")))
    small = max(11, size_px * 2 // 3)
    lines = [text_coverage(str(rng.choice(_PRINTED)), font, small)[0] for _ in range(int(rng.integers(1, 4)))]
    width, pitch = max(line.shape[1] for line in lines), int(small * 1.5)
    ink = np.zeros((pitch * len(lines) + small, width), dtype=np.float32)
    for place, line in enumerate(lines):
        ink[place * pitch : place * pitch + line.shape[0], : line.shape[1]] = line[: ink.shape[0] - place * pitch]
    return ink, (20, 20, 24), float(rng.normal(0, 0.02))


def _written(size_px: int, rng: np.random.Generator) -> tuple[Field, Colour, float]:
    """A font made handwriting: slanted, wavy, each stroke a little elsewhere."""
    letters = text_coverage(str(rng.choice(_WRITTEN)), str(rng.choice(("roman", "times", "pillow"))), size_px)[0]
    margin = size_px // 2
    ink = cv2.copyMakeBorder(letters, margin, margin, margin, margin, cv2.BORDER_CONSTANT, value=0)
    height, width = ink.shape
    y, x = np.arange(height, dtype=np.float32)[:, None], np.arange(width, dtype=np.float32)[None, :]
    slant = np.float32(rng.uniform(0.1, 0.45))
    wave = [smooth_field(ink.shape, size_px * 0.5, rng) * np.float32(size_px * 0.07) for _ in range(2)]
    ink = cv2.remap(ink, x + slant * (y - height / 2) + wave[0], y + wave[1], cv2.INTER_LINEAR)
    if rng.random() < 0.5:
        ink = cv2.dilate(ink, np.ones((2, 2), dtype=np.uint8))
    return ink, _PENS[int(rng.integers(len(_PENS)))], float(rng.normal(0, 0.12))
