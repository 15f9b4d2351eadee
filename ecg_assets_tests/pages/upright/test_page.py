"""The page: where things land, that image and mask are one, and that nothing of a trace is lost."""

import json
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

from ecg_assets.pages.classes import HALF_COVERED
from ecg_assets.pages.layout.panels import panels_of
from ecg_assets.pages.layout.plan import style_texts
from ecg_assets.pages.mask_check import disagreement
from ecg_assets.pages.paper.drawn_paper import line_places_px, paper_of
from ecg_assets.pages.paths import layout_path, mask_path, page_path
from ecg_assets.pages.raster.png import encode, read_grey, read_rgb
from ecg_assets.pages.raster.strokes import Coverage, strokes
from ecg_assets.pages.style.style_mix import read_styles
from ecg_assets.pages.upright.page import INK_LEVELS, Page, trace_coverage, traces_px
from ecg_assets.pages.upright.print import page_print
from ecg_assets.records.index import accepted_records
from ecg_assets.records.record import LEADS, Record
from ecg_assets.records.record_csv import read_record
from ecg_assets.store.atomic import write_bytes, write_json
from ecg_assets.store.root import DataRoot
from ecg_assets_tests.pages.pages import KAGGLE, page_of, plan_of, record_of, records_of
from ecg_assets_tests.real import real_data

PX_PER_MM = KAGGLE.px_per_mm
PX_PER_S, PX_PER_MV = 25 * PX_PER_MM, 10 * PX_PER_MM
STROKE_PX = 2.1


@pytest.mark.parametrize("fs_hz", [250, 256, 500, 512, 1000, 1025])
def test_one_millivolt_for_one_second_lands_within_half_a_pixel(fs_hz: int) -> None:
    time_s = np.arange(10 * fs_hz) / fs_hz
    step = ((time_s % 2.5 >= 0.75) & (time_s % 2.5 < 1.75)).astype(float)
    wave = page_of(record_of({"V1": step}, fs_hz)).wave_hw
    column_x = 118.11 + 2 * 2.5 * PX_PER_S
    up = np.flatnonzero((time_s >= 5) & (time_s < 7.5) & (step > 0))
    left, right = (column_x + (time_s[up[end]] - 5) * PX_PER_S for end in (0, -1))
    rows = np.arange(wave.shape[0]) + 0.5
    for x in np.linspace(left + 5, right - 5, 20).astype(int):
        column = wave[560:700, x]
        assert rows[560:700][column].mean() == pytest.approx(708.33 - PX_PER_MV, abs=0.5)
    columns = np.flatnonzero(wave[660, int(column_x) + 20 : int(column_x) + 480]) + int(column_x) + 20.5
    # Between two samples the trace runs aslant: its middle is half a sample from the first and the last that are up.
    half_sample_px = 0.5 * PX_PER_S / fs_hz
    rising, falling = columns[columns < (left + right) / 2], columns[columns > (left + right) / 2]
    assert rising.mean() == pytest.approx(left - half_sample_px, abs=0.5)
    assert falling.mean() == pytest.approx(right + half_sample_px, abs=0.5)


def test_rows_columns_and_grid_lines_stand_where_the_competition_prints_them() -> None:
    panels = panels_of(record_of({}), KAGGLE)
    rows = ["I aVR V1 V4", "II aVL V2 V5", "III aVF V3 V6", "II"]
    assert [panel.lead for panel in panels] == " ".join(rows).split()
    columns = np.array([118.11, 610.24, 1102.36, 1594.49])
    np.testing.assert_allclose([panel.x0_mm * PX_PER_MM for panel in panels[:4]], columns, atol=0.01)
    assert panels[3].right_mm * PX_PER_MM == pytest.approx(2086.61, abs=0.01)
    zeros = [panel.zero_y_mm * PX_PER_MM for panel in panels[::4]]
    np.testing.assert_allclose(zeros, [708.33, 991.67, 1275.00, 1534.71], atol=0.01)
    lines_y, lines_x = line_places_px(KAGGLE.grid_lines, PX_PER_MM, 5.0, KAGGLE.shape_px)
    assert (len(lines_y), len(lines_x)) == (44, 57)
    np.testing.assert_allclose(lines_y - 0.5, 7 + 39.37 * np.arange(44), atol=0.5)
    np.testing.assert_allclose(lines_x[:56] - 0.5, 39.37 * np.arange(56), atol=0.51)
    paper = paper_of(KAGGLE)
    shares = [float((paper.mask_hw == line).mean()) for line in (1, 2, 3)]
    assert shares == pytest.approx([0.071, 0.070, 0.0058], abs=0.0015)
    colours = paper.colours[paper.index_hw]
    assert (colours[7] == (255, 0, 0)).all()
    assert colours[:, 39].tolist().count([255, 0, 0]) == 1700
    minor = colours[10:37, 8]
    assert (minor[1:6] == (254, 223, 219)).all()


