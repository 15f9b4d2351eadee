"""Reads twelve leads in millivolts from a picture of a paper ECG."""

import io
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from ecg_assets.digitize.arrangement import Arrangement, Slot, arrange, candidates
from ecg_assets.digitize.check_picture import check_picture
from ecg_assets.digitize.extent import Extent, find_extent
from ecg_assets.digitize.flat_page import FlatPage, lay_flat
from ecg_assets.digitize.leads import PageScale, leads_of
from ecg_assets.digitize.path import follow
from ecg_assets.digitize.pulses import Pulses, darkness, find_pulses
from ecg_assets.digitize.reader import NotAnEcgError
from ecg_assets.digitize.rectify import CANVAS_PX_PER_MM_X, CANVAS_PX_PER_MM_Y, CELL_MM
from ecg_assets.digitize.rows import find_rows
from ecg_assets.digitize.runs import Runs, find_runs
from ecg_assets.digitize.shared import hidden_edges
from ecg_assets.digitize.traces import Line, stroke_px, trace_line
from ecg_assets.digitize.wave import WaveNetwork
from ecg_assets.records.record import LEADS
from ecg_assets.scans.segment import Segmenter
from ecg_assets.weights import SEGMENTATION, WAVE, weights_path

Signal = npt.NDArray[np.float32]
Values = npt.NDArray[np.float64]

_SPEED_MM_PER_S, _GAIN_MM_PER_MV = 25.0, 10.0


@dataclass(frozen=True)
class Digitization:
    """What was read in one picture.

    Attributes:
        signal_mv: (12, 10 * fs_hz) float32, leads in the order of `LEADS`; NaN outside what is printed.
        fs_hz: sampling rate.
        confidence: (12, 10 * fs_hz) float32, 0 to 1: how likely a sample is within 0.1 mV.
        flat: the page laid flat.
        lines: the traces on it, by their place.
        arrangement: the layout.
        extent: where traces begin and end.
        scale: paper speed and gain.
        pulses: what they were read from; None when they are assumed.
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
        """What was found and what was assumed, as JSON can say it."""
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
        """Of the file's picture turned upright, in the middle of the page."""
        surface, scale = self.flat.surface, self.flat.page.scale
        across, down = (np.hypot(np.diff(surface.x_px, axis=axis), np.diff(surface.y_px, axis=axis)) for axis in (1, 0))
        cells = {"x": across, "y": down}
        return {axis: round(float(np.median(cell)) / scale / CELL_MM, 3) for axis, cell in cells.items()}

    def _printed_confidence(self) -> Signal:
        return np.where(np.isfinite(self.signal_mv), self.confidence, np.nan).astype(np.float32)

    def _assumed(self) -> list[str]:
        said = []
        if self.pulses is None:
            said.append(f"{self.scale.gain_mm_per_mv:g} mm/mV: no calibration pulse was found")
            said.append(f"{self.scale.paper_speed_mm_per_s:g} mm/s: no calibration pulse was found")
        if not self.extent.known:
            said.append("the traces' begin or end: they are not 10 s long, or cut off")
        return said


class Digitizer:
    """A network that is ready to read signals."""

    def __init__(self, segmenter: Segmenter, wave: WaveNetwork | None = None) -> None:
        """Takes what tells lines and traces apart, and what finds traces on a flat page.

        Args:
            segmenter: has to know 5 classes.
            wave: None: what the segmenter says of the trace is taken.
        """
        self._segmenter, self._wave = segmenter, wave

    @classmethod
    def load(cls, checkpoint: Path | None = None) -> "Digitizer":
        """Loads a network: the package's own, or a checkpoint of 5 classes.

        Raises:
            CheckpointError: there is no such file, or it is no checkpoint.
        """
        return cls(Segmenter.load(checkpoint or weights_path(SEGMENTATION)), WaveNetwork.load(weights_path(WAVE)))

    def digitize_image(self, image_hwc: npt.NDArray[np.uint8], fs_hz: int = 500, layout: str = "auto") -> Digitization:
        """Reads one picture.

        Args:
            image_hwc: (h, w, 3) uint8 RGB, in any quarter turn.
            fs_hz: sampling rate of the signal that is wanted.
            layout: a name in layouts.yaml, or "auto".

        Raises:
            NotAnEcgError: it shows no grid, or no traces in a known layout; the message tells which.
            UnknownLayoutError: there is no such layout.
        """
        flat = lay_flat(image_hwc, self._segmenter)
        if self._wave is not None:
            trace = np.where(flat.shown_hw, self._wave.trace(flat.image_hwc, flat.wave_hw), np.float32(0))
            flat = replace(flat, wave_hw=trace)
        return self.digitize_flat(flat, fs_hz, layout)

    def digitize_flat(self, flat: FlatPage, fs_hz: int = 500, layout: str = "auto") -> Digitization:
        """Reads a page that lies flat; as `digitize_image`."""
        runs = find_runs(flat.wave_hw)
        height, width = flat.wave_hw.shape
        rows_y = find_rows(runs, height)
        if not len(rows_y):
            raise NotAnEcgError("there is a grid but no trace on it: expected rows of an ECG")
        paths = np.stack([follow(runs, line, 0, width).run for line in rows_y])
        pulses, extent = _scale_of(flat, runs, paths, rows_y)
        scale = _page_scale(pulses, extent)
        pen = stroke_px(runs)
        arrangement = _arranged(runs, paths, extent, pen, layout)
        after_pulses = pulses is not None and pulses.left_mm < extent.first_mm
        lines = _lines(runs, rows_y, arrangement, extent, (pen, after_pulses))
        signal, sure = leads_of(lines, arrangement, extent, scale, fs_hz)
        return Digitization(signal, fs_hz, sure, flat, lines, arrangement, extent, scale, pulses)


