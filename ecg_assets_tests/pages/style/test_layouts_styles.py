"""Layouts and styles are data: every one of them prints, to scale, and wrong ones are named."""

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from pydantic import ValidationError

from ecg_assets.pages.config import PagesConfig
from ecg_assets.pages.layout.panels import panels_of, row_zeros_mm
from ecg_assets.pages.paper.drawn_paper import paper_of
from ecg_assets.pages.style.grid_style import grid_style
from ecg_assets.pages.style.layouts import Layout, UnknownLayoutError, layout_named, layouts
from ecg_assets.pages.style.page_style import PageStyle
from ecg_assets.pages.style.style_mix import StyleMixError, read_styles, style_for, styles_of
from ecg_assets.pages.upright.page import inked, trace_coverage, traces_px
from ecg_assets.records.record import LEADS, Record
from ecg_assets_tests.pages.pages import page_of, plan_of, record_of

STYLES = read_styles().styles


def competition_record(fs_hz: int = 500) -> Record:
    """As the competition has them: each lead fills its quarter alone, II all rows."""
    signal = np.full((12, 10 * fs_hz), np.nan, dtype=np.float32)
    quarters = [("I", "III"), ("aVR", "aVL", "aVF"), ("V1", "V2", "V3"), ("V4", "V5", "V6")]
    for quarter, leads in enumerate(quarters):
        begin, end = int(quarter * signal.shape[1] / 4), int((quarter + 1) * signal.shape[1] / 4)
        for lead in leads:
            signal[LEADS.index(lead), begin:end] = 0.1 * (quarter + 1)
    signal[LEADS.index("II")] = 0.3
    return Record("2", fs_hz, signal)


@pytest.mark.parametrize("name", sorted(STYLES))
def test_every_style_prints_a_page_whose_mask_is_its_ink(name: str) -> None:
    style = STYLES[name]
    record = record_of({lead: 0.6 * np.sin(np.arange(5000) / (40 + place)) for place, lead in enumerate(LEADS)})
    plan, page = plan_of(record, style), page_of(record, style)
    assert page.index_hw.shape == page.wave_hw.shape == style.shape_px
    assert page.palette.shape[0] <= 256
    assert page.index_hw.max() < page.palette.shape[0]
    coverage = trace_coverage(traces_px(plan, record), plan.stroke_px, style.shape_px)
    shown = page.wave_hw if style.qr else coverage >= 0.5
    np.testing.assert_array_equal(page.wave_hw, shown)
    assert inked(page.index_hw)[page.wave_hw].all()
    assert {panel["lead"].removeprefix("-") for panel in page.layout["panels"]} <= set(LEADS)


@pytest.mark.parametrize("speed", [12.5, 25.0, 50.0])
@pytest.mark.parametrize("gain", [5.0, 10.0, 20.0])
@pytest.mark.parametrize("dpi", [100, 200, 400])
def test_a_second_and_a_millivolt_are_as_long_as_speed_gain_and_resolution_say(
    speed: float, gain: float, dpi: int
) -> None:
    style = PageStyle(layout="3x4+1", paper_speed_mm_per_s=speed, gain_mm_per_mv=gain, dpi=dpi, separators=False)
    time_s = np.arange(5000) / 500
    step = np.where((time_s % 2.5 >= 0.2) & (time_s % 2.5 < 1.0), 1.0, 0.0)
    wave = page_of(record_of({"V1": step}), style).wave_hw
    panel = next(panel for panel in panels_of(record_of({}), style) if panel.lead == "V1")
    zero_px, px_per_mm = panel.zero_y_mm * style.px_per_mm, dpi / 25.4
    top = zero_px - gain * px_per_mm
    middle = int((panel.x0_mm + 0.6 * speed) * px_per_mm)
    rows = np.flatnonzero(wave[max(0, int(top) - 8) : int(top) + 8, middle]) + max(0, int(top) - 8) + 0.5
    assert rows.mean() == pytest.approx(top, abs=0.5)
    left, right = int((panel.x0_mm + 0.1 * speed) * px_per_mm), int((panel.x0_mm + 1.1 * speed) * px_per_mm)
    columns = np.flatnonzero(wave[int((top + zero_px) / 2), left:right]) + left + 0.5
    assert np.ptp(columns) == pytest.approx(0.8 * speed * px_per_mm, abs=2 + style.stroke_mm[1] * px_per_mm)


