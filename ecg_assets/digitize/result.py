"""The signal that was read from a picture of a paper ECG, with its confidence and the intermediate results."""

import io
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from ecg_assets.digitize.calibration.printed_extent import Extent
from ecg_assets.digitize.calibration.pulses import Pulses
from ecg_assets.digitize.lead_layout.layout_match import Arrangement, Slot
from ecg_assets.digitize.rectification.canvas import CELL_MM
from ecg_assets.digitize.rectification.flat_page import FlatPage
from ecg_assets.digitize.signals.leads import PageScale
from ecg_assets.digitize.trace_overlay import check_picture
from ecg_assets.digitize.tracing.centre_line import Line
from ecg_assets.records.record import LEADS

Signal = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Digitization:
    """The result of reading one picture.

    Attributes:
        signal_mv: (12, 10 * fs_hz) float32, leads in the order of `LEADS`; NaN outside what is printed.
        fs_hz: sampling rate.
        confidence: (12, 10 * fs_hz) float32, 0 to 1: how likely a sample is within 0.1 mV.
        flat: the page laid flat.
        lines: the traces on it, by slot.
        arrangement: the layout.
        extent: where traces begin and end.
        scale: paper speed and gain.
        pulses: the pulses that the scale was read from; None if it is assumed.
    """

    signal_mv: Signal
    fs_hz: int
    confidence: Signal
    flat: FlatPage
    lines: dict[Slot, Line]
    arrangement: Arrangement
    extent: Extent
    scale: PageScale
    pulses: Pulses | None

    @property
    def rectified_hwc(self) -> npt.NDArray[np.uint8]:
        """(h, w, 3) uint8 RGB, the page laid flat, 16 px/mm across and 8 px/mm down."""
        return self.flat.image_hwc

    def check_png(self) -> bytes:
        """The recovered traces drawn over the upright picture."""
        target = io.BytesIO()
        Image.fromarray(check_picture(self.flat, self.lines)).save(target, "PNG", compress_level=3)
        return target.getvalue()

    def info(self) -> dict[str, Any]:
        """Findings and assumptions, as JSON values."""
        per_lead = {
            lead: round(float(np.nanmean(row)), 3) if np.isfinite(row).any() else None
            for lead, row in zip(LEADS, self._printed_confidence(), strict=True)
        }
        page = self.flat.page
        return {
            "layout": self.arrangement.name,
            "layout_confidence": self.arrangement.confidence,
            "fs_hz": self.fs_hz,
            "paper_speed_mm_per_s": self.scale.paper_speed_mm_per_s,
            "gain_mm_per_mv": self.scale.gain_mm_per_mv,
            "px_per_mm": self._px_per_mm(),
            "quarter_turns_counter_clockwise": page.quarter_turns,
            "turn_confidence": round(self.flat.turn_confidence, 4),
            "grid_found": round(self.flat.surface.found, 3),
            "lead_confidence": per_lead,
            "lead_ink": {slot.lead: round(line.seen, 3) for slot, line in self.lines.items()},
            "assumed": self._assumed(),
        }

    def _px_per_mm(self) -> dict[str, float]:
        """Scale of the file's picture, turned upright, in the middle of the page."""
        surface, scale = self.flat.surface, self.flat.page.scale
        across, down = (np.hypot(np.diff(surface.x_px, axis=axis), np.diff(surface.y_px, axis=axis)) for axis in (1, 0))
        cells = {"x": across, "y": down}
        return {axis: round(float(np.median(cell)) / scale / CELL_MM, 3) for axis, cell in cells.items()}

    def _printed_confidence(self) -> Signal:
        return np.where(np.isfinite(self.signal_mv), self.confidence, np.nan).astype(np.float32)

    def _assumed(self) -> list[str]:
        said = list(self.flat.assumed)
        if self.pulses is None:
            said.append(f"{self.scale.gain_mm_per_mv:g} mm/mV: no calibration pulse was found")
            said.append(f"{self.scale.paper_speed_mm_per_s:g} mm/s: no calibration pulse was found")
        if not self.extent.known:
            said.append("the traces' begin or end: they are not 10 s long, or cut off")
        return said
