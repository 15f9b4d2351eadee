"""Fits a smooth surface through numbered crossings: it fills missing ones and extrapolates beyond the outermost."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import sparse
from scipy.sparse.linalg import spsolve

from ecg_assets.digitize.rectification.grid_lattice import Lattice

Plane = npt.NDArray[np.float64]
Whole = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]
# scipy's stubs tell a dozen kinds of sparse matrices apart.
Sparse = Any

# Weights of a squared second difference relative to a squared distance from a crossing, the stiffest first. The
# stiffest surface that fits the crossings about as well as the usual one is chosen, and a softer one only if the usual
# one does not fit at all, because softer surfaces follow noise more closely.
_STIFFNESSES = (10_000.0, 1000.0, 100.0, 10.0, 1.0, 0.1)
_USUAL = 10.0
_AS_NEAR, _NEAR_PX, _NEAR_ENOUGH_PX = 1.06, 0.36, 0.2
# Printers round lines to whole printer pixels, which shifts each whole line by up to half a pixel. The paper does not
# bend from line to line, so a line's own shift carries no information on the surface.
_PRINTED_OFF_PX = 0.55
_TWIST = 0.5
# Crossings further from the surface than this, in pixels, are left out, and the surface is fitted again.
_OUTLIER_PX = 3.0
_ROUNDS = 3


@dataclass(frozen=True)
class Surface:
    """The position of each crossing of a page in a picture.

    Attributes:
        x_px, y_px: (rows, columns) float64, pixel centres at whole numbers.
        margin: columns and rows that were added before the first crossing that was found.
        known: (rows, columns) bool, the found crossings that the surface was fitted to.
        found: share of the crossings between the outermost that were found.
        rms_px: root mean square of their distance from the surface.
    """

    x_px: Plane
    y_px: Plane
    margin: int
    known: Flags
    found: float
    rms_px: float


def lay_surface(lattice: Lattice, margin: int) -> Surface:
    """Minimises squared distances from the crossings and squared second differences (a thin plate on the lattice).

    Args:
        lattice: the crossings.
        margin: how many columns and rows to add on each side.
    """
    columns, rows = lattice.columns + 2 * margin, lattice.rows + 2 * margin
    index = (lattice.numbers[:, 1] + margin) * columns + lattice.numbers[:, 0] + margin
    bending = _bending(rows, columns)
    usual, judged = _lay(lattice, index, bending * _USUAL)
    wanted_px = max(_NEAR_ENOUGH_PX, min(_NEAR_PX, _AS_NEAR * _off_px(lattice, index, usual, judged)))
    for stiffness in _STIFFNESSES:
        plane, kept = _lay(lattice, index, bending * stiffness)
        # All are measured on the same crossings, because a stiff surface leaves out those it does not follow.
        if _off_px(lattice, index, plane, judged) <= wanted_px:
            break
    away = plane[index[kept]] - lattice.places_px[kept]
    known = np.zeros(rows * columns, dtype=np.bool_)
    known[index[kept]] = True
    return Surface(
        x_px=plane[:, 0].reshape(rows, columns),
        y_px=plane[:, 1].reshape(rows, columns),
        margin=margin,
        known=known.reshape(rows, columns),
        found=float(kept.sum() / (lattice.columns * lattice.rows)),
        rms_px=float(np.sqrt((away**2).sum(axis=1).mean())),
    )


def _lay(lattice: Lattice, index: Whole, bending: Sparse) -> tuple[Plane, Flags]:
    """The surface (nodes, 2), and which crossings it was fitted to."""
    kept = np.ones(len(index), dtype=np.bool_)
    for _ in range(_ROUNDS):
        count = int(kept.sum())
        at = sparse.csr_matrix((np.ones(count), (np.arange(count), index[kept])), shape=(count, bending.shape[0]))
        plane = np.asarray(spsolve((at.T @ at + bending).tocsc(), at.T @ lattice.places_px[kept]))
        away = np.hypot(*(plane[index] - lattice.places_px).T)
        inside = away <= max(_OUTLIER_PX, 4 * float(np.median(away)))
        if (inside == kept).all():
            break
        kept = inside
    return plane, kept


def _off_px(lattice: Lattice, index: Whole, plane: Plane, kept: Flags) -> float:
    """Root mean square of the crossings' distance from a surface, without the shift of whole printed lines."""
    away = plane[index[kept]] - lattice.places_px[kept]
    for axis in range(2):
        line = lattice.numbers[kept, axis] - lattice.numbers[:, axis].min()
        count = np.maximum(np.bincount(line), 1)
        of_line = np.bincount(line, away[:, axis]) / count
        away[:, axis] -= np.clip(of_line, -_PRINTED_OFF_PX, _PRINTED_OFF_PX)[line]
    return float(np.sqrt((away**2).sum(axis=1).mean()))


def _bending(rows: int, columns: int) -> Sparse:
    """The quadratic form of all second differences along both axes, and of the twist."""
    across = sparse.kron(sparse.identity(rows), _second(columns))
    down = sparse.kron(_second(rows), sparse.identity(columns))
    twist = sparse.kron(_first(rows), _first(columns))
    form = across.T @ across + down.T @ down + _TWIST * (twist.T @ twist)
    return form.tocsr()


def _second(count: int) -> Sparse:
    return sparse.diags_array([1.0, -2.0, 1.0], offsets=[0, 1, 2], shape=(count - 2, count)).tocsr()


def _first(count: int) -> Sparse:
    return sparse.diags_array([-1.0, 1.0], offsets=[0, 1], shape=(count - 1, count)).tocsr()