def test_pulse_separators_names_header_and_footer_stand_where_the_competition_prints_them() -> None:
    page = page_of(record_of({}))
    inked = page.index_hw % INK_LEVELS >= INK_LEVELS // 2
    print_only = inked & ~page.wave_hw
    pulse = np.argwhere(print_only[600:700, 70:125])
    assert pulse[:, 0].min() + 600 == pytest.approx(708.33 - 78.74, abs=1.5)
    assert (pulse[:, 1].min() + 70.5, pulse[:, 1].max() + 70.5) == pytest.approx((78.74, 118.11), abs=1.5)
    bar = np.argwhere(print_only[640:760, 600:620])
    assert (bar[:, 0].min() + 640.5, bar[:, 0].max() + 640.5) == pytest.approx((683.5, 733.1), abs=1)
    assert np.ptp(bar[:, 1]) + 1 == pytest.approx(6.25, abs=1)
    boxes = {(text["kind"], text["text"]): text["box_px"] for text in page.layout["texts"]}
    assert boxes["footer", "25mm/s"][0] == pytest.approx(393.7, abs=3)
    assert boxes["footer", "10mm/mV"][0] == pytest.approx(787.4, abs=3)
    assert boxes["footer", "10mm/mV"][3] == pytest.approx(1660.6, abs=10)
    assert boxes["name", "V1"][3] == pytest.approx(708.33 + 0.7 * PX_PER_MV, abs=3)
    headers = sorted(box[0] for (kind, _), box in boxes.items() if kind == "header")
    assert headers[0] == pytest.approx(10, abs=3)
    assert headers[-1] == pytest.approx(1190, abs=3)


def ink_box(page: Page, box: tuple[int, int, int, int]) -> tuple[float, float, float, float]:
    """Left, top, right, bottom in px of the print within (left, top, right, bottom), to a fraction by its coverage."""
    left, top, right, bottom = box
    level = (page.index_hw % INK_LEVELS)[top:bottom, left:right] / (INK_LEVELS - 1)
    edges = []
    for profile, start in ((level.max(axis=0), left), (level.max(axis=1), top)):
        inked = np.flatnonzero(profile > 0.03)
        edges.append((start + inked[0] + 1 - profile[inked[0]], start + inked[-1] + profile[inked[-1]]))
    (x0, x1), (y0, y1) = edges
    return float(x0), float(y0), float(x1), float(y1)


def test_bars_and_baselines_stand_within_half_a_pixel_of_the_competitions() -> None:
    page = page_of(record_of({lead: np.full(5000, np.nan) for lead in LEADS}))
    half_stroke = STROKE_PX / 2
    for zero in (708.33, 991.67, 1275.00, 1534.71):
        pulse = ink_box(page, (60, int(zero) - 100, 130, int(zero) + 8))
        expected = (78.74 - half_stroke, zero - 78.74 - half_stroke, 118.11 + half_stroke, zero + half_stroke)
        assert pulse == pytest.approx(expected, abs=0.5)
    for zero in (708.33, 991.67, 1275.00):
        for x in (610.24, 1102.36, 1594.49):
            bar = ink_box(page, (int(x) - 9, int(zero) - 40, int(x) + 9, int(zero) + 40))
            assert bar == pytest.approx((x - 3.125, zero - 24.8, x + 3.125, zero + 24.8), abs=0.5)
        name = ink_box(page, (1106, int(zero) + 30, 1160, int(zero) + 62))
        assert name[3] == pytest.approx(zero + 0.7 * 78.74, abs=0.5 + 0.5)  # a V's foot ends on a pixel
    texts = {(text.kind, text.text): text for text in style_texts(KAGGLE)}
    strip = style_texts(KAGGLE)[12]
    assert strip.text == "II"
    assert strip.baseline_mm * PX_PER_MM == pytest.approx(1597.7, abs=0.5)
    for text, x in (("25mm/s", 393.7), ("10mm/mV", 787.4)):
        footer = texts["footer", text]
        assert footer.x_mm * PX_PER_MM == pytest.approx(x, abs=0.5)
        assert footer.baseline_mm * PX_PER_MM == pytest.approx(1660.6, abs=0.5)
    head = {text.text.partition(":")[0]: text.x_mm * PX_PER_MM for text in plan_of(record_of({})).header}
    assert [head[name] for name in ("ID", "Age", "Sex")] == pytest.approx([10] * 3, abs=0.5)
    assert [head[name] for name in ("Name", "Height")] == pytest.approx([600] * 2, abs=0.5)
    assert [head[name] for name in ("Date", "Weight")] == pytest.approx([1190] * 2, abs=0.5)


