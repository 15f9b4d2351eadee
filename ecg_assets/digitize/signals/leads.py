"""Converts traces on a flat page to twelve leads in millivolts over time."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ecg_assets.digitize.calibration.printed_extent import Extent
from ecg_assets.digitize.lead_layout.einthoven import LIMB, reconcile
from ecg_assets.digitize.lead_layout.layout_match import Arrangement, Slot
from ecg_assets.digitize.rectification.canvas import CANVAS_PX_PER_MM_X, CANVAS_PX_PER_MM_Y
from ecg_assets.digitize.signals.fft_resample import resample
from ecg_assets.digitize.tracing.centre_line import Line
from ecg_assets.records.record import LEADS

Signal = npt.NDArray[np.float32]
Values = npt.NDArray[np.float64]

_PRINTED_S = 10.0


@dataclass(frozen=True)
class PageScale:
    """Paper speed and gain."""

    paper_speed_mm_per_s: float
    gain_mm_per_mv: float


@dataclass(frozen=True)
class _Piece:
    """One slot's signal: its lead, first sample, mV and confidence."""

    slot: Slot
    first: int
    values_mv: Values
    sure: Values

    @property
    def last(self) -> int:
        return self.first + len(self.values_mv)


def leads_of(
    lines: dict[Slot, Line], arrangement: Arrangement, extent: Extent, scale: PageScale, fs_hz: int
) -> tuple[Signal, Signal]:
    """Signal (12, 10 * fs_hz) float32 mV, NaN outside the printed parts, and confidence of the same shape, 0 to 1."""
    pieces = [_piece(slot, line, extent, scale, fs_hz) for slot, line in lines.items() if np.isfinite(line.y_px).all()]
    pieces = _reconciled(pieces)
    signal = np.full((len(LEADS), round(_PRINTED_S * fs_hz)), np.nan, dtype=np.float32)
    sure = np.zeros(signal.shape, dtype=np.float32)
    # A rhythm strip takes precedence over its lead's short panel.
    for piece in sorted(pieces, key=lambda piece: piece.slot.rhythm):
        row = LEADS.index(piece.slot.lead.removeprefix("-"))
        sign = -1.0 if piece.slot.lead.startswith("-") else 1.0
        signal[row, piece.first : piece.last] = sign * piece.values_mv
        sure[row, piece.first : piece.last] = piece.sure
    return signal, sure


def _piece(slot: Slot, line: Line, extent: Extent, scale: PageScale, fs_hz: int) -> _Piece:
    """The samples of one slot: as many as its width holds, at most its share of 10 s."""
    length_mm = (extent.last_mm - extent.first_mm) / slot.columns
    samples = round(_PRINTED_S * fs_hz)
    begin, end = (int(part * samples / slot.columns) for part in (slot.column, slot.column + 1))
    shown = int(np.ceil(length_mm / scale.paper_speed_mm_per_s * fs_hz))
    count = min(end - begin, shown)
    # At 50 mm/s a column shows only the first part of its share of 10 s.
    at_mm = extent.first_mm + length_mm * slot.column
    first = begin if shown >= end - begin - 2 else round(length_mm * slot.column / scale.paper_speed_mm_per_s * fs_hz)
    rate_hz = CANVAS_PX_PER_MM_X * scale.paper_speed_mm_per_s
    begin_s = (at_mm * CANVAS_PX_PER_MM_X - 0.5 - line.first) / rate_hz
    up_mv = -(line.y_px - np.median(line.y_px)) / CANVAS_PX_PER_MM_Y / scale.gain_mm_per_mv
    values = resample(up_mv, rate_hz, begin_s, count, fs_hz)
    sure = np.interp(begin_s + np.arange(count) / fs_hz, np.arange(len(line.sure)) / rate_hz, line.sure)
    return _Piece(slot, first, values, sure)


def _reconciled(pieces: list[_Piece]) -> list[_Piece]:
    """Reconciles limb leads that were printed at the same time."""
    limb = [piece for piece in pieces if piece.slot.lead.removeprefix("-") in LIMB]
    changed = {piece.slot: piece.values_mv.copy() for piece in pieces}
    for first in sorted({piece.first for piece in limb if not piece.slot.rhythm}):
        together = [piece for piece in limb if piece.first <= first < piece.last]
        last = min(piece.last for piece in together)
        if len(together) < 3 or last - first < 2:
            continue
        cut = [slice(first - piece.first, last - piece.first) for piece in together]
        held = reconcile(
            [piece.slot.lead for piece in together],
            np.stack([piece.values_mv[part] for piece, part in zip(together, cut, strict=True)]),
            np.stack([piece.sure[part] for piece, part in zip(together, cut, strict=True)]),
        )
        for piece, part, values in zip(together, cut, held, strict=True):
            changed[piece.slot][part] = values
    return [_Piece(piece.slot, piece.first, changed[piece.slot], piece.sure) for piece in pieces]
