"""Reads twelve leads in millivolts from an image of a paper ECG."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ecg_assets.digitize.calibration.ink_contrast import beside_lines, darkness, ink_darkness
from ecg_assets.digitize.calibration.printed_extent import Extent, find_extent, pulses_extent
from ecg_assets.digitize.calibration.pulses import Pulses, find_pulses
from ecg_assets.digitize.calibration.separator_comb import bars_extent
from ecg_assets.digitize.calibration.separators import at_bars, find_bars, without_bars
from ecg_assets.digitize.gridless_page import find_sheet, scaled_by_pulses
from ecg_assets.digitize.interface import Reader
from ecg_assets.digitize.lead_layout.layout_match import Arrangement, arrange, candidates
from ecg_assets.digitize.rectification.canvas import CANVAS_PX_PER_MM_X, CANVAS_PX_PER_MM_Y
from ecg_assets.digitize.rectification.flat_page import FlatPage, NoGridError, laid, lay_flat, turned_around
from ecg_assets.digitize.refusal import NotAnEcgError
from ecg_assets.digitize.result import Digitization
from ecg_assets.digitize.signals.lead_traces import columns_of, lead_lines, row_paths
from ecg_assets.digitize.signals.leads import PageScale, leads_of
from ecg_assets.digitize.trace_network.network import WaveNetwork
from ecg_assets.digitize.tracing.baselines import find_rows
from ecg_assets.digitize.tracing.centre_line import stroke_px, trace_line
from ecg_assets.digitize.tracing.ink_runs import Runs, find_runs
from ecg_assets.records.record import LEADS
from ecg_assets.scans.segment import Segmenter
from ecg_assets.weights import SEGMENTATION, WAVE, weights_path

Field = npt.NDArray[np.float32]
Values = npt.NDArray[np.float64]

_SPEED_MM_PER_S, _GAIN_MM_PER_MV = 25.0, 10.0
# Least margin over the second-best layout; below it the layout, and so every lead's name, is a guess. Degraded pages
# that are read correctly have a margin of 0.3 or more.
_GUESSED = 0.2
# A page that has lost a row looks like a layout of fewer leads; leads of a true one disagree by less than 0.1.
_LOST_A_ROW = 0.1
# Leads that disagree more than those of most correctly read pages: the page may be upside down.
_DOUBTFUL = 0.1
# Without a grid, traces that disagree this much need not be ECG leads.
_NO_ECG = 0.3


class Digitizer:
    """Reads signals from images with loaded networks."""

    def __init__(self, segmenter: Segmenter, wave: WaveNetwork | None = None) -> None:
        """Takes the network for grid lines and traces, and the one for traces on flat pages.

        Args:
            segmenter: predicts 5 classes.
            wave: finds traces on flat pages; None: the segmenter's traces are used.
        """
        self._segmenter, self._wave = segmenter, wave

    @classmethod
    def load(cls, checkpoint: Path | None = None) -> "Digitizer":
        """Loads a network: the package's own, or a checkpoint of 5 classes.

        Raises:
            CheckpointError: the file does not exist or is not a checkpoint.
        """
        return cls(Segmenter.load(checkpoint or weights_path(SEGMENTATION)), WaveNetwork.load(weights_path(WAVE)))

    def digitize_image(self, image_hwc: npt.NDArray[np.uint8], fs_hz: int = 500, layout: str = "auto") -> Digitization:
        """Reads one picture.

        Args:
            image_hwc: (h, w, 3) uint8 RGB, in any quarter turn.
            fs_hz: sampling rate of the signal to return.
            layout: a name in layouts.yaml, or "auto".

        Raises:
            NotAnEcgError: its scale is unknown, or its traces do not form a known layout; the message says which.
            UnknownLayoutError: the layout does not exist.
        """
        try:
            flat = self._traced(lay_flat(image_hwc, self._segmenter))
        except NoGridError as error:
            flat = self._plain(error)
        return self.digitize_flat(flat, fs_hz, layout)

    def _traced(self, flat: FlatPage) -> FlatPage:
        if self._wave is None:
            return flat
        trace = np.where(flat.shown_hw, self._wave.trace(flat.image_hwc, flat.wave_hw), np.float32(0))
        return replace(flat, wave_hw=trace)

    def _plain(self, found: NoGridError) -> FlatPage:
        """The page rectified by the edges of its sheet, for a picture without a grid."""
        sheet = find_sheet(found.seen.image_hwc)
        source = (found.seen.image_hwc, 1.0)
        flat = self._traced(laid(found.seen, sheet.surface(), found.wave_hw, found.turn_confidence, source))
        if sheet.format is None:
            return scaled_by_pulses(flat, sheet, self._wave)
        size = "{:g} x {:g} mm".format(*sheet.size_mm)
        return replace(
            flat, assumed=(f"no grid is visible: the sheet is taken for {sheet.format}, {size}, by its shape",)
        )

    def digitize_flat(self, flat: FlatPage, fs_hz: int = 500, layout: str = "auto") -> Digitization:
        """Reads a rectified page; arguments and errors as for `digitize_image`.

        A page whose leads disagree is also read upside down, and that reading is used if its leads disagree much less:
        the orientation network relies on letters and beats, and a page may lack both.
        """
        try:
            upright = self._read(flat, fs_hz, layout)
        except NotAnEcgError:
            around = self._around(flat, fs_hz, _DOUBTFUL) if layout == "auto" else None
            if around is None:
                raise
            return around
        if layout != "auto" or _contradiction(upright) <= _DOUBTFUL:
            return upright
        return self._around(flat, fs_hz, _contradiction(upright) / 2) or upright

    def _around(self, flat: FlatPage, fs_hz: int, least: float) -> Digitization | None:
        """The page read upside down, if its leads then disagree by less than `least`."""
        try:
            found = self._read(turned_around(flat), fs_hz, "auto")
        except NotAnEcgError:
            return None
        return found if _contradiction(found) < least else None

    def _read(self, flat: FlatPage, fs_hz: int, layout: str) -> Digitization:
        runs = find_runs(flat.wave_hw)
        rows_y = find_rows(runs, flat.wave_hw.shape[0])
        if not len(rows_y):
            raise NotAnEcgError("no_trace", "no trace was found on the paper: expected the rows of an ECG")
        paths = row_paths(runs, rows_y)
        dark = darkness(flat.image_hwc)
        ink = ink_darkness(dark, flat.wave_hw)
        pulses, extent = _scale_of(flat.shown_hw, (dark, ink), paths, rows_y)
        scale = _page_scale(pulses, extent)
        pen = stroke_px(runs)
        arrangement = _arranged(runs, paths, extent, pen, layout)
        if flat.assumed and layout == "auto" and arrangement.others[arrangement.name] > _NO_ECG:
            raise NotAnEcgError(
                "contradicting_leads",
                "no grid, and the limb leads violate Einthoven's law: not an ECG, or too degraded to read",
            )
        bars = find_bars(extent, arrangement.slots, rows_y, dark, ink)
        extent = at_bars(extent, bars)
        if bars:
            runs = find_runs(without_bars(flat.wave_hw, bars))
        after_pulses = pulses is not None and pulses.left_mm < extent.first_mm
        lines = lead_lines(runs, rows_y, arrangement, extent, (pen, after_pulses))
        signal, sure = leads_of(lines, arrangement, extent, scale, fs_hz)
        return Digitization(signal, fs_hz, sure, flat, lines, arrangement, extent, scale, pulses)


def _contradiction(found: Digitization) -> float:
    """Disagreement of its leads in the layout that was chosen."""
    return found.arrangement.others[found.arrangement.name]


def _scale_of(
    shown_hw: npt.NDArray[np.bool_], darkness_and_ink: tuple[Field, float], paths: npt.NDArray[np.int64], rows_y: Values
) -> tuple[Pulses | None, Extent]:
    shown = np.flatnonzero(shown_hw.any(axis=0))
    shown_mm = (float(shown[0]) / CANVAS_PX_PER_MM_X, float(shown[-1]) / CANVAS_PX_PER_MM_X)
    dark, ink = darkness_and_ink
    ink_hw = beside_lines(dark, ink)
    pulses = find_pulses(ink_hw, rows_y, int(shown[0]), int(shown[-1]) + 1)
    if pulses is not None and pulses.right_mm < np.mean(shown_mm):
        return pulses, pulses_extent(pulses.right_mm, pulses.paper_speed_mm_per_s)
    extent = bars_extent(ink_hw, dark, ink, rows_y) or find_extent(paths, shown_mm)
    if extent is None:
        raise NotAnEcgError(
            "broken_traces",
            "too little of each row was traced: expected traces over most of the page's width",
        )
    return pulses, extent


def _page_scale(pulses: Pulses | None, extent: Extent) -> PageScale:
    if pulses is not None:
        return PageScale(pulses.paper_speed_mm_per_s, pulses.gain_mm_per_mv)
    return PageScale(12.5 if extent.known and extent.slow else _SPEED_MM_PER_S, _GAIN_MM_PER_MV)


def _arranged(runs: Runs, paths: npt.NDArray[np.int64], extent: Extent, pen: float, layout: str) -> Arrangement:
    """Compares layouts by the rows' traces over the printed width, in mm upwards."""
    first, last = columns_of(extent, 0, 1, paths.shape[1])
    nobody = np.zeros(paths.shape[1], dtype=np.bool_)
    rows = np.stack([trace_line(runs, path, (nobody, nobody), (first, last), pen).y_px for path in paths])
    # Bridged gaps would contradict leads that were read.
    rows[paths[:, first:last] < 0] = np.nan
    arrangement = arrange(-rows / CANVAS_PX_PER_MM_Y / _GAIN_MM_PER_MV, layout)
    if arrangement is None:
        known = sorted(name for count in range(1, 16) for name in candidates(count))
        wanted = "no known layout has this number" if layout == "auto" else f"{layout} has another number"
        raise NotAnEcgError(
            "unknown_layout",
            f"found {len(paths)} rows of traces, but {wanted} of rows; known layouts are {', '.join(known)}",
        )
    if layout == "auto" and _is_guess(arrangement):
        raise NotAnEcgError(
            "ambiguous_layout",
            f"found {len(paths)} rows of traces, but their leads fit none of the layouts with this number of rows "
            f"({', '.join(arrangement.others)}): a row is missing, or it is not an ECG. If you know the layout, name "
            "it: --layout, or `layout` in the config of digitized_signals",
        )
    return arrangement


def _is_guess(arrangement: Arrangement) -> bool:
    if arrangement.confidence < _GUESSED:
        return True
    fewer = len({slot.lead.removeprefix("-") for slot in arrangement.slots}) < len(LEADS)
    return fewer and arrangement.others[arrangement.name] > _LOST_A_ROW


def load_reader() -> Reader:
    """The reader with the package's weights. Imports torch."""
    return Digitizer.load()