def printed_at(style: PageStyle, x_mm: float, y_mm: float, reach_mm: float = 0.3) -> bool:
    """Whether anything is printed around a point of an empty record's page."""
    ink = inked(page_of(Record("5", 500, np.full((12, 5000), np.nan, dtype=np.float32)), style).index_hw)
    x, y, reach = (round(mm * style.px_per_mm) for mm in (x_mm, y_mm, reach_mm))
    return bool(ink[y - reach : y + reach + 1, x - reach : x + reach + 1].any())


@pytest.mark.parametrize(
    ("pulse", "left", "right"), [("left", True, False), ("right", False, True), ("none", False, False)]
)
def test_calibration_pulses_stand_at_the_end_that_the_style_says(pulse: str, left: bool, right: bool) -> None:
    style = PageStyle.model_validate({"pulse": pulse, "names": False})
    top_mm = row_zeros_mm(style)[1] - 10.0
    assert printed_at(style, 12.5, top_mm) == left
    assert printed_at(style, 15 + 250 + 2 + 2.5, top_mm) == right


@pytest.mark.parametrize("separators", [True, False])
def test_separators_stand_between_leads_when_the_style_has_them(separators: bool) -> None:
    style = PageStyle(separators=separators, names=False)
    assert printed_at(style, 15 + 62.5, row_zeros_mm(style)[0] + 2.5) == separators


def hue(colour: tuple[int, int, int]) -> str:
    _, green, blue = colour
    if max(colour) - min(colour) < 12:
        return "grey"
    if green == max(colour):
        return "green"
    if blue == max(colour):
        return "blue"
    if blue > green:
        return "pink"
    return "orange" if green > 1.2 * blue else "red"


@pytest.mark.parametrize("name", ["red", "pink", "orange", "green", "blue", "grey"])
def test_papers_have_the_colour_of_their_name_and_the_classes_of_their_5_mm_lines(name: str) -> None:
    grid = grid_style(name)
    assert grid.major is not None and grid.minor is not None
    assert hue(grid.major) == name
    paper = paper_of(PageStyle(grid=name))
    seen = paper.colours[paper.index_hw]
    for line in (1, 2, 3):
        assert (seen[paper.mask_hw == line] == grid.major).all(axis=1).mean() > 0.3
    shares = [float((paper.mask_hw == line).mean()) for line in (1, 2, 3)]
    assert shares == pytest.approx([0.071, 0.071, 0.0058], abs=0.003)


def test_dotted_papers_have_dots_5_mm_only_papers_no_1_mm_lines_and_plain_ones_nothing() -> None:
    between = np.s_[9 * 8 : 9 * 8 + 300, 9 * 8 : 9 * 8 + 300]
    lines = {name: paper_of(PageStyle(grid=name)) for name in ("red", "dotted", "5-mm-only", "none")}
    minor = {
        name: float(((paper.index_hw > 0) & (paper.index_hw <= 3))[between].mean()) for name, paper in lines.items()
    }
    assert minor["red"] > 3 * minor["dotted"] > 0
    assert minor["5-mm-only"] == minor["none"] == 0
    assert (lines["5-mm-only"].mask_hw > 0).mean() > 0.1
    assert not lines["none"].index_hw.any() and not lines["none"].mask_hw.any()


def test_the_default_mix_prints_in_all_colours_speeds_gains_and_layouts() -> None:
    styles = [style for style, _ in styles_of("default").values()]
    assert {style.grid for style in styles} >= {
        "red",
        "pink",
        "orange",
        "green",
        "blue",
        "grey",
        "dotted",
        "5-mm-only",
        "none",
    }
    assert {style.paper_speed_mm_per_s for style in styles} == {12.5, 25.0, 50.0}
    assert {style.gain_mm_per_mv for style in styles} == {5.0, 10.0, 20.0}
    assert {100, 400} <= {style.dpi for style in styles}
    assert {style.pulse for style in styles} == {"none", "left", "right"}
    assert {style.separators for style in styles} == {True, False}
    assert len({style.font for style in styles}) >= 4
    wanted = {"3x4+0", "3x4+1", "3x4+3", "6x2", "12x1", "3x1", "cabrera-6x2", "cabrera-3x4+1"}
    assert wanted <= {style.layout for style in styles}


