"""Measures the drift of real images from the training samples, by histograms of colours and gradients.

Each image is compared by pieces, and each piece with its nearest training sample, because pages differ and their mean
resembles none of them. The limit follows from the samples: a piece is far if it is farther than nearly all samples are
from those of other records.
"""

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from ecg_assets.samples.reader import SampleReader
from ecg_assets.scans.image import page_of, page_scale, read_image

PIECE_PX = 512
_SAMPLES = 300
# Pieces per side; the surroundings of a page are seldom in more than half of them.
_PIECES = 3
_FAR_QUANTILE = 0.95
# Lower bound of the limit, for samples as similar as clean pages of one style.
_NEAR = 0.1
_LIGHTNESS_BINS, _COLOUR_BINS, _GRADIENT_BINS = 8, 6, 12
# Range of a and b of Lab in OpenCV: 128 is grey, and paper, ink and light are well within.
_COLOUR_RANGE = (88, 168)
_STRONGEST_GRADIENT = 2048.0
_BYTES = np.arange(256)
_LIGHTNESS_BIN = _BYTES * _LIGHTNESS_BINS // 256
_COLOUR_BIN = np.clip((_BYTES - _COLOUR_RANGE[0]) * _COLOUR_BINS // np.ptp(_COLOUR_RANGE), 0, _COLOUR_BINS - 1)

Rgb = npt.NDArray[np.uint8]
Histogram = npt.NDArray[np.float64]
KINDS = ("colour", "gradient")


@dataclass(frozen=True)
class Look:
    """Square roots of a picture's histograms; half the squared distance of two of them is Hellinger's distance squared.

    Attributes:
        record_id: of the sample; empty for a real image.
        roots: by kind, (n,) float64 of length 1.
    """

    record_id: str
    roots: dict[str, Histogram]


@dataclass(frozen=True)
class Reference:
    """The training samples' histograms, and the limit of the distance to the nearest."""

    looks: list[Look]
    limits: dict[str, float]

    def distances(self, look: Look) -> dict[str, float]:
        """By kind, Hellinger's distance (0 to 1) to the nearest sample of another record."""
        others = [one for one in self.looks if one.record_id != look.record_id]
        return {kind: _nearest(look.roots[kind], [one.roots[kind] for one in others]) for kind in KINDS}


@dataclass(frozen=True)
class ImageDrift:
    """A real image's distances, the median over its pieces.

    Attributes:
        name: of the file.
        distances: by kind, 0 to 1.
        far: the kinds in which it is farther than the limit.
    """

    name: str
    distances: dict[str, float]
    far: tuple[str, ...]

    def __str__(self) -> str:
        said = ", ".join(f"{kind} {distance:.2f}" for kind, distance in self.distances.items())
        return f"{self.name} ({said})"


def look_at(image_hwc: Rgb, record_id: str = "") -> Look:
    """The histograms of (h, w, 3) uint8 RGB: lightness with colour, and edges by the logarithm of their strength."""
    lightness_hw, a_hw, b_hw = cv2.split(cv2.cvtColor(image_hwc, cv2.COLOR_RGB2LAB))
    places = (_LIGHTNESS_BIN[lightness_hw] * _COLOUR_BINS + _COLOUR_BIN[a_hw]) * _COLOUR_BINS + _COLOUR_BIN[b_hw]
    colour = np.bincount(places.ravel(), minlength=_LIGHTNESS_BINS * _COLOUR_BINS**2)
    grey = cv2.cvtColor(image_hwc, cv2.COLOR_RGB2GRAY).astype(np.float32)
    strength = np.hypot(cv2.Sobel(grey, cv2.CV_32F, 1, 0), cv2.Sobel(grey, cv2.CV_32F, 0, 1))
    top = float(np.log2(_STRONGEST_GRADIENT))
    gradient, _ = np.histogram(np.log2(strength + 1), bins=_GRADIENT_BINS, range=(0, top))
    return Look(record_id, {"colour": _root(colour), "gradient": _root(gradient)})


def reference_of(dataset: Path, samples: int = _SAMPLES) -> Reference:
    """The histograms of evenly spread training samples, and the limits derived from them.

    Args:
        dataset: the dataset's folder.
        samples: largest number of samples.

    Raises:
        DatasetError, EmptySplitError: there are no training samples.
    """
    reader = SampleReader(dataset, "train")
    numbers = np.linspace(0, len(reader) - 1, min(len(reader), samples)).round().astype(int)
    held = [reader[int(number)] for number in numbers]
    looks = [look_at(np.array(one.image_hwc), one.record_id) for one in held]
    unlimited = Reference(looks, {})
    apart = [unlimited.distances(one) for one in looks]
    limits = {kind: max(_NEAR, float(np.quantile([one[kind] for one in apart], _FAR_QUANTILE))) for kind in KINDS}
    return Reference(looks, limits)


def drift_of(path: Path, name: str, reference: Reference) -> ImageDrift:
    """Distances of a real image from the training samples.

    Args:
        path: the image.
        name: the image's name in the result.
        reference: the samples.

    Raises:
        UnreadableImageError: the file is not an image.
    """
    image_hwc = read_image(path)
    page = page_of(image_hwc, 0, page_scale(image_hwc)).image_hwc
    found = [reference.distances(look_at(piece)) for piece in _pieces(page)]
    distances = {kind: float(np.median([one[kind] for one in found])) for kind in KINDS}
    return ImageDrift(name, distances, tuple(kind for kind in KINDS if distances[kind] > reference.limits[kind]))


def _pieces(image_hwc: Rgb) -> list[Rgb]:
    starts = [
        sorted({round(at) for at in np.linspace(0, max(0, side - PIECE_PX), _PIECES)}) for side in image_hwc.shape[:2]
    ]
    return [image_hwc[top : top + PIECE_PX, left : left + PIECE_PX] for top in starts[0] for left in starts[1]]


def _root(counts: npt.NDArray[np.int64]) -> Histogram:
    roots: Histogram = np.sqrt(counts / counts.sum())
    return roots


def _nearest(root: Histogram, others: list[Histogram]) -> float:
    if not others:
        return 0.0
    closest = float(np.max(np.stack(others) @ root))
    return float(np.sqrt(max(0.0, 1.0 - closest)))
