"""From a heart dipole to 12 leads: Dower's matrix for eight, Einthoven's and Goldberger's relations for the rest."""

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


def project(dipole_mv: Array) -> Array:
    """The independent leads of a dipole.

    Args:
        dipole_mv: (n, 3), x, y, z.

    Returns:
        (8, n) millivolts, in the order of `INDEPENDENT_LEADS`.
    """
    leads_mv: Array = DOWER @ dipole_mv.T
    return leads_mv


def twelve_leads(independent_mv: Array) -> Array:
    """All leads from the independent ones, so that the limb leads' relations hold whatever was recorded.

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
