"""Shapes of readers' marks: rings, ticks, arrows, measuring strokes, cursive."""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

Points = npt.NDArray[np.float64]


def _circle(reach: float, rng: np.random.Generator) -> list[Points]:
    """A ring drawn by hand: it does not quite close, or overlaps itself."""
    angle = np.linspace(0, 2 * np.pi * rng.uniform(0.92, 1.2), 40) + rng.uniform(0, 2 * np.pi)
    radius = reach * (1 + 0.06 * np.sin(angle * 2 + rng.uniform(0, 6)) + np.linspace(-0.05, 0.05, 40))
    return [np.stack([radius * np.cos(angle), radius * np.sin(angle) * rng.uniform(0.4, 1.0)], axis=1)]


def _tick(reach: float, rng: np.random.Generator) -> list[Points]:
    corners = np.array([(-0.35, 0.0), (-0.1, 0.35), (0.15, -0.2), (0.5, -0.7)])
    return [(corners + rng.normal(0, 0.04, corners.shape)) * reach]


def _cross(reach: float, rng: np.random.Generator) -> list[Points]:
    tips = np.array([[(-1, -1), (1, 1)], [(1, -1), (-1, 1)]]) * (0.4 * reach) + rng.normal(0, reach / 15, (2, 2, 2))
    return list(tips)


def _underline(reach: float, rng: np.random.Generator) -> list[Points]:
    x = np.linspace(-1.4, 1.4, 16) * reach
    rows = range(1 + int(rng.random() < 0.3))
    return [np.stack([x, rng.normal(0, 3) + 9 * row + np.cumsum(rng.normal(0, 0.8, 16))], axis=1) for row in rows]


def _arrow(reach: float, rng: np.random.Generator) -> list[Points]:
    angle = rng.uniform(0, 2 * np.pi)
    tip = np.array([np.cos(angle), np.sin(angle)]) * reach
    barbs = [np.array([np.cos(angle + turn), np.sin(angle + turn)]) * reach * 0.3 for turn in (2.6, -2.6)]
    return [
        np.stack([-tip, tip * 0.1 + rng.normal(0, reach / 20, 2), tip]),
        np.stack([tip + barbs[0], tip, tip + barbs[1]]),
    ]


def _intervals(reach: float, rng: np.random.Generator) -> list[Points]:
    """The even strokes of a reader who measures RR intervals."""
    pitch, high = reach * rng.uniform(0.5, 1.2), rng.uniform(8, 24)
    places = np.arange(-2, 3) * pitch
    return [np.array([(x, -high), (x + rng.normal(0, 2), high)]) for x in places + rng.normal(0, 2, 5)]


def _writing(reach: float, rng: np.random.Generator) -> list[Points]:
    """Cursive nobody can read: loops of changing height that run to the right."""
    letters = int(rng.integers(4, 12))
    t = np.linspace(0, letters * 2 * np.pi, letters * 12)
    place = np.arange(letters) * 2 * np.pi
    high = np.interp(t, place, np.where(rng.random(letters) < 0.25, 2.4, 1.0) * rng.uniform(0.6, 1.1, letters))
    turn = np.interp(t, place, rng.uniform(0.5, 1.6, letters))
    size = reach * 0.16 + 4
    x = size * (t * 0.22 + 0.7 * turn * np.sin(t) + 0.3 * high * np.cos(t))
    y = -size * high * (1 + np.cos(t)) * 0.6 + rng.normal(0, 0.06) * x
    return [np.stack([x - x.mean(), y], axis=1)]


# Shapes with their frequencies; each returns lines around (0, 0) of about the size of the first argument, in pixels.
MARKS: tuple[Callable[[float, np.random.Generator], list[Points]], ...] = (
    _circle,
    _tick,
    _cross,
    _underline,
    _arrow,
    _intervals,
    _writing,
    _writing,
)
