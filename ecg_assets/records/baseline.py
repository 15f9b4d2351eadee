"""Measures the offset of each lead's baseline, which comes from the electrodes and is removed before printing."""

import numpy as np
import numpy.typing as npt

from ecg_assets.records.record import LEADS

# Medians of sound recordings reach 1.5 mV (600 of PTB-XL, 53 of seven collections) through ST elevation or drift; those
# are printed unchanged.
LEAST_OFFSET_MV = 2.0


def offsets_mv(signal_mv: npt.NDArray[np.floating]) -> dict[str, float]:
    """The median of each lead with a median of at least 2 mV from zero; other leads are left out.

    Args:
        signal_mv: (12, n), leads in the order of `LEADS`, millivolts; NaN where unknown.
    """
    medians = {lead: _median(values) for lead, values in zip(LEADS, signal_mv, strict=True)}
    return {lead: round(median, 4) for lead, median in medians.items() if abs(median) >= LEAST_OFFSET_MV}


def _median(values: npt.NDArray[np.floating]) -> float:
    known = values[np.isfinite(values)]
    return float(np.median(known)) if len(known) else 0.0
