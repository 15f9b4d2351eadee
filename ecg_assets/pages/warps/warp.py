"""From millimetres of paper to pixels of a picture and back."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from ecg_assets.pages.warps.camera import Camera
from ecg_assets.pages.warps.deformation import Deformation, Points

Field = npt.NDArray[np.float32]

# The inverse is found on a lattice this fine and interpolated: creases bend within a few millimetres.
CELL_PX = 16
_PAD = 1
_STEPS = 25
_NEAR_MM = 1e-3
# What lies beyond the paper needs no exact place, but a finite one.
_BEYOND_MM = 150.0
_SHADE_EVERY_PX = 3


@dataclass(frozen=True)
class PaperMap:
    """What of the paper each pixel of a picture shows.

    Attributes:
        x_mm_hw, y_mm_hw: (h, w) float32, the paper's point at each pixel's centre.
        mm_per_px_x_hw, mm_per_px_y_hw: (h, w) float32, lengths of the gradients of the two.
        on_paper_hw: (h, w) bool.
        shade_hw: (h, w) float32, factor of light.
    """

    x_mm_hw: Field
    y_mm_hw: Field
    mm_per_px_x_hw: Field
    mm_per_px_y_hw: Field
    on_paper_hw: npt.NDArray[np.bool_]
    shade_hw: Field


class PageWarp:
    """A camera over a bent paper."""

    def __init__(
        self,
        camera: Camera,
        deformations: Sequence[Deformation],
        paper_mm: tuple[float, float],
        size_px: tuple[int, int],
    ) -> None:
        """Composes them: the paper is bent first, by one deformation after the other.

        Args:
            camera: (3, 3) float64, mm to px.
            deformations: each moves what the one before has moved.
            paper_mm: width and height of the paper.
            size_px: width and height of the picture.
        """
        self.camera = camera
        self.deformations = tuple(deformations)
        self.paper_mm = paper_mm
        self.size_px = size_px

    def to_picture(self, points_mm: Points) -> Points:
        """Where points of the paper, (n, 2) float64 mm, lie in the picture, (n, 2) float64 px."""
        return _project(self.camera, self._bent(points_mm))

    def paper_map(self) -> PaperMap:
        """What each pixel shows; within 0.35 px of `to_picture`'s inverse wherever there is paper."""
        x, y = self._lattice()
        steep_x, steep_y = (np.hypot(*np.gradient(plane, CELL_PX)).astype(np.float32) for plane in (x, y))
        x_mm, y_mm, per_px_x, per_px_y = (self._dense(plane) for plane in (x, y, steep_x, steep_y))
        width_mm, height_mm = self.paper_mm
        on_paper = (x_mm >= 0) & (x_mm < np.float32(width_mm)) & (y_mm >= 0) & (y_mm < np.float32(height_mm))
        return PaperMap(x_mm, y_mm, per_px_x, per_px_y, on_paper, self._shade(x_mm, y_mm))

    def coarse_map(self, nodes: tuple[int, int] = (9, 7)) -> dict[str, Any]:
        """The picture's points of a regular lattice of the paper, for rectification to be learned from.

        Returns:
            `x_mm` and `y_mm`, the lattice's places on the paper, and `picture_px`, rows of [x, y].
        """
        x_mm, y_mm = (np.linspace(0, side, count) for side, count in zip(self.paper_mm, nodes, strict=True))
        points = np.stack(np.meshgrid(x_mm, y_mm), axis=-1).reshape(-1, 2)
        places = np.round(self.to_picture(points), 1).reshape(nodes[1], nodes[0], 2)
        return {"x_mm": np.round(x_mm, 2).tolist(), "y_mm": np.round(y_mm, 2).tolist(), "picture_px": places.tolist()}

    def _bent(self, points_mm: Points) -> Points:
        for bend in self.deformations:
            points_mm = bend.move(points_mm)
        return points_mm

    def _lattice(self) -> tuple[Field, Field]:
        """The paper's points at the middles of the lattice's cells, a cell more on every side."""
        columns, rows = (-(-size // CELL_PX) + 2 * _PAD for size in self.size_px)
        x_px = (np.arange(columns) - _PAD + 0.5) * CELL_PX
        y_px = (np.arange(rows) - _PAD + 0.5) * CELL_PX
        nodes = np.stack(np.meshgrid(x_px, y_px), axis=-1).reshape(-1, 2)
        flat = _project(np.asarray(np.linalg.inv(self.camera), dtype=np.float64), nodes)
        flat = np.clip(flat, -_BEYOND_MM, np.array(self.paper_mm) + _BEYOND_MM).astype(np.float64)
        # Solves bent(p) = flat. Paper is bent gently, so that the step p + flat - bent(p) comes closer each time.
        found = flat
        for _ in range(_STEPS if self.deformations else 0):
            step = flat - self._bent(found)
            found = found + step
            if np.abs(step).max() < _NEAR_MM:
                break
        planes = found.reshape(rows, columns, 2).astype(np.float32)
        return np.ascontiguousarray(planes[..., 0]), np.ascontiguousarray(planes[..., 1])

    def _dense(self, plane: Field) -> Field:
        """A lattice's plane at every pixel. Linear: what is linear stays exactly so."""
        rows, columns = plane.shape
        whole = cv2.resize(plane, (columns * CELL_PX, rows * CELL_PX), interpolation=cv2.INTER_LINEAR)
        width, height = self.size_px
        border = _PAD * CELL_PX
        dense: Field = np.ascontiguousarray(whole[border : border + height, border : border + width])
        return dense

    def _shade(self, x_mm: Field, y_mm: Field) -> Field:
        shades = [bend.shade for bend in self.deformations if bend.shade is not None]
        if not shades:
            return np.ones_like(x_mm)
        # Light changes slowly: every third pixel is enough, at a ninth of the time.
        if min(self.size_px) >= _SHADE_EVERY_PX:
            every = slice(_SHADE_EVERY_PX // 2, None, _SHADE_EVERY_PX)
            x_mm, y_mm = (np.ascontiguousarray(plane[every, every]) for plane in (x_mm, y_mm))
        shade = np.ones_like(x_mm)
        for shade_at in shades:
            shade *= shade_at(x_mm, y_mm)
        whole: Field = cv2.resize(shade, self.size_px, interpolation=cv2.INTER_LINEAR)
        return np.clip(whole, np.float32(0.3), np.float32(1.5))


def _project(camera: Camera, points: Points) -> Points:
    linear, shift, bottom = camera[:2, :2], camera[:2, 2], camera[2]
    below = points @ bottom[:2] + bottom[2]
    # Behind the camera there is no picture: such points go far away instead of turning round.
    below = np.maximum(below, 1e-3)
    projected: Points = (points @ linear.T + shift) / below[:, None]
    return projected
