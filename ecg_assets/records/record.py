"""One 12-lead ECG record, as read and accepted."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

LEADS: tuple[str, ...] = ("I", "II", "III", "aVR", "aVL", "aVF", "V1", "V2", "V3", "V4", "V5", "V6")
# The competition's rates; any integer rate within the range is accepted.
SAMPLING_RATES_HZ: tuple[int, ...] = (250, 256, 500, 512, 1000, 1025)
# Below 100 Hz a QRS complex of 80 ms has fewer than eight samples; above 2000 Hz a sample is finer than any print.
MIN_FS_HZ, MAX_FS_HZ = 100, 2000

RHYTHM_LEAD = "II"


@dataclass(frozen=True)
class Record:
    """A record of 10 s.

    Attributes:
        id: a plain number or name.
        fs_hz: sampling rate.
        signal_mv: (12, n) float32, leads in the order of `LEADS`, millivolts; NaN where nothing was printed.
    """

    id: str
    fs_hz: int
    signal_mv: npt.NDArray[np.float32]

    @property
    def duration_s(self) -> float:
        """Length of the record in seconds."""
        return float(self.signal_mv.shape[1] / self.fs_hz)

    def lead(self, name: str) -> npt.NDArray[np.float32]:
        """(n,) float32, millivolts.

        Raises:
            ValueError: `name` is none of `LEADS`.
        """
        values_mv: npt.NDArray[np.float32] = self.signal_mv[LEADS.index(name)]
        return values_mv