def _scale_of(flat: FlatPage, runs: Runs, paths: npt.NDArray[np.int64], rows_y: Values) -> tuple[Pulses | None, Extent]:
    shown = np.flatnonzero(flat.shown_hw.any(axis=0)) / CANVAS_PX_PER_MM_X
    shown_mm = (float(shown[0]), float(shown[-1]))
    rough = find_extent(paths, shown_mm, None)
    if rough is None:
        raise NotAnEcgError("the traces do not hang together: expected rows that run over most of the page")
    dark = darkness(flat.image_hwc)
    inked = dark[flat.wave_hw > 0.7]
    ink = float(np.median(inked)) if len(inked) else 255.0
    ends = (round(rough.first_mm * CANVAS_PX_PER_MM_X), round(rough.last_mm * CANVAS_PX_PER_MM_X))
    pulses = find_pulses(dark, ink, rows_y, *ends)
    before = pulses.right_mm if pulses is not None and pulses.left_mm < rough.first_mm + 5 else None
    extent = find_extent(paths, shown_mm, before) if before is not None else rough
    return pulses, extent or rough


def _page_scale(pulses: Pulses | None, extent: Extent) -> PageScale:
    if pulses is not None:
        return PageScale(pulses.paper_speed_mm_per_s, pulses.gain_mm_per_mv)
    return PageScale(12.5 if extent.known and extent.slow else _SPEED_MM_PER_S, _GAIN_MM_PER_MV)


def _arranged(runs: Runs, paths: npt.NDArray[np.int64], extent: Extent, pen: float, layout: str) -> Arrangement:
    """Compares layouts by the rows' lines over the printed width, in mm upwards."""
    first, last = _columns(extent, 0, 1, paths.shape[1])
    nobody = np.zeros(paths.shape[1], dtype=np.bool_)
    rows = np.stack([trace_line(runs, path, (nobody, nobody), (first, last), pen).y_px for path in paths])
    arrangement = arrange(-rows / CANVAS_PX_PER_MM_Y / _GAIN_MM_PER_MV, layout)
    if arrangement is None:
        known = sorted(name for count in range(1, 16) for name in candidates(count))
        wanted = "no known layout has" if layout == "auto" else f"{layout} has not"
        raise NotAnEcgError(
            f"{len(paths)} rows of traces are found, and {wanted} that many; known are {', '.join(known)}"
        )
    return arrangement


def _lines(
    runs: Runs, rows_y: Values, arrangement: Arrangement, extent: Extent, strokes: tuple[float, bool]
) -> dict[Slot, Line]:
    """Each lead's own path: between leads of a row it may leap.

    Args:
        runs, rows_y, arrangement, extent: what was found.
        strokes: the pen's width, px, and whether pulses stand before the first leads.
    """
    width = len(runs.first) - 1
    pen, after_pulses = strokes
    flank = int(np.ceil(pen / 2 * CANVAS_PX_PER_MM_X / CANVAS_PX_PER_MM_Y)) if after_pulses else 0
    spans = {slot: _columns(extent, slot.column, slot.columns, width) for slot in arrangement.slots}
    paths = {slot: follow(runs, float(rows_y[slot.row]), *spans[slot]).run for slot in arrangement.slots}
    others = _taken_by_others(runs, _by_row(paths, spans, (len(rows_y), width)))
    paths = {
        slot: follow(runs, float(rows_y[slot.row]), *spans[slot], others[slot.row]).run for slot in arrangement.slots
    }
    taken = _by_row(paths, spans, (len(rows_y), width))
    upper, lower = hidden_edges(runs, taken, pen)
    return {
        slot: trace_line(runs, run, (upper[slot.row], lower[slot.row]), spans[slot], pen, 0 if slot.column else flank)
        for slot, run in paths.items()
    }


def _by_row(
    paths: dict[Slot, npt.NDArray[np.int64]], spans: dict[Slot, tuple[int, int]], shape: tuple[int, int]
) -> npt.NDArray[np.int64]:
    """(rows, width) int64: the run that a row takes in each column, -1 where it has none."""
    taken = np.full(shape, -1, dtype=np.int64)
    for slot, run in paths.items():
        columns = slice(*spans[slot])
        taken[slot.row, columns] = run[columns]
    return taken


def _taken_by_others(runs: Runs, taken: npt.NDArray[np.int64]) -> npt.NDArray[np.bool_]:
    """(rows, runs) bool: whether another row than this one takes a run."""
    users = np.zeros((len(taken), len(runs.column)), dtype=np.bool_)
    for row, run in enumerate(taken):
        users[row, run[run >= 0]] = True
    return np.stack([np.delete(users, row, axis=0).any(axis=0) for row in range(len(taken))])


def _columns(extent: Extent, place: int, across: int, width: int) -> tuple[int, int]:
    """First and one past the last column of a part of the printed width."""
    length = extent.last_mm - extent.first_mm
    edges = [(extent.first_mm + length * part / across) * CANVAS_PX_PER_MM_X for part in (place, place + 1)]
    first = int(np.clip(np.floor(edges[0]), 0, width - 2))
    return first, int(np.clip(np.ceil(edges[1]), first + 2, width))
