"""What a page lies on: desks, wood, cloth, stone, darkness."""

from collections.abc import Callable

import cv2
import numpy as np
import numpy.typing as npt

from ecg_assets.pages.effects.noise import normal_noise, smooth_field

Image = npt.NDArray[np.uint8]
Field = npt.NDArray[np.float32]

_COLOURS: dict[str, tuple[tuple[int, int, int], ...]] = {
    "desk": ((214, 212, 206), (188, 184, 178), (232, 230, 226)),
    "wood": ((150, 104, 66), (188, 146, 98), (96, 62, 40)),
    "cloth": ((86, 104, 128), (140, 130, 122), (196, 200, 204)),
    "stone": ((128, 128, 126), (168, 164, 158), (88, 90, 94)),
    "dark": ((26, 26, 28), (44, 40, 38), (16, 18, 22)),
}


def background(shape: tuple[int, int], rng: np.random.Generator) -> Image:
    """A table top, (h, w, 3) uint8: one of five surfaces, drawn at random."""
    name = str(rng.choice(list(_COLOURS)))
    base = np.array(_COLOURS[name][int(rng.integers(3))], dtype=np.float32)
    relief = _RELIEFS[name](shape, rng)
    return np.clip(base + relief[..., None] * (0.6 + base / 255), 0, 255).astype(np.uint8)


def _even(shape: tuple[int, int], rng: np.random.Generator) -> Field:
    return smooth_field(shape, max(shape) / 3, rng) * 6 + normal_noise(shape, rng) * 2


def _wood(shape: tuple[int, int], rng: np.random.Generator) -> Field:
    """Long grain along x: noise stretched thirty times, with broad rings."""
    grain = cv2.resize(
        normal_noise((shape[0], max(2, shape[1] // 30)), rng), (shape[1], shape[0]), interpolation=cv2.INTER_LINEAR
    )
    bend = smooth_field(shape, max(shape) / 2, rng) * 18 + np.arange(shape[0], dtype=np.float32)[:, None]
    relief: Field = cv2.GaussianBlur(grain, (0, 0), 0.8) * 9 + np.sin(bend * np.float32(2 * np.pi / 46)) * 9
    return relief


def _cloth(shape: tuple[int, int], rng: np.random.Generator) -> Field:
    pitch = rng.uniform(4, 9)
    rows, columns = (np.sin(np.arange(size, dtype=np.float32) * np.float32(2 * np.pi / pitch)) for size in shape)
    relief: Field = rows[:, None] * columns * 10 + smooth_field(shape, 80, rng) * 8 + normal_noise(shape, rng) * 5
    return relief


def _stone(shape: tuple[int, int], rng: np.random.Generator) -> Field:
    relief: Field = smooth_field(shape, 60, rng) * 9 + smooth_field(shape, 12, rng) * 8 + normal_noise(shape, rng) * 6
    return relief


_RELIEFS: dict[str, Callable[[tuple[int, int], np.random.Generator], Field]] = {
    "desk": _even,
    "wood": _wood,
    "cloth": _cloth,
    "stone": _stone,
    "dark": _even,
}
