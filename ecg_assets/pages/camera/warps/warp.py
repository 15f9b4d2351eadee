"""Maps millimetres of paper to pixels of a picture and back."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from ecg_assets.pages.camera.warps.camera import Camera
from ecg_assets.pages.camera.warps.registry import Deformation, Points
from ecg_assets.pages.raster.warped_grid import Scale

Field = npt.NDArray[np.float32]

# The inverse is solved on a lattice of this spacing and interpolated; creases bend within a few millimetres.
CELL_PX = 16
_PAD = 1
_STEPS, _COARSER = 25, 4
_NEAR_MM = 1e-3
# Points beyond the paper need a finite place, but not an exact one.
_BEYOND_MM = 150.0
_NEAR_PAPER_MM = 30.0
_SHADE_EVERY_PX = 3


@dataclass(frozen=True)
class PaperMap:
    """The paper's point at each pixel of a picture.

    Attributes:
        x_mm_hw, y_mm_hw: (h, w) float32, the paper's point at each pixel's centre.
        scale_x, scale_y: lengths of the gradients of the two, in steps of a few per cent.
        steep: the same on the lattice, (rows, columns) float32 each.
        on_paper_hw: (h, w) bool.
        shade_hw: (h, w) float32, factor of light.
    """

    x_mm_hw: Field
    y_mm_hw: Field
    scale_x: Scale
    scale_y: Scale
    steep: tuple[Field, Field]
    on_paper_hw: npt.NDArray[np.bool_]
    shade_hw: Field

    @property
    def mm_per_px_x_hw(self) -> Field:
        """(h, w) float32: length of the gradient of x."""
        return _dense(self.steep[0], self.x_mm_hw.shape)

    @property
    def mm_per_px_y_hw(self) -> Field:
        """(h, w) float32: length of the gradient of y."""
        return _dense(self.steep[1], self.x_mm_hw.shape)

    def mm_per_px_at(self, row: int, column: int) -> tuple[float, float]:
        """Lengths of the gradients of x and y at a pixel."""
        cell = (row // CELL_PX + _PAD, column // CELL_PX + _PAD)
        return float(self.steep[0][cell]), float(self.steep[1][cell])


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
            deformations: applied one after the other.
            paper_mm: width and height of the paper.
            size_px: width and height of the picture.
        """
        self.camera = camera
        self.deformations = tuple(deformations)
        self.paper_mm = paper_mm
        self.size_px = size_px

    def to_picture(self, points_mm: Points) -> Points:
        """Maps points of the paper, (n, 2) float64 mm, to the picture, (n, 2) float64 px."""
        return _project(self.camera, self._bent(points_mm))

    def paper_map(self) -> PaperMap:
        """The paper's point at each pixel; within 0.35 px of `to_picture`'s inverse on the paper."""
        lattice, shape = self._lattice(), (self.size_px[1], self.size_px[0])
        steep_x, steep_y = (np.hypot(*np.gradient(plane, CELL_PX)).astype(np.float32) for plane in lattice)
        x_mm, y_mm = (_dense(plane, shape) for plane in lattice)
        near = np.logical_and(
            *(np.abs(2 * plane - side) < side + 2 * _NEAR_PAPER_MM for plane, side in self._sides(lattice))
        )
        scales = [_scale(steep, steep[near] if near.any() else steep, shape) for steep in (steep_x, steep_y)]
        on_paper = np.logical_and(*(_within(plane, side) for plane, side in self._sides((x_mm, y_mm))))
        shade = self._shade(lattice, x_mm, y_mm)
        return PaperMap(x_mm, y_mm, scales[0], scales[1], (steep_x, steep_y), on_paper, shade)

    def _sides(self, planes: tuple[Field, Field]) -> list[tuple[Field, float]]:
        return list(zip(planes, self.paper_mm, strict=True))

    def coarse_map(self, nodes: tuple[int, int] = (9, 7)) -> dict[str, Any]:
        """The picture's points of a regular lattice of the paper, as a training target for rectification.

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
        """The paper's points at the middles of the lattice's cells, with one more cell on every side."""
        columns, rows = (-(-size // CELL_PX) + 2 * _PAD for size in self.size_px)
        x_px = (np.arange(columns) - _PAD + 0.5) * CELL_PX
        y_px = (np.arange(rows) - _PAD + 0.5) * CELL_PX
        nodes = np.stack(np.meshgrid(x_px, y_px), axis=-1).reshape(-1, 2)
        flat = _project(np.asarray(np.linalg.inv(self.camera), dtype=np.float64), nodes)
        flat = np.clip(flat, -_BEYOND_MM, np.array(self.paper_mm) + _BEYOND_MM).astype(np.float64)
        found = self._solved(flat.reshape(rows, columns, 2)) if self.deformations else flat
        planes = found.reshape(rows, columns, 2).astype(np.float32)
        return np.ascontiguousarray(planes[..., 0]), np.ascontiguousarray(planes[..., 1])

    def _solved(self, flat: Points) -> Points:
        """Solves bent(p) = flat, (rows, columns, 2), first for every fourth node, from which the others start."""
        every = flat[::_COARSER, ::_COARSER]
        coarse = self._stepped(every.reshape(-1, 2), every.reshape(-1, 2), _STEPS).reshape(every.shape)
        rows, columns = flat.shape[:2]
        size = (every.shape[1] * _COARSER, every.shape[0] * _COARSER)
        # Displacements are interpolated, because they vary little from node to node and are nearly linear in between.
        half = (_COARSER - 1) / 2
        moves = cv2.warpAffine(
            cv2.resize(coarse - every, size),
            np.array([[1, 0, -half], [0, 1, -half]]),
            (columns, rows),
            borderMode=cv2.BORDER_REPLICATE,
        )
        return self._stepped(flat.reshape(-1, 2), (flat + moves).reshape(-1, 2), _STEPS)

    def _stepped(self, flat: Points, found: Points, most: int) -> Points:
        # Paper is bent gently, so that the iteration p + flat - bent(p) converges.
        for _ in range(most):
            step = flat - self._bent(found)
            found = found + step
            if np.abs(step).max() < _NEAR_MM:
                break
        return found

    def _shade(self, lattice: tuple[Field, Field], x_mm: Field, y_mm: Field) -> Field:
        shades = [bend for bend in self.deformations if bend.shade is not None]
        shape = (self.size_px[1], self.size_px[0])
        if not shades:
            return np.ones(shape, dtype=np.float32)
        # Light changes slowly over bent paper, so the lattice is enough; creases need every third pixel.
        whole = _dense(_product(lattice, [bend for bend in shades if not bend.fine]), shape)
        creases = [bend for bend in shades if bend.fine]
        if creases:
            every = slice(_SHADE_EVERY_PX // 2 if min(self.size_px) >= _SHADE_EVERY_PX else 0, None, _SHADE_EVERY_PX)
            planes = np.ascontiguousarray(x_mm[every, every]), np.ascontiguousarray(y_mm[every, every])
            fine = cv2.resize(_product(planes, creases), self.size_px, interpolation=cv2.INTER_LINEAR)
            whole = cv2.multiply(whole, fine)
        lit: Field = np.clip(whole, np.float32(0.3), np.float32(1.5))
        return lit


def _product(planes: tuple[Field, Field], bends: Sequence[Deformation]) -> Field:
    shade = np.ones_like(planes[0])
    for bend in bends:
        if bend.shade is not None:
            shade *= bend.shade(*planes)
    return shade


def _dense(plane: npt.NDArray[Any], shape: tuple[int, ...]) -> npt.NDArray[Any]:
    """A lattice's values at every pixel, interpolated linearly so that linear maps stay exact."""
    rows, columns = plane.shape
    whole = cv2.resize(plane, (columns * CELL_PX, rows * CELL_PX), interpolation=cv2.INTER_LINEAR)
    border = _PAD * CELL_PX
    dense: npt.NDArray[Any] = whole[border : border + shape[0], border : border + shape[1]]
    return dense


def _scale(steep: Field, on_paper: Field, shape: tuple[int, int]) -> Scale:
    """Steps between the scales on the paper; scales far beyond the paper are arbitrary."""
    least, most = max(float(on_paper.min()), 1e-4), max(float(on_paper.max()), 1e-4)
    return Scale(_dense(Scale.steps(steep, least, most), shape), least, most)


def _within(place_mm: Field, side_mm: float) -> npt.NDArray[np.bool_]:
    """Whether 0 <= place < side, in one comparison: as unsigned integers, negative floats exceed all others."""
    within: npt.NDArray[np.bool_] = place_mm.view(np.uint32) < np.float32(side_mm).view(np.uint32)
    return within


def _project(camera: Camera, points: Points) -> Points:
    linear, shift, bottom = camera[:2, :2], camera[:2, 2], camera[2]
    below = points @ bottom[:2] + bottom[2]
    # Points behind the camera are moved far away instead of being mirrored.
    below = np.maximum(below, 1e-3)
    projected: Points = (points @ linear.T + shift) / below[:, None]
    return projected
