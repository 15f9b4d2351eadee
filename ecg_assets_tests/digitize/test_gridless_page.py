"""Paper without a visible grid: its scale from the sheet, or from pulses and rows; said so, or refused."""

from dataclasses import replace

import cv2
import numpy as np
import numpy.typing as npt
import pytest

from ecg_assets.digitize.benchmark.rendered_pages import draw_trial, records_of_split
from ecg_assets.digitize.digitizer import Digitizer
from ecg_assets.digitize.gridless_page import Sheet, scaled_by_pulses
from ecg_assets.digitize.rectification.flat_page import FlatPage, laid
from ecg_assets.digitize.rectification.sheet_corners import format_of, paper_corners
from ecg_assets.digitize.refusal import NotAnEcgError
from ecg_assets.digitize.scoring.snr import lead_powers, total
from ecg_assets.scans.image import UprightPage
from ecg_assets.scans.segment import Segmenter
from ecg_assets_tests.digitize.known_pages import known_flat_page

RECORD = records_of_split("validation", 2)[1]
Rgb = npt.NDArray[np.uint8]


def sees_dark_pixels(tiles: Rgb) -> npt.NDArray[np.float32]:
    """A network that finds no grid, and takes all that is dark for trace."""
    scores = np.zeros((len(tiles), 5, *tiles.shape[1:3]), np.float32)
    scores[:, 4] = tiles.max(axis=3) < 90
    scores[:, 0] = 1 - scores[:, 4]
    return scores


DIGITIZER = Digitizer(Segmenter(sees_dark_pixels, 5))


def cut_page(by: float, pulses: bool = True) -> tuple[FlatPage, Sheet]:
    """A part of a plain page, the true trace on it, laid flat as if it were so many times as large."""
    known, _ = known_flat_page(RECORD, "plain-paper")
    cut = slice(400, 1640)
    image, wave = known.image_hwc[cut].copy(), np.ascontiguousarray(known.wave_hw[cut])
    if not pulses:
        image[:, : round(17.3 * 16)] = image.max()
    height, width = wave.shape
    corners = np.array([[0, 0], [width, 0], [width, height], [0, height]], dtype=np.float64)
    sheet = Sheet(corners, (width / 16 * by, height / 8 * by), None)
    page = UprightPage(image, 0, 1.0, (height, width))
    return laid(page, sheet.surface(), wave, 1.0, (image, 1.0)), sheet


@pytest.mark.parametrize("by", [pytest.param(0.8, marks=pytest.mark.soak), 1.27])
def test_a_part_of_a_page_is_scaled_by_its_pulses_and_rows(by: float) -> None:
    flat, sheet = cut_page(by)
    _, truth_mv = known_flat_page(RECORD, "plain-paper")
    found = DIGITIZER.digitize_flat(scaled_by_pulses(flat, sheet, None), RECORD.fs_hz)
    info = found.info()
    assert info["px_per_mm"] == {"x": pytest.approx(16, rel=0.004), "y": pytest.approx(8, rel=0.04)}
    assert info["assumed"] == [
        "no grid is visible: scale by the pulses, taken for 25 mm/s and 10 mm/mV, and by rows taken for 10 s"
    ]
    assert total(lead_powers(truth_mv, found.signal_mv, RECORD.fs_hz).values()).db >= 20


def test_without_grid_pulse_and_sheet_nothing_tells_the_scale() -> None:
    flat, sheet = cut_page(1.0, pulses=False)
    with pytest.raises(NotAnEcgError, match="nothing tells how large it is"):
        scaled_by_pulses(flat, sheet, None)


def test_a_whole_sheet_is_read_by_its_format_and_the_facts_say_so() -> None:
    trial = draw_trial(RECORD, "clean", "plain-paper")
    picture = trial.picture_hwc.copy()
    picture[:150] = picture.max()  # names, which a network knows from traces
    found = DIGITIZER.digitize_image(picture, RECORD.fs_hz)
    info = found.info()
    assert info["assumed"] == ["no grid is visible: the sheet is taken for Letter, 279.4 x 215.9 mm, by its shape"]
    assert (info["layout"], info["grid_found"]) == ("3x4+1", 0.0)
    assert info["px_per_mm"] == {axis: pytest.approx(200 / 25.4, rel=0.002) for axis in ("x", "y")}
    assert total(lead_powers(trial.truth_mv, found.signal_mv, RECORD.fs_hz).values()).db >= 14


def test_a_sheet_without_an_ecg_is_refused() -> None:
    page = np.full((1700, 2200, 3), 250, np.uint8)
    for line in range(12):
        place = (120, 200 + 110 * line)
        cv2.putText(
            page, "No ECG at all, but a letter of some length", place, cv2.FONT_HERSHEY_SIMPLEX, 2.4, (0, 0, 0), 4
        )
    with pytest.raises(NotAnEcgError):
        DIGITIZER.digitize_image(page)
    with pytest.raises(NotAnEcgError):
        DIGITIZER.digitize_image(np.full((1700, 2200, 3), 250, np.uint8))


def test_a_sheet_on_a_desk_is_found_by_its_corners_and_known_by_its_shape() -> None:
    corners = np.array([[210, 130], [1890, 160], [1880, 1450], [190, 1430]], dtype=np.int32)
    desk = np.full((1600, 2100, 3), 60, np.uint8)
    cv2.fillPoly(desk, [corners], (240, 238, 235))
    np.testing.assert_allclose(paper_corners(desk), corners, atol=6)
    assert format_of(corners.astype(np.float64)) == "Letter"
    frame = np.array([[0, 0], [2970, 0], [2970, 2100], [0, 2100]], dtype=np.float64)
    assert format_of(frame) == "A4"
    assert format_of(frame * [0.8, 1]) is None
    np.testing.assert_array_equal(paper_corners(np.full((2100, 2970, 3), 255, np.uint8)), frame)


def test_lines_that_contradict_each_other_are_no_ecg_without_a_grid() -> None:
    flat, _ = known_flat_page(RECORD, "plain-paper")
    rng = np.random.default_rng(0)
    height, width = flat.wave_hw.shape
    wave = np.zeros((height, width), np.float32)
    for line in (700, 990, 1280, 1560):  # as many rows as a page has
        y = (
            line
            + np.cumsum(rng.normal(0, 1, width)) * 0.3
            + 60 * (rng.random(width // 200 + 1) - 0.5).repeat(200)[:width]
        )
        for thick in range(3):
            wave[np.clip(y.astype(int) + thick, 0, height - 1), np.arange(width)] = 1
    with pytest.raises(NotAnEcgError):
        DIGITIZER.digitize_flat(replace(flat, wave_hw=wave, assumed=("no grid is visible",)))