def test_a_layout_shows_the_record_in_time_and_says_what_is_missing() -> None:
    record = competition_record()
    page = page_of(record, STYLES["kaggle"])
    assert page.layout["empty_panels"] == page.layout["partial_panels"] == []
    wide = page_of(record, PageStyle(layout="6x2")).layout
    assert wide["empty_panels"] == []
    assert {"I", "III", "aVR", "V1", "V6"} <= set(wide["partial_panels"])
    turned = page_of(record, PageStyle(layout="cabrera-3x4+1")).layout
    assert {"aVL", "-aVR", "III"} == set(turned["empty_panels"])
    rows = page_of(record, PageStyle(layout="12x1", gain_mm_per_mv=5.0)).layout
    by_lead = {panel["lead"]: panel for panel in rows["panels"]}
    assert by_lead["V4"]["x0_mm"] == pytest.approx(15 + 7.5 * 25, abs=0.1)
    assert by_lead["II"]["count"] == 5000


def test_a_minus_prints_a_lead_upside_down() -> None:
    record = record_of({"aVR": np.full(5000, -0.5)})
    style = PageStyle(layout="cabrera-6x2")
    panel = next(panel for panel in panels_of(record, style) if panel.lead == "-aVR")
    y_mm = panel.points_mm(record, style)[:, 1]
    np.testing.assert_allclose(y_mm, panel.zero_y_mm - 5, atol=1e-6)


def test_the_table_has_the_layouts_in_use() -> None:
    assert {"3x4+0", "3x4+1", "3x4+3", "6x2", "12x1", "3x1", "cabrera-3x4+1"} <= set(layouts())
    assert layout_named("3x4+3").rows == 6
    with pytest.raises(UnknownLayoutError, match=r"no layout '4x3'; layouts\.yaml has kaggle, "):
        layout_named("4x3")


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"columns": [["I", "VX"]]}, "'VX' is no lead"),
        ({"columns": [["I"], ["II", "III"]]}, "every column needs the same number of leads"),
        ({"columns": [["I", "II"]], "zero_mm": [50.0]}, "zero_mm has 1 numbers for 2 rows"),
    ],
)
def test_a_wrong_layout_is_said(fields: dict[str, object], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        Layout.model_validate(fields)


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"dpi": 72}, "greater than or equal to 100"),
        ({"paper_speed_mm_per_s": 30.0}, "expected one of 12.5, 25, 50"),
        ({"gain_mm_per_mv": 7.0}, "expected one of 5, 10, 20"),
        ({"grid": "purple"}, "there is no grid 'purple'"),
        ({"layout": "2x2"}, "there is no layout '2x2'"),
        ({"font": "Comic"}, "there is no font 'Comic'"),
        ({"stroke_mm": (0.4, 0.2)}, "stroke_mm is"),
        ({"paper_mm": (20.0, 20.0)}, "paper_mm is"),
    ],
)
def test_a_wrong_style_is_said(fields: dict[str, object], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        PageStyle.model_validate(fields)


def test_a_record_draws_its_style_by_its_id_and_the_mix_by_its_weights() -> None:
    drawn = Counter(style_for("default", 0, str(number)) for number in range(4000))
    weights = {name: weight for name, (_, weight) in styles_of("default").items()}
    for name, weight in weights.items():
        share = weight / sum(weights.values())
        assert abs(drawn[name] - 4000 * share) < 5 * np.sqrt(4000 * share) + 1, name
    assert style_for("default", 0, "17") == style_for("default", 0, "17")
    assert {style_for("default", seed, "17") for seed in range(40)} > {style_for("default", 0, "17")}


def test_a_file_of_ones_own_gives_styles_and_wrong_ones_are_named(tmp_path: Path) -> None:
    path = tmp_path / "own.yaml"
    path.write_text("styles:\n  mine: {layout: 3x1, grid: blue}\nmixes:\n  ours: {mine: 1}\n")
    assert PagesConfig(styles=f"{path}#ours").styles.endswith("#ours")
    assert styles_of(f"{path}#mine")["mine"][0].grid == "blue"
    with pytest.raises(ValidationError, match="no mix or style 'theirs'"):
        PagesConfig(styles=f"{path}#theirs")
    broken = tmp_path / "broken.yaml"
    broken.write_text("styles:\n  mine: {layout: 3x1, colour: blue}\nmixes: {}\n")
    with pytest.raises(StyleMixError, match=r"(?s)broken\.yaml.*colour"):
        styles_of(f"{broken}#mine")
    broken.write_text("styles: {}\nmixes:\n  ours: {mine: 1}\n")
    with pytest.raises(StyleMixError):
        read_styles(tmp_path / "missing.yaml")
    lost = tmp_path / "lost.yaml"
    lost.write_text("styles: {}\nmixes:\n  ours: {mine: 1}\n")
    with pytest.raises(StyleMixError, match="mix 'ours' names mine, which are no styles of this file"):
        styles_of(f"{lost}#ours")
