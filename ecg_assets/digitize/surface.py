"""A smooth surface through numbered crossings: fills those that are missing, and goes on beyond the outermost."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import sparse
from scipy.sparse.linalg import spsolve

from ecg_assets.digitize.lattice import Lattice

Plane = npt.NDArray[np.float64]
Whole = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]
# scipy's stubs tell a dozen kinds of sparse matrices apart.
Sparse = Any

# Weights of one squared second difference beside one squared distance from a crossing that was found, the stiffest
# first. Printers put lines on whole pixels of their own, up to half a pixel from where they belong: the stiffest
# surface that comes this near to the crossings is the paper's, and a softer one would follow the printer's rounding.
_STIFFNESSES = (1000.0, 100.0, 10.0, 1.0, 0.1)
_NEAR_PX = 0.36
_TWIST = 0.5
# Crossings further from the surface than this many pixels are left out, and it is laid anew.
_OUTLIER_PX = 3.0
_ROUNDS = 3


@dataclass(frozen=True)
class Surface:
    """Where each crossing of a page lies in a picture.

    Attributes:
        x_px, y_px: (rows, columns) float64, pixel centres at whole numbers.
        margin: columns and rows that were added before the first crossing that was found.
        known: (rows, columns) bool, the crossings that were found and that the surface was laid through.
        found: share of the crossings between the outermost that were found.
        rms_px: root of the mean squared distance of those from the surface.
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
    for stiffness in _STIFFNESSES:
        plane, kept, away = _lay(lattice, index, bending * stiffness)
        rms_px = float(np.sqrt(np.mean(away[kept] ** 2)))
        if rms_px <= _NEAR_PX:
            break
    known = np.zeros(rows * columns, dtype=np.bool_)
    known[index[kept]] = True
    return Surface(
        x_px=plane[:, 0].reshape(rows, columns),
        y_px=plane[:, 1].reshape(rows, columns),
        margin=margin,
        known=known.reshape(rows, columns),
        found=float(kept.sum() / (lattice.columns * lattice.rows)),
        rms_px=rms_px,
    )


def _lay(lattice: Lattice, index: Whole, bending: Sparse) -> tuple[Plane, Flags, Plane]:
    """The surface (nodes, 2), which crossings it was laid through, and how far from it each of them is, in px."""
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
    return plane, kept, away


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
