"""Registry of paper deformations: functions that move the paper's points, and the shading of the shape."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import numpy as np
import numpy.typing as npt

from ecg_assets.store.registry import enter, import_all, look_up

Points = npt.NDArray[np.float64]
Field = npt.NDArray[np.float32]

# Height of the camera over the paper, in mm; raised points move away from the picture's middle.
CAMERA_MM = 450.0


class UnknownDeformationError(ValueError):
    """The deformation does not exist; the message lists those that do."""


@dataclass(frozen=True)
class Deformation:
    """A bent paper.

    Attributes:
        move: (n, 2) float64 mm of the flat paper -> (n, 2) float64 mm of the deformed paper.
        shade: x and y in mm of the flat paper, (h, w) float32 each -> factor of light, (h, w) float32; None for even.
        fine: whether the light changes within a few millimetres, as at a crease.
    """

    move: Callable[[Points], Points]
    shade: Callable[[Field, Field], Field] | None = None
    fine: bool = False


# (rng, strength of 0 to 1, width and height of the paper in mm) -> a sampled deformation
Maker = Callable[[np.random.Generator, float, tuple[float, float]], Deformation]

_MAKERS: dict[str, Maker] = {}


def deformation(name: str) -> Callable[[Maker], Maker]:
    """Registers a maker under `name`."""

    def register(maker: Maker) -> Maker:
        enter(_MAKERS, name, maker, "deformation")
        return maker

    return register


@cache
def deformations() -> dict[str, Maker]:
    """All deformations by name: those of every module of this package."""
    import_all("ecg_assets.pages.camera.warps")
    return dict(sorted(_MAKERS.items()))


def deformation_named(name: str) -> Maker:
    """One deformation.

    Raises:
        UnknownDeformationError: the name does not exist.
    """
    return look_up(deformations(), name, "deformation", UnknownDeformationError)


def raised(points: Points, height_mm: npt.NDArray[np.float64], paper_mm: tuple[float, float]) -> Points:
    """Points lifted towards the camera over the paper's middle: central projection back onto the table."""
    middle = np.array(paper_mm) / 2
    lifted: Points = middle + (points - middle) * (CAMERA_MM / (CAMERA_MM - height_mm))[:, None]
    return lifted