def test_a_page_read_back_is_half_covered_exactly_where_its_mask_is_wave(made_root: DataRoot) -> None:
    for record_id in accepted_records(made_root)["id"]:
        assert disagreement(made_root, record_id) is None


def test_a_mask_that_is_off_by_one_pixel_is_noticed(made_root: DataRoot, tmp_path: Path) -> None:
    record_id = accepted_records(made_root)["id"].iloc[0]
    root = DataRoot(tmp_path, 1)
    for path in (page_path, layout_path, mask_path):
        target = path(root, record_id)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(path(made_root, record_id).read_bytes())
    mask = read_grey(mask_path(root, record_id)).copy()
    row, column = np.argwhere(mask[:1000, 700:] > 0)[50]
    mask[row, column + 700] = 0
    mask_path(root, record_id).write_bytes(encode(mask))
    assert "1 pixels are wave" in (disagreement(root, record_id) or "")


def test_a_mask_in_print_and_one_beneath_the_code_are_noticed(made_root: DataRoot, tmp_path: Path) -> None:
    record = record_of({"V4": np.full(5000, 7.5)})  # runs beneath the code
    style = read_styles().styles["kaggle-print"]
    plan, page = plan_of(record, style), page_of(record, style)
    root = DataRoot(tmp_path, 1)
    write_json(layout_path(root, "1"), page.layout)
    write_bytes(page_path(root, "1"), encode(page.index_hw, page.palette))
    wave = page.wave_hw.astype(np.uint8) * 255
    write_bytes(mask_path(root, "1"), encode(wave))
    assert disagreement(root, "1") is None
    printed, code = page_print(plan)
    assert code is not None
    # A pixel at a letter's edge that is hardly inked, and a dark module's.
    edge = np.argwhere((printed > 0) & (printed < 60) & (wave == 0))[0]
    module = np.argwhere(code.coverage > 0)[0] + (code.row, code.column)
    for row, column in (edge, module):
        wrong = wave.copy()
        wrong[row, column] = 255
        write_bytes(mask_path(root, "1"), encode(wrong))
        assert "1 pixels are wave" in (disagreement(root, "1") or "")


def test_ink_and_mask_come_from_the_same_coverage(made_root: DataRoot) -> None:
    for record in records_of(made_root)[:4]:
        plan, page = plan_of(record), page_of(record)
        coverage = trace_coverage(traces_px(plan, record), plan.stroke_px, (1700, 2200))
        np.testing.assert_array_equal(page.wave_hw, coverage >= HALF_COVERED)
        alone = page_print(plan)[0] == 0
        level = page.index_hw % INK_LEVELS
        np.testing.assert_array_equal(level[alone], np.rint(coverage * (INK_LEVELS - 1))[alone])


def assert_no_sample_is_cut(record: Record) -> None:
    wave = page_of(record).wave_hw
    for panel in panels_of(record, KAGGLE):
        x, y = panel.points_mm(record, KAGGLE).T * PX_PER_MM
        inside = np.isfinite(y) & (y >= 0) & (y < 1700)
        lost = ~wave[y[inside].astype(int), x[inside].astype(int)]
        assert not lost.any(), f"{record.id} {panel.lead}: samples {np.flatnonzero(lost)[:5]} lie outside of the mask"


def test_the_extreme_pixel_of_each_beat_is_in_the_mask(made_root: DataRoot) -> None:
    for record in records_of(made_root):
        assert_no_sample_is_cut(record)


@pytest.mark.real
def test_the_extreme_pixel_of_each_beat_is_in_the_mask_on_real_records(tmp_path: Path) -> None:
    from ecg_assets.records.sources.archive import unpack

    unpack(real_data() / "ori_csv" / "train-csvs.tar.gz", tmp_path / "real")
    paths = sorted((tmp_path / "real").rglob("*.csv"))[:60]
    for path in paths:
        fs_hz = (len(path.read_text().splitlines()) - 1) // 10
        assert_no_sample_is_cut(read_record(path, path.stem, fs_hz))


