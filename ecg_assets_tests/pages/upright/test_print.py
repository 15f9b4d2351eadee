"""Print: texts stand in their boxes, the code can be read, and only what hides the trace takes its pixels."""

import cv2
import numpy as np
import pytest

from ecg_assets.pages.layout.header import header_of
from ecg_assets.pages.style.fonts import FONTS, UnknownFontError, font, text_coverage
from ecg_assets.pages.style.page_style import PageStyle
from ecg_assets.pages.style.style_mix import read_styles
from ecg_assets.pages.upright.page import inked, trace_coverage, traces_px
from ecg_assets.pages.upright.print import page_print, qr_modules, qr_patch
from ecg_assets_tests.pages.pages import page_of, plan_of, record_of

STYLES = read_styles().styles


@pytest.mark.parametrize("name", FONTS)
def test_every_font_comes_with_a_package_and_writes_within_its_size(name: str) -> None:
    coverage, left, top = text_coverage("aVR 25mm/s", name, 32)
    assert 0.02 < coverage.mean() < 0.6
    assert coverage.shape[0] < 48
    assert top < 0 <= left + 2
    assert font(name, 32) is font(name, 32)


def test_an_unknown_font_is_named_with_those_there_are() -> None:
    with pytest.raises(UnknownFontError, match="no font 'Arial'; expected one of pillow, sans"):
        font("Arial", 12)


@pytest.mark.parametrize("kind", ["kaggle", "clinic", "machine"])
def test_headers_are_made_up_persons_drawn_by_id_and_seed(kind: str) -> None:
    style = PageStyle.model_validate({"header": kind})
    assert header_of("12", style, 0) == header_of("12", style, 0)
    assert header_of("12", style, 0) != header_of("12", style, 1)
    assert header_of("12", style, 0) != header_of("13", style, 0)
    assert any("12" in text.text for text in header_of("12", style, 0))
    assert any(text.kind == "interpretation" for text in header_of("12", style, 0)) == (kind == "machine")


@pytest.mark.parametrize("name", ["kaggle", "pink-3x4", "machine-3x4", "twelve-rows"])
def test_each_text_is_inked_within_its_box_and_every_panel_is_named(name: str) -> None:
    style = STYLES[name]
    page = page_of(record_of({}), style)
    dark = inked(page.index_hw)
    for text in page.layout["texts"]:
        left, top, right, bottom = text["box_px"]
        assert dark[max(0, top) : bottom, max(0, left) : right].any(), text
    named = [text["text"] for text in page.layout["texts"] if text["kind"] == "name"]
    assert sorted(named) == sorted(panel["lead"] for panel in page.layout["panels"])


def test_no_print_is_wave_and_a_crossing_trace_keeps_its_pixels() -> None:
    name_row = 708.33 / 7.874016 + 6.0  # through the letters of the first row's names
    high = np.full(5000, -(name_row - 89.95791) / 10)
    record = record_of({"I": high, "V1": high})
    plan, page = plan_of(record), page_of(record)
    coverage = trace_coverage(traces_px(plan, record), plan.stroke_px, (1700, 2200))
    printed, code = page_print(plan)
    assert code is None
    crossing = (printed > 200) & (coverage >= 0.5)
    assert crossing.sum() > 20
    assert page.wave_hw[crossing].all()
    assert not page.wave_hw[(printed > 0) & (coverage == 0)].any()


def test_the_code_can_be_read_and_hides_the_trace_beneath_its_dark_modules() -> None:
    style = STYLES["kaggle-print"]
    record = record_of({"V4": np.full(5000, 7.5)})  # runs through the upper right corner
    plan, page = plan_of(record, style), page_of(record, style)
    code = qr_patch(plan)
    assert code is not None
    height, width = code.coverage.shape
    place = np.s_[code.row : code.row + height, code.column : code.column + width]
    coverage = trace_coverage(traces_px(plan, record), plan.stroke_px, style.shape_px)[place] >= 0.5
    dark = code.coverage >= 0.5
    assert (coverage & dark).any()
    np.testing.assert_array_equal(page.wave_hw[place], coverage & ~dark)
    clean = page_of(record_of({}), style)
    corner = clean.palette[clean.index_hw][code.row - 40 : code.row + height + 40, code.column - 40 :]
    white = np.where(inked(clean.index_hw)[code.row - 40 : code.row + height + 40, code.column - 40 :], 0, 255)
    said, _, _ = cv2.QRCodeDetector().detectAndDecode(cv2.resize(white.astype(np.uint8), None, fx=2, fy=2))
    assert said == "ECG 1 kaggle"
    assert corner.shape[0] > height


def test_a_code_decodes_to_its_text() -> None:
    modules = qr_modules("ECG 20000001 3x4+1")
    picture = np.pad(
        np.where(np.kron(modules, np.ones((6, 6), bool)), 0, 255).astype(np.uint8), 40, constant_values=255
    )
    assert cv2.QRCodeDetector().detectAndDecode(picture)[0] == "ECG 20000001 3x4+1"
