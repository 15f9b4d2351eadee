"""Effect of objects that lie on the page and hide it."""

import cv2
import numpy as np
import numpy.typing as npt

from ecg_assets.pages.camera.effects.clips import clip
from ecg_assets.pages.camera.effects.compositing import Hidden, Image, Piece, lit, size_of, squares
from ecg_assets.pages.camera.effects.noise import Field, coarse
from ecg_assets.pages.camera.effects.objects import finger, label, sheet, tape
from ecg_assets.pages.camera.effects.registry import cover

_SHADOW_STEP_PX = 4
_SHADOW_PX = (7, 9)
Points = npt.NDArray[np.float64]


@cover("occlusion")
def occlusion(image_hwc: Image, rng: np.random.Generator, strength: float) -> tuple[Image, Hidden]:
    """Fingers, stickers, tape, clips and other sheets of paper lie on the page.

    Args:
        image_hwc: (h, w, 3) uint8.
        rng: draws things and places.
        strength: 0 to 1: how many, how large, and how far in from the picture's edge.

    Returns:
        The picture, and (h, w) bool: where something opaque hides the page. Clear tape hides nothing.
    """
    shape = size_of(image_hwc)
    count = 1 + int(rng.poisson(1.1 * strength * min(4.0, squares(shape) ** 0.5)))
    pieces = [piece for _ in range(count) for piece in _drawn(shape, rng, strength)]
    result = lit(image_hwc, _shadows(shape, pieces))
    hidden = np.zeros(shape, dtype=np.bool_)
    for piece in pieces:
        piece.put_on(result, hidden)
    return result, hidden


def _drawn(shape: tuple[int, int], rng: np.random.Generator, strength: float) -> list[Piece]:
    kind = float(rng.random())
    if kind < 0.35:
        return _fingers(shape, rng, strength)
    if kind < 0.50:
        return [_sheet_over_edge(shape, rng, strength)]
    if kind < 0.65:
        thing = clip(rng, 0.3 + 0.7 * strength)
        at, inwards = _edge(shape, rng)
        reach = thing.opacity_hw.shape[0] * (0.4 * strength - 0.2)
        # Its lower end, which grips, points inwards.
        turn = inwards - np.pi / 2 + rng.normal(0, 0.1)
        return [thing.turned(turn, at + _towards(inwards) * reach, shape)]
    draw = label if kind < 0.85 else tape
    thing = draw(rng, 0.18 + 0.82 * strength)
    return [thing.turned(rng.normal(0, 0.35), rng.uniform(0, 1, 2) * (shape[1], shape[0]), shape)]


def _fingers(shape: tuple[int, int], rng: np.random.Generator, strength: float) -> list[Piece]:
    """One to three fingers side by side, from the picture's edge inwards."""
    at, inwards = _edge(shape, rng)
    direction = inwards + rng.normal(0, 0.35)
    pieces = []
    scale, skin = rng.uniform(0.85, 1.15), int(rng.integers(2**32))
    for place in range(int(rng.integers(1, 2 + round(2 * strength)))):
        reach = (12 + 330 * strength * rng.uniform(0.6, 1.0)) * scale
        # Fingers of one hand have the same skin. They are long enough to begin outside at any slant.
        one = finger(np.random.Generator(np.random.PCG64(skin)), scale, reach * 1.3 + (170 + 130 * place) * scale)
        height, width = one.opacity_hw.shape
        beside = _towards(direction + np.pi / 2) * width * 1.02 * place
        middle = at + beside + _towards(direction) * (reach - height / 2)
        pieces.append(one.turned(direction + np.pi / 2, middle, shape))
        direction += rng.normal(0, 0.06)
    return pieces


def _sheet_over_edge(shape: tuple[int, int], rng: np.random.Generator, strength: float) -> Piece:
    """Another sheet over one side, at most over two fifths of the picture's length."""
    at, inwards = _edge(shape, rng)
    far = max(shape)
    reach = far * (0.01 + 0.36 * strength * rng.uniform(0.6, 1.0))
    deep = int(reach + 0.3 * far)
    thing = sheet(rng, int(far * rng.uniform(0.6, 1.4)), deep)
    # Its upper edge is inside the picture.
    middle = at + _towards(inwards) * (reach - deep / 2)
    return thing.turned(inwards + np.pi / 2 + rng.normal(0, 0.14), middle, shape)


def _edge(shape: tuple[int, int], rng: np.random.Generator) -> tuple[Points, float]:
    """A point on one of the picture's four edges (x, y), and the direction inwards in radians."""
    side, along = int(rng.integers(4)), rng.uniform(0.1, 0.9)
    height, width = shape
    x, y, turns = (
        (along * width, 0.0, 1),
        (along * width, float(height), 3),
        (0.0, along * height, 0),
        (float(width), along * height, 2),
    )[side]
    return np.array([x, y]), turns * np.pi / 2


def _towards(angle: float) -> Points:
    return np.array([np.cos(angle), np.sin(angle)])


def _shadows(shape: tuple[int, int], pieces: list[Piece]) -> Field:
    """Coarse gain: soft shadows to the lower right of all things."""
    small = coarse(shape, _SHADOW_STEP_PX)
    dark = np.zeros((*small, 1), dtype=np.uint8)
    full = np.full((1, 1, 1), 255, dtype=np.uint8)
    for piece in pieces:
        seen = piece.opacity_hw[::_SHADOW_STEP_PX, ::_SHADOW_STEP_PX]
        left, top = (piece.left + _SHADOW_PX[0]) // _SHADOW_STEP_PX, (piece.top + _SHADOW_PX[1]) // _SHADOW_STEP_PX
        Piece(left, top, np.broadcast_to(full, (*seen.shape, 1)), seen).put_on(dark)
    gain: Field = 1 - cv2.GaussianBlur(dark, (0, 0), 2.2).astype(np.float32) * np.float32(0.45 / 255)
    return gain
