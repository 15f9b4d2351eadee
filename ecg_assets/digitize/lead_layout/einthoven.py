"""Checks and corrects limb leads by their relations: any two of the six give the other four (Einthoven, Goldberger)."""

import numpy as np
import numpy.typing as npt

Values = npt.NDArray[np.float64]

# Each limb lead from I and II.
LIMB: dict[str, tuple[float, float]] = {
    "I": (1.0, 0.0),
    "II": (0.0, 1.0),
    "III": (-1.0, 1.0),
    "aVR": (-0.5, -0.5),
    "aVL": (1.0, -0.5),
    "aVF": (-0.5, 1.0),
}
# Tolerance within which samples agree and are taken to be correct; a lead outside it is replaced.
_AGREED_MV = 0.06


def disagreement(leads: list[str], signal_mv: Values) -> float | None:
    """Disagreement of simultaneous leads: 0 to 1, residual energy of the relations over total energy.

    Args:
        leads: names; a leading minus marks an inverted lead.
        signal_mv: (k, n) float64 mV, NaN where unknown; each lead's offset is ignored.

    Returns:
        None if fewer than three are limb leads.
    """
    chosen = [place for place, lead in enumerate(leads) if lead.removeprefix("-") in LIMB]
    if len(chosen) < 3:
        return None
    known = np.isfinite(signal_mv[chosen]).all(axis=0)
    if known.sum() < 50:
        return None
    values = signal_mv[chosen][:, known]
    values = values - np.median(values, axis=1, keepdims=True)
    away = values - _mixing([leads[place] for place in chosen]) @ _fitted([leads[place] for place in chosen], values)
    away = np.clip(away, -0.5, 0.5)  # limits the effect of a lost piece of one trace
    return float((away**2).sum() / max((np.clip(values, -1.5, 1.5) ** 2).sum(), 1e-12))


def reconcile(leads: list[str], signal_mv: Values, sure: Values) -> Values:
    """Corrects the leads by their relations, sample by sample.

    Where all agree, each is moved to the least-squares solution; where all but one agree, that one is computed from the
    others; elsewhere they are unchanged.

    Args:
        leads: names of simultaneous limb leads; a lead may occur twice.
        signal_mv: (k, n) float64 mV.
        sure: (k, n) float64, 0 to 1, weights.

    Returns:
        (k, n) float64 mV; each lead keeps its median.
    """
    if len(leads) < 3:
        return signal_mv
    offset = np.nanmedian(signal_mv, axis=1, keepdims=True)
    values = np.nan_to_num(signal_mv - offset)
    weights = np.maximum(sure, 0.02) * np.isfinite(signal_mv)
    best, spread = _solve(leads, values, weights)
    done = spread <= _AGREED_MV
    result = np.where(done, best, values)
    suspects = [place for place in range(len(leads)) if _checked_without(leads, place)]
    if suspects:
        tries = []
        for left_out in suspects:
            without = weights.copy()
            without[left_out] = 0
            tries.append(_solve(leads, values, without))
        spreads = np.stack([spread for _, spread in tries])
        choice = spreads.argmin(axis=0)
        picked = np.stack([solution for solution, _ in tries])[choice, :, np.arange(values.shape[1])].T
        result = np.where(~done & (spreads.min(axis=0) <= _AGREED_MV), picked, result)
    return np.asarray(np.where(np.isfinite(signal_mv), result + offset, signal_mv))


def _checked_without(leads: list[str], left_out: int) -> bool:
    """Whether the remaining leads can still be checked: any one of three different leads follows from the other two."""
    return len({lead.removeprefix("-") for place, lead in enumerate(leads) if place != left_out}) >= 3


def _solve(leads: list[str], values: Values, weights: Values) -> tuple[Values, Values]:
    """Weighted least squares of each sample; returns the leads (k, n) and the largest weighted distance (n,)."""
    mixing = _mixing(leads)
    normal = np.einsum("ki,kn,kj->nij", mixing, weights, mixing) + 1e-9 * np.eye(2)
    right = np.einsum("ki,kn,kn->ni", mixing, weights, values)
    pair = np.linalg.solve(normal, right[:, :, None])[:, :, 0]
    solution = mixing @ pair.T
    return solution, np.where(weights > 0, np.abs(solution - values), 0).max(axis=0)


def _fitted(leads: list[str], values: Values) -> Values:
    return np.asarray(np.linalg.lstsq(_mixing(leads), values, rcond=None)[0])


def _mixing(leads: list[str]) -> Values:
    """(k, 2)."""
    return np.array([np.array(LIMB[lead.removeprefix("-")]) * (-1 if lead.startswith("-") else 1) for lead in leads])
