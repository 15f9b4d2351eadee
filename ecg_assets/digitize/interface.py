"""The reader interface that scoring, submissions and assets use."""

from typing import Any, Protocol

import numpy as np
import numpy.typing as npt


class Reading(Protocol):
    """The result of reading one picture."""

    @property
    def signal_mv(self) -> npt.NDArray[np.float32]:
        """(12, 10 * fs_hz) float32, leads in the order of `LEADS`; NaN outside what is printed."""

    @property
    def fs_hz(self) -> int:
        """Sampling rate of the signal."""

    @property
    def confidence(self) -> npt.NDArray[np.float32]:
        """(12, 10 * fs_hz) float32, 0 to 1."""

    @property
    def rectified_hwc(self) -> npt.NDArray[np.uint8]:
        """(h, w, 3) uint8 RGB, the page laid flat."""

    def info(self) -> dict[str, Any]:
        """Layout, scale, orientation and assumptions, as JSON values."""

    def check_png(self) -> bytes:
        """The recovered traces drawn over the picture."""


class Reader(Protocol):
    """Reads pictures."""

    def digitize_image(self, image_hwc: npt.NDArray[np.uint8], fs_hz: int = 500, layout: str = "auto") -> Reading:
        """Reads one picture, (h, w, 3) uint8 RGB.

        Raises:
            NotAnEcgError: it is refused.
        """
