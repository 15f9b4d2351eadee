"""What changes colours moves nothing: else the masks, which stay, would lie beside the ink."""

import cv2
import numpy as np
import pytest

from ecg_assets.pages.camera.effects.registry import effect, effects

SIDE = 384
# A quarter of a pixel costs a perfect mask of a thin line a tenth of its Dice.
ALLOWED_PX = 0.25
STRENGTHS = (0.15, 0.5, 1.0)
SEEDS = 6


def inked_page() -> np.ndarray:
    """(384, 384, 3) uint8: round dots of ink all over white paper, at places that do not repeat."""
    rng = np.random.default_rng(0)
    page = np.full((SIDE, SIDE, 3), 245, np.uint8)
    for x, y in rng.uniform(20, SIDE - 20, size=(160, 2)):
        cv2.circle(page, (round(x), round(y)), 3, (20, 20, 30), -1, cv2.LINE_AA)
    return page


def displacement_px(before: np.ndarray, after: np.ndarray) -> tuple[float, float]:
    """How far the ink moved, right and down: the peak of the correlation of both, each less its surroundings."""
    flat = []
    for image in (before, after):
        grey = image.astype(np.float32).mean(axis=2)
        flat.append(grey - cv2.GaussianBlur(grey, (0, 0), 12))
    window = cv2.createHanningWindow((SIDE, SIDE), cv2.CV_32F)
    spectrum = np.fft.fft2(flat[0] * window).conj() * np.fft.fft2(flat[1] * window)
    correlation = np.fft.fftshift(np.fft.ifft2(spectrum).real)
    middle = SIDE // 2
    near = correlation[middle - 40 : middle + 41, middle - 40 : middle + 41]
    near = np.maximum(near - 0.5 * near.max(), 0)
    y, x = np.mgrid[-40:41, -40:41]
    return float((near * x).sum() / near.sum()), float((near * y).sum() / near.sum())


def test_a_known_displacement_is_measured() -> None:
    page = inked_page()
    moved = np.roll(page, (-3, 5), axis=(0, 1))
    assert displacement_px(page, moved) == pytest.approx((5, -3), abs=0.1)


@pytest.mark.parametrize("name", [name for name, one in effects().items() if one.kind == "photometric"])
def test_the_ink_stays_where_it_was(name: str) -> None:
    page, apply = inked_page(), effect(name).apply
    for strength in STRENGTHS:
        moves = [displacement_px(page, apply(page, np.random.default_rng(seed), strength)) for seed in range(SEEDS)]
        # One picture's noise weighs its dots unevenly; an effect that displaces does so in the median of its draws.
        lengths = [float(np.hypot(*move)) for move in moves]
        assert np.median(lengths) <= ALLOWED_PX, (strength, moves)
