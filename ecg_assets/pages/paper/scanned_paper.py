"""Finds the lines of the user's own empty paper, and reads its optional mask."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ecg_assets.pages.classes import CLASS_LINE_MM, VERTICAL
from ecg_assets.pages.paper.line_spacing import LEAST_PX, MOST_PX, Comb, NoCombError, drift_px, find_comb
from ecg_assets.pages.raster.png import read_grey

_SQUARE_WITHIN = 0.03
# Half of this is a line's largest deviation at the paper's edges: half of its class's width.
_MOST_DRIFT_MM = 0.38

Image = npt.NDArray[np.uint8]
Mask = npt.NDArray[np.uint8]
Profile = npt.NDArray[np.float64]


class NoGridError(ValueError):
    """A grid was not found in a picture; the message says what was expected."""


class UserMaskError(ValueError):
    """The user's mask cannot be used; the message names the file and what was expected."""


@dataclass(frozen=True)
class FoundGrid:
    """The 5-mm lines of a paper, middles in pixels.

    Attributes:
        px_per_mm: pixels per millimetre, the mean of both directions.
        rows_px: y of the horizontal lines.
        columns_px: x of the vertical lines.
    """

    px_per_mm: float
    rows_px: Profile
    columns_px: Profile


def find_grid(image_hwc: Image) -> FoundGrid:
    """Finds the 5-mm lines of an empty, upright ECG paper of 100 to 400 dpi.

    Lines may have any colour, darker or lighter than the paper; 1-mm lines may be missing or dotted. The paper must be
    straight: a turn that moves a line out of its class's width (0.1 degrees on a paper of 220 mm) is refused.

    Args:
        image_hwc: (h, w, 3) uint8 RGB.

    Raises:
        NoGridError: there are no such lines in one of the two directions, their distances differ, or they are turned.
    """
    down, across = (_comb(_mean(image_hwc, axis), kind) for axis, kind in ((1, "horizontal"), (0, "vertical")))
    if abs(down.spacing_px / across.spacing_px - 1) > _SQUARE_WITHIN:
        raise NoGridError(
            f"horizontal lines are {down.spacing_px:.1f} px apart and vertical ones {across.spacing_px:.1f}; the 5-mm "
            "lines of an ECG paper are equally far apart in both directions"
        )
    px_per_mm = (down.spacing_px + across.spacing_px) / 10
    _refuse_turned(image_hwc, 1, down, px_per_mm)
    _refuse_turned(image_hwc, 0, across, px_per_mm)
    return FoundGrid(px_per_mm, down.places_px, across.places_px)


def _mean(image_hwc: Image, axis: int) -> Profile:
    """(n, 3) float64: the mean colour of each row (axis 1) or column (axis 0)."""
    mean: Profile = image_hwc.mean(axis=axis)
    return mean


def _comb(colours_nc: Profile, kind: str) -> Comb:
    try:
        return find_comb(colours_nc)
    except NoCombError as reason:
        raise NoGridError(
            f"no {kind} 5-mm lines were found ({reason}); expected an empty ECG paper, upright and straight, whose "
            f"5-mm lines differ from the paper and are {LEAST_PX:.0f} to {MOST_PX:.0f} px apart (100 to 400 dpi)"
        ) from reason


def _refuse_turned(image_hwc: Image, axis: int, comb: Comb, px_per_mm: float) -> None:
    """Refuses lines that are shifted between the first and the last quarter of their length."""
    length = image_hwc.shape[axis]
    quarters = (slice(0, length // 4), slice(length - length // 4, length))
    first, last = (_mean(image_hwc[:, part] if axis == 1 else image_hwc[part], axis) for part in quarters)
    # The quarters' middles are three quarters of the length apart.
    drift = drift_px(first, last, comb.spacing_px) * 4 / 3
    if abs(drift) > _MOST_DRIFT_MM * px_per_mm:
        raise NoGridError(
            f"the lines are turned by {abs(np.degrees(drift / length)):.2f} degrees, {abs(drift):.1f} px from edge to "
            "edge; turn the picture until they are straight"
        )


def grid_mask_of(grid: FoundGrid, shape: tuple[int, int]) -> Mask:
    """(h, w) uint8: 0 paper, 1 horizontal, 2 vertical, 3 intersection; lines are 0.38 mm wide."""
    half_px = max(CLASS_LINE_MM * grid.px_per_mm, 1.0) / 2
    rows, columns = (
        (np.abs(np.arange(size)[:, None] + 0.5 - places).min(axis=1) <= half_px).astype(np.uint8)
        for size, places in zip(shape, (grid.rows_px, grid.columns_px), strict=True)
    )
    mask: Mask = rows[:, None] + VERTICAL * columns[None, :]
    return mask


def read_user_mask(path: Path, shape: tuple[int, int]) -> Mask:
    """The user's mask of the paper's lines, used unchanged.

    Args:
        path: a PNG of grey values 0 paper, 1 horizontal, 2 vertical, 3 intersection.
        shape: height and width of the paper.

    Raises:
        UserMaskError: it has another size or other values.
        PngError: it is not an image.
    """
    mask = read_grey(path)
    if mask.shape != shape:
        raise UserMaskError(
            f"{path} is {mask.shape[1]} x {mask.shape[0]} px but its paper {shape[1]} x {shape[0]}; they must be alike"
        )
    others = sorted(set(np.unique(mask).tolist()) - {0, 1, 2, 3})
    if others:
        raise UserMaskError(
            f"{path} has the values {others[:8]}; expected 0 paper, 1 horizontal, 2 vertical, 3 intersection"
        )
    return mask
