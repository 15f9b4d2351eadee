"""Draws backgrounds of photographed pages: desks, wood, cloth, stone, darkness."""

from collections.abc import Callable

import cv2
import numpy as np
import numpy.typing as npt

from ecg_assets.pages.camera.effects.compositing import Image
from ecg_assets.pages.camera.effects.noise import Field, coarse, normal_noise, smooth_field, upscaled

Shape = tuple[int, int]

_COLOURS: dict[str, tuple[tuple[int, int, int], ...]] = {
    "desk": ((214, 212, 206), (188, 184, 178), (232, 230, 226), (142, 150, 156), (206, 188, 160)),
    "wood": ((150, 104, 66), (188, 146, 98), (96, 62, 40), (212, 180, 136), (122, 72, 50)),
    "cloth": ((86, 104, 128), (140, 130, 122), (196, 200, 204), (60, 92, 84), (128, 56, 60)),
    "stone": ((128, 128, 126), (168, 164, 158), (88, 90, 94), (196, 190, 182), (60, 62, 64)),
    "dark": ((26, 26, 28), (44, 40, 38), (16, 18, 22)),
}
# A relief of 1 deviation makes a colour this much lighter or darker.
_DEPTH = 0.16
_STEPS_A_DEVIATION = 32.0


def background(shape: Shape, rng: np.random.Generator) -> Image:
    """A table top, (h, w, 3) uint8: one of five surfaces, drawn at random, its grain across or down."""
    name = str(rng.choice(list(_COLOURS)))
    colours = _COLOURS[name]
    base = np.array(colours[int(rng.integers(len(colours)))]) * np.exp(rng.normal(0, 0.15) + rng.normal(0, 0.03, 3))
    upright = bool(rng.integers(2))
    relief = _RELIEFS[name](shape[::-1] if upright else shape, rng)
    base = np.minimum(base, 236)
    level = cv2.convertScaleAbs(cv2.max(relief, -4.0), alpha=_STEPS_A_DEVIATION, beta=128)
    deviations = (np.arange(256)[:, None] - 128) / _STEPS_A_DEVIATION
    table = np.clip(base * np.exp(_DEPTH * deviations), 0, 255).astype(np.uint8)[:, None, :]
    top: Image = cv2.applyColorMap(cv2.transpose(level) if upright else level, table)
    return top


def _light(shape: Shape, rng: np.random.Generator) -> Field:
    """Illumination of a table over the whole picture."""
    small = coarse(shape, 16)
    return upscaled(smooth_field(small, max(small) * 0.6, rng), shape)


def _even(shape: Shape, rng: np.random.Generator) -> Field:
    grain = normal_noise(shape, rng, 0.7)
    even: Field = cv2.addWeighted(_light(shape, rng), 0.5, grain, rng.uniform(0.03, 0.15), 0)
    return even


def _wood(shape: Shape, rng: np.random.Generator) -> Field:
    """Boards with rings that run along, each drawn out about twenty times, and pores."""
    small = coarse(shape, 4)
    along = smooth_field((small[0], max(2, small[1] // 10)), rng.uniform(9, 22), rng)
    turns = upscaled(along, shape) * np.float32(rng.uniform(0.5, 1.4))
    turns += np.arange(shape[0], dtype=np.float32)[:, None] * np.float32(0.4 / rng.uniform(14, 46))
    # Early wood changes slowly into late wood, which ends abruptly.
    turns -= np.floor(turns)
    rings = cv2.multiply(turns, turns, scale=2.0) - np.float32(0.66)
    pores = cv2.resize(normal_noise((shape[0], max(2, shape[1] // 24)), rng, 0.7), shape[::-1])
    grained = cv2.addWeighted(rings, rng.uniform(0.4, 1.0), pores, 0.35, 0)
    boards = _boards(shape[0], rng)
    lit = cv2.addWeighted(grained, 1.0, _light(shape, rng), 0.4, 0)
    wood: Field = cv2.add(lit, np.ascontiguousarray(np.broadcast_to(boards[:, None], shape)))
    return wood


def _boards(height: int, rng: np.random.Generator) -> npt.NDArray[np.float32]:
    """(h,) float32: boards of unlike lightness with dark joints."""
    board_px = rng.uniform(120, 500)
    place = np.arange(height) / board_px + rng.random()
    tones = rng.normal(0, 0.7, int(place[-1]) + 2)
    joint = np.abs((place + 0.5) % 1.0 - 0.5) * board_px < 1.6
    boards: npt.NDArray[np.float32] = (tones[place.astype(int)] - 3.5 * joint).astype(np.float32)
    return boards


def _cloth(shape: Shape, rng: np.random.Generator) -> Field:
    """A plain weave: threads over and under, of uneven thickness, in soft folds."""
    pitch = rng.uniform(4, 9)
    rows, columns = (
        np.sin(np.arange(size) * (np.pi / pitch) + np.cumsum(rng.normal(0, 0.06, size))).astype(np.float32)
        for size in shape
    )
    weave = cv2.addWeighted(rows[:, None] @ columns[None, :], 0.9, normal_noise(shape, rng, 0.7), 0.35, 0)
    folds = upscaled(smooth_field(coarse(shape, 16), 14, rng), shape)
    cloth: Field = cv2.addWeighted(weave, 1.0, folds, 0.3, 0)
    return cloth


def _stone(shape: Shape, rng: np.random.Generator) -> Field:
    """Speckled: grains of three sizes."""
    clouds = upscaled(smooth_field(coarse(shape, 8), 9, rng), shape)
    speckled = cv2.addWeighted(clouds, 0.5, normal_noise(shape, rng, 1.2), rng.uniform(0.2, 0.8), 0)
    half = coarse(shape, 3)
    stone: Field = cv2.addWeighted(
        speckled, 1.0, upscaled(normal_noise(half, rng, 1.2), shape, cv2.INTER_CUBIC), 0.6, 0
    )
    return stone


_RELIEFS: dict[str, Callable[[Shape, np.random.Generator], Field]] = {
    "desk": _even,
    "wood": _wood,
    "cloth": _cloth,
    "stone": _stone,
    "dark": _even,
}
