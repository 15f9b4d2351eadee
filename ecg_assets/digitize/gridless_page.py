"""Rectifies paper without a visible grid by the sheet's edges, and scales it by its format or its pulses and rows."""

from dataclasses import dataclass, replace

import cv2
import numpy as np
import numpy.typing as npt

from ecg_assets.digitize.calibration.ink_contrast import beside_lines, darkness, ink_darkness
from ecg_assets.digitize.calibration.printed_extent import FULL_MM, printed_mm
from ecg_assets.digitize.calibration.pulses import best_pulse
from ecg_assets.digitize.rectification.canvas import CELL_MM, flat_canvas
from ecg_assets.digitize.rectification.flat_page import FlatPage
from ecg_assets.digitize.rectification.sheet_corners import FORMATS_MM, format_of, paper_corners
from ecg_assets.digitize.rectification.surface import Surface
from ecg_assets.digitize.refusal import NotAnEcgError
from ecg_assets.digitize.trace_network.network import WaveNetwork
from ecg_assets.digitize.tracing.baselines import find_rows
from ecg_assets.digitize.tracing.ink_runs import find_runs
from ecg_assets.digitize.tracing.path_search import follow

Points = npt.NDArray[np.float64]

# Width that is assumed at first for a sheet of unknown format.
_WIDTH_MM = 279.4
_SPEED_MM_PER_S, _GAIN_MM_PER_MV = 25.0, 10.0
# Scale factors at which its pulses are searched; the steps are within the tolerance of their flanks.
_FACTORS = np.geomspace(0.6, 1.6, 50)
_HEIGHTS = (0.94, 0.97, 1.0, 1.03, 1.06)
# A pulse's width is known to a fiftieth; rows within that of 10 s are taken to last 10 s.
_AS_LONG = 0.06


@dataclass(frozen=True)
class Sheet:
    """A sheet of paper in a picture.

    Attributes:
        corners_px: (4, 2) float64, clockwise from the upper left; whole numbers are pixel edges.
        size_mm: its width and height, known or assumed.
        format: its name; None if its shape fits no known format.
    """

    corners_px: Points
    size_mm: tuple[float, float]
    format: str | None

    def surface(self) -> Surface:
        """Where 5-mm lines along its edges would cross."""
        wide, high = self.size_mm
        flat = np.array([[0, 0], [wide, 0], [wide, high], [0, high]], np.float32)
        to_picture = cv2.getPerspectiveTransform(flat, self.corners_px.astype(np.float32))
        lines = [np.arange(CELL_MM / 2, side, CELL_MM) for side in self.size_mm]
        places = np.stack(np.meshgrid(*lines), axis=-1)
        x_px, y_px = np.moveaxis(
            cv2.perspectiveTransform(places.reshape(1, -1, 2), to_picture).reshape(places.shape), 2, 0
        )
        return Surface(x_px - 0.5, y_px - 0.5, 0, np.ones(x_px.shape, dtype=np.bool_), 0.0, 0.0)


def find_sheet(image_hwc: npt.NDArray[np.uint8]) -> Sheet:
    """The sheet that an upright picture, (h, w, 3) uint8 RGB, shows."""
    corners = paper_corners(image_hwc)
    name = format_of(corners)
    if name is not None:
        return Sheet(corners, FORMATS_MM[name], name)
    across, down = (float(np.hypot(*(corners[to] - corners[0]))) for to in (1, 3))
    return Sheet(corners, (_WIDTH_MM, _WIDTH_MM * down / max(across, 1.0)), None)


def scaled_by_pulses(flat: FlatPage, sheet: Sheet, wave: WaveNetwork | None) -> FlatPage:
    """A flat page of unknown scale, rectified again at the scale of its pulses and of its rows' length.

    Args:
        flat: rectified by the sheet's surface.
        sheet: of unknown format.
        wave: predicts the page's traces again at the new scale.

    Raises:
        NotAnEcgError: no pulses were found.
    """
    rows_y = find_rows(find_runs(flat.wave_hw), len(flat.wave_hw))
    dark = darkness(flat.image_hwc)
    sizes = [(_SPEED_MM_PER_S * wide, _GAIN_MM_PER_MV * wide * high) for wide in _FACTORS for high in _HEIGHTS]
    ink_hw = beside_lines(dark, ink_darkness(dark, flat.wave_hw))
    found = best_pulse(ink_hw, rows_y, (0, dark.shape[1]), sizes) if len(rows_y) else None
    if found is None:
        raise NotAnEcgError(
            "no_scale",
            "neither a grid of 5-mm lines nor a calibration pulse is found in the picture, nor a whole sheet of Letter "
            "or A4: nothing tells how large it is. Scan the whole sheet, in colour, at 150 dpi or more",
        )
    by = (found.paper_speed_mm_per_s / _SPEED_MM_PER_S, found.gain_mm_per_mv / _GAIN_MM_PER_MV)
    flat, sheet = _relaid(flat, sheet, by)
    if wave is not None:
        flat = replace(flat, wave_hw=wave.trace(flat.image_hwc, flat.wave_hw))
    runs = find_runs(flat.wave_hw)
    width = flat.wave_hw.shape[1]
    rows_y = find_rows(runs, len(flat.wave_hw))
    printed = printed_mm(np.stack([follow(runs, y, 0, width).run for y in rows_y])) if len(rows_y) else None
    if printed is not None:
        begin = found.right_mm / by[0] if found.right_mm / by[0] < printed[1] - FULL_MM / 2 else printed[0]
        longer = (printed[1] - begin) / FULL_MM
        if abs(longer - 1) <= _AS_LONG:
            flat, _ = _relaid(flat, sheet, (longer, 1.0))
    said = "no grid is visible: scale by the pulses, taken for 25 mm/s and 10 mm/mV, and by rows taken for 10 s"
    return replace(flat, assumed=(said,))


def _relaid(flat: FlatPage, sheet: Sheet, by: tuple[float, float]) -> tuple[FlatPage, Sheet]:
    """The page rectified again with its size in mm multiplied by these factors, and its sheet."""
    smaller = replace(sheet, size_mm=(sheet.size_mm[0] / by[0], sheet.size_mm[1] / by[1]))
    surface = smaller.surface()
    canvas = flat_canvas(surface, flat.page.image_hwc.shape[:2])
    height, width = canvas.x_px_hw.shape
    back = np.array([[by[0], 0, (by[0] - 1) / 2], [0, by[1], (by[1] - 1) / 2]])
    how = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    wave_hw = np.asarray(cv2.warpAffine(flat.wave_hw, back, (width, height), flags=how), np.float32)
    image_hwc = np.asarray(canvas.look_up(flat.page.image_hwc), np.uint8)
    shown_hw = np.ones((height, width), dtype=np.bool_)
    laid = replace(flat, surface=surface, canvas=canvas, image_hwc=image_hwc, wave_hw=wave_hw, shown_hw=shown_hw)
    return laid, smaller
