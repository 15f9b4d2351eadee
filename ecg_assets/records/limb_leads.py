"""Checks a record's limb leads by Einthoven's and Goldberger's relations, and finds inverted or swapped leads.

Einthoven (1912): II = I + III. Goldberger (1942): aVR = -(I + II) / 2, aVL = (I - III) / 2, aVF = (II + III) / 2, and
so aVR + aVL + aVF = 0. They hold for voltages between the same three electrodes, so in every recording whose leads
were recorded at once and amplified alike.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import numpy.typing as npt

from ecg_assets.records.record import LEADS

LIMB_LEADS = LEADS[:6]
# Changes over 20 ms are compared, because offset and slow drift are filtered lead by lead in recorders.
STEP_S = 0.02
SHORTEST_S = 1.0
# Recordings with simultaneous leads, by all kinds of recorders, stay below 0.02; LUDB's reach 0.33.
VIOLATED = 0.2
# From here on a lead is reported as inverted or swapped, if undoing it leaves at most half.
TURNED, EXPLAINED = 0.1, 0.5
_QUIET_MV = 0.005
_MOST_TURNED = 3

# Each sum to zero, in the order of `LIMB_LEADS`.
_SUMS = np.array(
    [
        [1, -1, 1, 0, 0, 0],
        [0, 0, 0, 1, 1, 1],
        [0.5, 0.5, 0, 1, 0, 0],
        [-0.5, 0, 0.5, 0, 1, 0],
        [0, -0.5, -0.5, 0, 0, 1],
    ]
)
Matrix = npt.NDArray[np.float64]


@dataclass(frozen=True)
class LimbLeads:
    """Consistency of a record's limb leads.

    Attributes:
        violation: root of the sums' energy over that of their terms: 0 if all sums are zero, about 1 for unrelated
            leads; also 0 if the record has too little signal.
        explained_by: changes that would make them consistent, e.g. "aVR is upside down"; several if equally good.
    """

    violation: float
    explained_by: tuple[str, ...]


@dataclass(frozen=True)
class _Change:
    """Inverted leads, or two swapped leads."""

    said: str
    matrix: Matrix
    steps: int


def limb_leads(signal_mv: npt.NDArray[np.floating], fs_hz: float) -> LimbLeads:
    """Compares the limb leads wherever all leads of a sum are known simultaneously for at least a second.

    Args:
        signal_mv: (12, n), leads in the order of `LEADS`, millivolts; NaN where unknown.
        fs_hz: its sampling rate.
    """
    step = max(1, round(STEP_S * fs_hz))
    limbs = _moving(np.asarray(signal_mv[: len(LIMB_LEADS)], dtype=np.float64), round(SHORTEST_S * fs_hz))
    sums = list(_energies(limbs[:, step:] - limbs[:, :-step], SHORTEST_S * fs_hz))
    violation = _violation(sums, np.eye(len(LIMB_LEADS)))
    if violation is None or violation < TURNED:
        return LimbLeads(violation or 0.0, ())
    tried = [(change, _violation(sums, change.matrix)) for change in _changes()]
    fits = [(change, left) for change, left in tried if left is not None and left <= EXPLAINED * violation]
    if not fits:
        return LimbLeads(violation, ())
    best = min(left for _, left in fits)
    alike = [change for change, left in fits if left <= 1.2 * best + 0.02]
    fewest = min(change.steps for change in alike)
    return LimbLeads(violation, tuple(change.said for change in alike if change.steps == fewest))


def _moving(limbs: Matrix, shortest: int) -> Matrix:
    """The leads with NaN wherever one is constant for a second, because nothing was recorded there."""
    moving = limbs.copy()
    for values, row in zip(limbs, moving, strict=True):
        begins = np.flatnonzero(np.diff(values, prepend=np.nan) != 0)
        ends = np.append(begins[1:], len(values))
        for place in np.flatnonzero(ends - begins >= shortest):
            row[begins[place] : ends[place]] = np.nan
    return moving


def _energies(steps: Matrix, shortest: float) -> Iterator[tuple[Matrix, Matrix]]:
    """For each sum that can be formed: its weights, and (6, 6) products of the leads' changes, NaN for unknown ones."""
    known = np.isfinite(steps)
    for weights in _SUMS:
        there = known[weights != 0].all(axis=0)
        if there.sum() < shortest:
            continue
        at_once = steps[:, there]
        products = at_once @ at_once.T / at_once.shape[1]
        if np.sqrt(np.mean(np.diag(products)[weights != 0])) >= _QUIET_MV:
            yield weights, products


def _violation(energies: list[tuple[Matrix, Matrix]], change: Matrix) -> float | None:
    """The leads' violation after a change; None if a sum then cannot be formed."""
    summed = terms = 0.0
    for weights, products in energies:
        turned = weights @ change
        places = np.flatnonzero(turned)
        inner = products[np.ix_(places, places)]
        summed += float(turned[places] @ inner @ turned[places])
        terms += float(turned[places] ** 2 @ np.diag(inner))
    if not energies or not np.isfinite(summed):
        return None
    return float(np.sqrt(max(summed, 0.0) / terms)) if terms else None


def _changes() -> Iterator[_Change]:
    for count in range(1, _MOST_TURNED + 1):
        for places in combinations(range(len(LIMB_LEADS)), count):
            matrix = np.eye(len(LIMB_LEADS))
            matrix[places, places] = -1
            names = " and ".join(LIMB_LEADS[place] for place in places)
            yield _Change(f"{names} {'is' if count == 1 else 'are'} upside down", matrix, count)
    for one, other in combinations(range(len(LIMB_LEADS)), 2):
        matrix = np.eye(len(LIMB_LEADS))
        matrix[[one, other]] = matrix[[other, one]]
        yield _Change(f"{LIMB_LEADS[one]} and {LIMB_LEADS[other]} are swapped", matrix, 1)
