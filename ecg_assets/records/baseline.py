"""How far a lead lies off zero, which electrodes do and hearts do not: carts take it off before they print."""

import numpy as np
import numpy.typing as npt

from ecg_assets.records.record import LEADS

# Medians of sound recordings reach 1.5 mV (600 of PTB-XL, 53 of seven collections), by ST elevation or drift: they are
# printed as they are.
LEAST_OFFSET_MV = 2.0


def offsets_mv(signal_mv: npt.NDArray[np.floating]) -> dict[str, float]:
    """The median of each lead that lies at least 2 mV off zero; the other leads are left out.

    Args:
        signal_mv: (12, n), leads in the order of `LEADS`, millivolts; NaN where nothing is known.
    """
    medians = {lead: _median(values) for lead, values in zip(LEADS, signal_mv, strict=True)}
    return {lead: round(median, 4) for lead, median in medians.items() if abs(median) >= LEAST_OFFSET_MV}


def _median(values: npt.NDArray[np.floating]) -> float:
    known = values[np.isfinite(values)]
    return float(np.median(known)) if len(known) else 0.0
