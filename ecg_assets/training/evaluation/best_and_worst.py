"""Keeps the samples on which a network scores best and worst, and draws them."""

import io
from dataclasses import dataclass, field

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image

from ecg_assets.pages.classes import HORIZONTAL, WAVE
from ecg_assets.samples.classes import CLASS_COLOURS
from ecg_assets.samples.reader import Sample
from ecg_assets.training.evaluation.counts import Tally
from ecg_assets.training.label_map import THREE_CLASSES, to_classes

_PANEL_PX, _GAP_PX, _COLOURS = 300, 6, 64
_THREE_CLASS_COLOURS = CLASS_COLOURS[[0, HORIZONTAL, WAVE]]


@dataclass(frozen=True)
class Look:
    """A sample and its prediction.

    Attributes:
        sample: with image and true mask.
        predicted_hw: (h, w) uint8, the network's classes.
        classes: number of classes.
        tally: the sample's counts.
    """

    sample: Sample
    predicted_hw: npt.NDArray[np.uint8] = field(repr=False)
    classes: int
    tally: Tally = field(repr=False)


@dataclass
class Extremes:
    """Keeps the `count` samples with the best and the worst `Tally.agreement`.

    Samples with background only are not among the best, because they are easy.
    """

    count: int
    best: list[Look] = field(default_factory=list)
    worst: list[Look] = field(default_factory=list)

    def add(self, look: Look) -> None:
        """Keeps `look` if it is among the best or worst; of equal samples the first."""
        if look.tally.shows_something:
            self.best = sorted([*self.best, look], key=lambda one: -one.tally.agreement)[: self.count]
        self.worst = sorted([*self.worst, look], key=lambda one: one.tally.agreement)[: self.count]


def triple(look: Look) -> bytes:
    """Image, truth and prediction side by side, as a small PNG."""
    colours = _THREE_CLASS_COLOURS if look.classes == len(THREE_CLASSES) else CLASS_COLOURS
    panels = (
        look.sample.image_hwc,
        colours[to_classes(look.sample.mask_hw, look.classes)],
        colours[look.predicted_hw],
    )
    gap = np.full((_PANEL_PX, _GAP_PX, 3), 255, dtype=np.uint8)
    image, truth, predicted = (_shrunk(panel) for panel in panels)
    target = io.BytesIO()
    drawn = Image.fromarray(np.hstack([image, gap, truth, gap, predicted]))
    drawn.quantize(_COLOURS, dither=Image.Dither.NONE).save(target, "PNG", optimize=True)
    return target.getvalue()


def _shrunk(pixels_hwc: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """Averages areas: picking pixels would drop thin lines."""
    shrunk: npt.NDArray[np.uint8] = cv2.resize(pixels_hwc, (_PANEL_PX, _PANEL_PX), interpolation=cv2.INTER_AREA)
    return shrunk