def supersampled(x: npt.NDArray[np.float64], y: npt.NDArray[np.float64], radius: float, side: int) -> Coverage:
    """The stroke by brute force: 16 x 16 points a pixel, each inside when near enough to any segment."""
    fine = (np.arange(side * 16) + 0.5) / 16
    px, py = np.meshgrid(fine, fine)
    inside = np.zeros(px.shape, dtype=bool)
    for x0, y0, x1, y1 in zip(x[:-1], y[:-1], x[1:], y[1:], strict=True):
        along = np.clip(((px - x0) * (x1 - x0) + (py - y0) * (y1 - y0)) / ((x1 - x0) ** 2 + (y1 - y0) ** 2), 0, 1)
        inside |= (px - x0 - along * (x1 - x0)) ** 2 + (py - y0 - along * (y1 - y0)) ** 2 <= radius**2
    coverage: Coverage = inside.reshape(side, 16, side, 16).mean(axis=(1, 3)).astype(np.float32)
    return coverage


def test_the_stroke_is_that_of_a_round_pen() -> None:
    rng = np.random.default_rng(3)
    x = np.linspace(4, 92, 60)
    y = 48 + 8 * np.sin(x / 7) + rng.normal(0, 1, 60)
    y[20:24] = [45.0, 8.0, 84.0, 50.0]
    page = np.zeros((96, 96), dtype=np.float32)
    strokes([np.stack([x, y], axis=1)], STROKE_PX, (96, 96)).put_on(page)
    truth = supersampled(x, y, STROKE_PX / 2, 96)
    drawn, wanted = page >= 0.5, truth >= 0.5
    assert (drawn & wanted).sum() / (drawn | wanted).sum() >= 0.97
    assert page.sum() / truth.sum() == pytest.approx(1.0, abs=0.015)
    assert np.abs(page - truth).mean() <= 3 / 255


@pytest.mark.parametrize(
    "values",
    [
        np.full(5000, 20.0),
        np.where(np.arange(5000) % 50 == 0, -20.0, 20.0),
        np.where(np.arange(5000) % 700 < 100, np.nan, 0.3),
        np.where(np.arange(5000) == 100, 0.5, np.nan),
    ],
    ids=["off the page", "spikes that leave the page", "gaps", "one sample"],
)
def test_odd_signals_still_give_a_page_and_a_mask_of_one_size(values: npt.NDArray[np.float64]) -> None:
    page = page_of(record_of({"II": values, "V4": values}))
    assert page.index_hw.shape == page.wave_hw.shape == (1700, 2200)


def test_gaps_stay_empty() -> None:
    values = np.where((np.arange(5000) >= 500) & (np.arange(5000) < 700), np.nan, 0.0)
    wave = page_of(record_of({"I": values})).wave_hw
    begin, end = 118.11 + 1.0 * PX_PER_S, 118.11 + 1.4 * PX_PER_S
    assert not wave[700:716, int(begin + 2) : int(end - 2)].any()
    assert wave[700:716, int(end + 3)].any()


def test_pages_open_alike_in_pillow_and_opencv(made_root: DataRoot) -> None:
    record_id = accepted_records(made_root)["id"].iloc[0]
    record = records_of(made_root)[0]
    path = page_path(made_root, record_id)
    page = page_of(record)
    expected = page.palette[page.index_hw]
    np.testing.assert_array_equal(read_rgb(path), expected)
    np.testing.assert_array_equal(np.asarray(cv2.imread(str(path), cv2.IMREAD_COLOR))[:, :, ::-1], expected)
    with Image.open(path) as image:
        assert image.size == (2200, 1700)
        assert image.info["dpi"] == pytest.approx((200, 200), abs=0.1)
    mask = np.asarray(cv2.imread(str(mask_path(made_root, record_id)), cv2.IMREAD_UNCHANGED))
    assert sorted(np.unique(mask)) == [0, 255]


def test_the_layout_tells_where_each_lead_stands(made_root: DataRoot) -> None:
    record_id = accepted_records(made_root)["id"].iloc[0]
    layout = json.loads(layout_path(made_root, record_id).read_text())
    assert [panel["lead"] for panel in layout["panels"]][-1] == "II"
    assert layout["panels"][-1]["count"] == 10 * layout["panels"][-1]["fs_hz"]
    assert (layout["px_per_mm"], layout["empty_panels"]) == (pytest.approx(7.874, abs=1e-3), [])
