"""Effects of photographed screens: their pixels, and moire with the camera's pixels."""

import cv2
import numpy as np
import numpy.typing as npt

from ecg_assets.pages.camera.effects.compositing import Image, size_of
from ecg_assets.pages.camera.effects.noise import Field, coarse, smooth_field, upscaled
from ecg_assets.pages.camera.effects.registry import photometric

_TURN = 2 * np.pi
_LEVELS = 256
# A gain of 1 is this level, so that gains up to 1.6 fit in 8 bits.
_ONE = 160


@photometric("moire")
def moire(image_hwc: Image, rng: np.random.Generator, strength: float) -> Image:
    """The camera's pixels beat with a screen's: broad bent stripes, of other phase in each colour.

    Args:
        image_hwc: (h, w, 3) uint8.
        rng: draws period, direction, bend and colours.
        strength: 0 to 1, the stripes' depth.
    """
    shape = size_of(image_hwc)
    direction = rng.uniform(0, _TURN)
    gain = None
    for turned, weight in ((0.0, 1.0), (_TURN / 4 + rng.normal(0, 0.2), rng.uniform(0.2, 0.8))):
        period = np.exp(rng.uniform(np.log(9), np.log(110)))
        phase = _phase(shape, period, direction + turned, rng, bend_turns=rng.uniform(0.6, 3.5))
        table = _wave_table(0.55 * strength * weight + 0.01, rng.normal(0, 0.17, 3), sharp=1.0)
        one = cv2.applyColorMap(phase, table)
        gain = one if gain is None else cv2.multiply(gain, one, scale=1 / _ONE)
    seen: Image = cv2.multiply(image_hwc, gain, scale=1 / _ONE)
    return seen


@photometric("screen_pattern")
def screen_pattern(image_hwc: Image, rng: np.random.Generator, strength: float) -> Image:
    """A screen's own pixels show: red, green and blue stripes, dark gaps between rows, and the backlight's glow.

    Args:
        image_hwc: (h, w, 3) uint8.
        rng: draws pitch, turn and glow.
        strength: 0 to 1, the depth of stripes and gaps and the brightness of the glow.
    """
    shape = size_of(image_hwc)
    pitch, turn = rng.uniform(2.3, 3.2 + 3.4 * strength), rng.normal(0, 0.05)
    bend = rng.uniform(0.0, 1.5)
    columns = _phase(shape, pitch, turn, rng, bend)
    rows = _phase(shape, pitch, turn + _TURN / 4, rng, bend)
    # The subpixels stand a third of a pixel apart.
    stripes = cv2.applyColorMap(columns, _wave_table(0.75 * strength + 0.01, np.array([0, 1 / 3, 2 / 3]), sharp=1.5))
    gaps = cv2.applyColorMap(rows, _wave_table(0.45 * strength + 0.01, np.zeros(3), sharp=3.0))
    shown = cv2.multiply(image_hwc, stripes, scale=1 / _ONE)
    shown = cv2.multiply(shown, gaps, scale=1 / _ONE)
    glow: Image = cv2.add(shown, _glow(shape, rng, strength))
    return glow


def _phase(
    shape: tuple[int, int], period_px: float, angle: float, rng: np.random.Generator, bend_turns: float
) -> npt.NDArray[np.uint8]:
    """(h, w) uint8: a bent plane wave's phase, 256 levels a turn."""
    across, down = np.cos(angle) / period_px * _LEVELS, np.sin(angle) / period_px * _LEVELS
    x = np.arange(shape[1], dtype=np.float32) * np.float32(across) + np.float32(rng.uniform(0, _LEVELS))
    y = np.arange(shape[0], dtype=np.float32) * np.float32(down)
    bend = smooth_field(coarse(shape, 16), 20, rng) * np.float32(bend_turns * _LEVELS / 2)
    phase: Field = upscaled(bend, shape)
    phase += x
    phase += y[:, None]
    # Through int32, because converting a float above 255 to uint8 is undefined, while an int wraps.
    return phase.astype(np.int32).astype(np.uint8)


def _wave_table(depth: float, shift_turns: npt.NDArray[np.float64], sharp: float) -> npt.NDArray[np.uint8]:
    """(256, 1, 3) uint8: gain by phase for red, green and blue; `sharp` above 1 narrows the dark part."""
    phase = np.arange(_LEVELS)[:, None] / _LEVELS + shift_turns[None, :]
    dark = (0.5 - 0.5 * np.cos(_TURN * phase)) ** sharp
    gain = 1.0 + depth * (dark.mean(axis=0) - dark)
    table: npt.NDArray[np.uint8] = np.clip(np.rint(gain * _ONE), 0, 255).astype(np.uint8)[:, None, :]
    return table


def _glow(shape: tuple[int, int], rng: np.random.Generator, strength: float) -> Image:
    """(h, w, 3) uint8 bluish light that is brightest somewhere in the picture."""
    field = smooth_field(coarse(shape, 16), 24, rng) * np.float32(0.35) + np.float32(0.6)
    colour = np.array([34, 42, 62], dtype=np.float32) * np.float32(strength * rng.uniform(0.5, 1.3))
    light = np.clip(field[..., None] * colour, 0, 255).astype(np.uint8)
    glow: Image = cv2.resize(light, (shape[1], shape[0]))
    return glow
