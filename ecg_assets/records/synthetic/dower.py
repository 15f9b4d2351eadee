"""Projects a heart dipole to 12 leads: eight by Dower's matrix, four by Einthoven's and Goldberger's relations."""

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]

INDEPENDENT_LEADS = ("I", "II", "V1", "V2", "V3", "V4", "V5", "V6")

# Dower GE, Machado HB, Osborne JA: On deriving the electrocardiogram from vectorcardiographic leads (1980).
# Axes: x to the left, y to the feet, z to the back.
DOWER: Array = np.array(
    [
        [0.632, -0.235, 0.059],
        [0.235, 1.066, -0.132],
        [-0.515, 0.157, -0.917],
        [0.044, 0.164, -1.387],
        [0.882, 0.098, -1.277],
        [1.213, 0.127, -0.601],
        [1.125, 0.127, -0.086],
        [0.831, 0.076, 0.230],
    ]
)


# Recorded chest leads are smaller relative to the limb leads than Dower's; medians of PTB-XL.
# Share of a shift of the chest electrodes for each of V1 to V6; V5 and V6 are located by the arm.
_CHEST = np.array([0.8, 0.95, 0.82, 0.8, 0.8, 0.85])[:, None]
_SHIFTED = np.array([0.6, 1.0, 1.0, 0.8, 0.5, 0.4])


def draw_torso(rng: np.random.Generator) -> Array:
    """(8, 3) Dower's matrix of one person, with chest electrodes shifted along their row, and nearer or farther.

    Electrodes are placed by hand, with an error of centimetres, and chests differ in depth.
    """
    shift = float(np.clip(rng.normal(-0.3, 0.42), -1.1, 0.6))
    places = np.clip(np.arange(6) + shift * _SHIFTED, 0, 5)
    chest = np.stack([np.interp(places, np.arange(6), DOWER[2:, axis]) for axis in range(3)], axis=1)
    gains = _CHEST * np.exp(np.clip(rng.normal(0, 0.16, (6, 1)), -0.35, 0.35))
    return np.concatenate([DOWER[:2], chest * gains])


def project(dipole_mv: Array, torso: Array = DOWER) -> Array:
    """The independent leads of a dipole.

    Args:
        dipole_mv: (n, 3), x, y, z.
        torso: (8, 3), from dipole to leads.

    Returns:
        (8, n) millivolts, in the order of `INDEPENDENT_LEADS`.
    """
    leads_mv: Array = torso @ dipole_mv.T
    return leads_mv


def twelve_leads(independent_mv: Array) -> Array:
    """All leads from the independent ones, so that the limb leads' relations always hold.

    Args:
        independent_mv: (8, n), in the order of `INDEPENDENT_LEADS`.

    Returns:
        (12, n), in the order of `ecg_assets.records.record.LEADS`.
    """
    lead_i, lead_ii = independent_mv[0], independent_mv[1]
    limbs = [
        lead_i,
        lead_ii,
        lead_ii - lead_i,
        -(lead_i + lead_ii) / 2,
        lead_i - lead_ii / 2,
        lead_ii - lead_i / 2,
    ]
    return np.concatenate([np.stack(limbs), independent_mv[2:]])
