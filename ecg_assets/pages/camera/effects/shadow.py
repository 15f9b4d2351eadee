"""Effect of the photographer's shadow: hand, phone or body."""

import cv2
import numpy as np
import numpy.typing as npt

from ecg_assets.pages.camera.effects.compositing import Image, lit, size_of
from ecg_assets.pages.camera.effects.noise import Field, coarse
from ecg_assets.pages.camera.effects.registry import photometric

_STEP_PX = 4
# Fractions of the coordinate that cv2 draws with.
_SHIFT = 4


@photometric("shadow")
def shadow(image_hwc: Image, rng: np.random.Generator, strength: float) -> Image:
    """A hand or a phone stands in the light: a dark shape with soft edges.

    Args:
        image_hwc: (h, w, 3) uint8.
        rng: draws shape, place and how soft the edge is.
        strength: 0 to 1: how dark.
    """
    small = coarse(size_of(image_hwc), _STEP_PX)
    mask = np.zeros(small, dtype=np.uint8)
    (_phone, _hand, _body)[int(rng.integers(3))](mask, rng)
    # The distance of phones and hands, and so the penumbra, is proportional to the picture's size.
    soft = max(small) / 128
    core = cv2.GaussianBlur(mask, (0, 0), soft * rng.uniform(0.8, 3.5))
    wide = 2 * round(8 * soft) + 1
    around = cv2.blur(cv2.blur(mask, (wide, wide)), (wide, wide))
    dark: Field = cv2.addWeighted(core, 0.65 / 255, around, 0.35 / 255, 0, dtype=cv2.CV_32F)
    depth = np.float32(0.02 + 0.76 * strength * rng.uniform(0.85, 1.0))
    # Shadows are bluish, because the sky still lights them.
    gain = cv2.merge([1 - dark * (depth * share) for share in (np.float32(1.05), np.float32(1.0), np.float32(0.9))])
    return lit(image_hwc, gain)


def _phone(mask: Image, rng: np.random.Generator) -> None:
    """A slab that reaches in from an edge, with the hand that holds it."""
    long_side = max(mask.shape) * rng.uniform(0.5, 1.1)
    centre, angle = _near_edge(mask.shape, rng)
    box = cv2.boxPoints(((centre[0], centre[1]), (long_side, long_side * 0.5), angle + rng.normal(0, 15)))
    cv2.fillPoly(mask, [_fixed(box)], 255, cv2.LINE_AA, _SHIFT)
    # Fingers around its end, and the arm.
    end = centre - np.array([np.cos(np.deg2rad(angle)), np.sin(np.deg2rad(angle))]) * long_side * 0.4
    cv2.circle(mask, (int(end[0]), int(end[1])), int(long_side * 0.3), 255, -1, cv2.LINE_AA)
    cv2.line(mask, *_ends(end, end - centre, 2 * long_side), 255, max(2, int(long_side * 0.32)), cv2.LINE_AA)


def _hand(mask: Image, rng: np.random.Generator) -> None:
    """A palm, four fingers and an arm, from an edge inwards."""
    palm = max(mask.shape) * rng.uniform(0.10, 0.22)
    centre, angle = _near_edge(mask.shape, rng)
    cv2.circle(mask, (int(centre[0]), int(centre[1])), int(palm), 255, -1, cv2.LINE_AA)
    inwards, apart = np.deg2rad(angle), rng.uniform(0.14, 0.24)
    thumb = inwards + (1.0 if rng.random() < 0.5 else -1.0)
    turns = [inwards + (place - 1.5) * apart for place in range(4)] + [thumb]
    for turn, length in zip(turns, (2.1, 2.45, 2.4, 2.0, 1.7), strict=True):
        finger = np.array([np.cos(turn), np.sin(turn)])
        cv2.line(mask, *_ends(centre, finger, palm * length), 255, max(1, int(palm * 0.42)), cv2.LINE_AA)
    arm = np.array([-np.cos(inwards), -np.sin(inwards)])
    cv2.line(mask, *_ends(centre, arm, 9 * palm), 255, max(1, int(palm * 1.3)), cv2.LINE_AA)


def _body(mask: Image, rng: np.random.Generator) -> None:
    """Whoever bends over the page: one side of the picture, with a shoulder's and a head's outline."""
    size = max(mask.shape)
    centre, angle = _near_edge(mask.shape, rng)
    box = cv2.boxPoints(((centre[0], centre[1]), (size * rng.uniform(0.7, 1.1), size * 3), angle))
    outwards = -np.array([np.cos(np.deg2rad(angle)), np.sin(np.deg2rad(angle))])
    cv2.fillPoly(mask, [_fixed(box + outwards * size * 0.35)], 255, cv2.LINE_AA, _SHIFT)
    head = centre + np.array([-outwards[1], outwards[0]]) * size * rng.normal(0, 0.2)
    cv2.circle(mask, (int(head[0]), int(head[1])), int(size * rng.uniform(0.15, 0.3)), 255, -1, cv2.LINE_AA)


def _near_edge(shape: tuple[int, ...], rng: np.random.Generator) -> tuple[npt.NDArray[np.float64], float]:
    """A point (x, y) nearer to an edge than to the middle, and the direction to the middle in degrees."""
    size = np.array([shape[1], shape[0]], dtype=np.float64)
    outwards = rng.uniform(0, 2 * np.pi)
    direction = np.array([np.cos(outwards), np.sin(outwards)])
    return size / 2 + direction * size * rng.uniform(0.25, 0.5), float(np.rad2deg(outwards)) + 180 + rng.normal(0, 20)


def _ends(
    start: npt.NDArray[np.floating], direction: npt.NDArray[np.floating], length: float
) -> tuple[tuple[int, int], tuple[int, int]]:
    end = start + direction / max(1e-6, float(np.hypot(*direction))) * length
    return (int(start[0]), int(start[1])), (int(end[0]), int(end[1]))


def _fixed(points: npt.NDArray[np.floating]) -> npt.NDArray[np.int32]:
    fixed: npt.NDArray[np.int32] = np.rint(np.asarray(points) * (1 << _SHIFT)).astype(np.int32)
    return fixed
