"""Pictures of pages: after any warp the mask is what is drawn, and no colour ever moves it."""

from dataclasses import replace
from itertools import pairwise

import cv2
import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ecg_assets.pages.camera.framing import square, whole_page
from ecg_assets.pages.camera.picture import Picture, Sheet, take_picture
from ecg_assets.pages.camera.recipe import DrawnRecipe, read_recipes, recipe_named, throw
from ecg_assets.pages.camera.sheet import sheet_of
from ecg_assets.pages.camera.warps.camera import photo_camera, upright_camera, view
from ecg_assets.pages.camera.warps.registry import Deformation, deformation_named, deformations
from ecg_assets.pages.camera.warps.warp import PageWarp
from ecg_assets.pages.paper.drawn_paper import paper_of
from ecg_assets.pages.style.page_style import PageStyle
from ecg_assets.pages.style.style_mix import read_styles
from ecg_assets.records.record import LEADS, Record
from ecg_assets_tests.pages.pages import KAGGLE, page_of, plan_of, record_of

STYLES = read_styles().styles
PLAIN = throw("clean", recipe_named("clean"), np.random.default_rng(0))


def beating_record() -> Record:
    """Narrow beats over slow waves, different in each lead."""
    time_s = np.arange(5000) / 500
    leads = {}
    for place, lead in enumerate(LEADS):
        beat = np.exp(-(((time_s % 0.8) - 0.4) ** 2) / (2 * 0.012**2)) * (1.2 if place % 2 else -0.9)
        leads[lead] = beat + 0.15 * np.sin(2 * np.pi * time_s * (0.7 + 0.05 * place))
    return record_of(leads)


def sheet_in(style: PageStyle = KAGGLE) -> Sheet:
    record = beating_record()
    return sheet_of(plan_of(record, style), record)


def bent(name: str, strength: float, seed: int, style: PageStyle) -> Deformation:
    return deformation_named(name)(np.random.default_rng(seed), strength, style.paper_mm)


def test_an_upright_picture_is_the_page() -> None:
    record, sheet = beating_record(), sheet_in()
    page = page_of(record)
    warp = PageWarp(upright_camera(KAGGLE.px_per_mm), [], KAGGLE.paper_mm, (2200, 1700))
    picture = take_picture(sheet, warp, PLAIN, np.random.default_rng(0))
    wave = picture.mask_hw == 4
    assert iou(wave, page.wave_hw) > 0.97
    grid = paper_of(KAGGLE).mask_hw.copy()
    same = (grid == picture.mask_hw) | wave | page.wave_hw
    assert same.mean() > 0.985
    difference = np.abs(picture.image_hwc.astype(int) - page.palette[page.index_hw]).max(axis=2)
    # A picture has its lines where they belong; the page rounds them to whole pixels.
    assert (difference > 60).mean() < 0.08


def iou(one: npt.NDArray[np.bool_], other: npt.NDArray[np.bool_]) -> float:
    return float((one & other).sum() / (one | other).sum())


UNPRINTED = KAGGLE.model_copy(update={"separators": False, "names": False, "header": "none", "pulse": "none"})


def seen_through(name: str, style: PageStyle = UNPRINTED) -> tuple[Sheet, PageWarp, Picture]:
    bends = [bent(name, 1.0, 5, style)]
    camera = photo_camera(style.paper_mm, (2200, 1700), np.random.default_rng(5), 0.8)
    warp = PageWarp(view(camera, 500, 500, 700, 640), bends, style.paper_mm, (640, 640))
    sheet = sheet_in(style)
    return sheet, warp, take_picture(sheet, warp, PLAIN, np.random.default_rng(0))


def test_bare_paper_without_a_drop_of_ink_is_a_picture_too() -> None:
    sheet = sheet_in()
    bare = replace(sheet, traces_mm=[], print_hw=np.zeros_like(sheet.print_hw))
    warp = PageWarp(upright_camera(KAGGLE.px_per_mm), [], KAGGLE.paper_mm, (256, 256))
    picture = take_picture(bare, warp, PLAIN, np.random.default_rng(0))
    assert not (picture.mask_hw == 4).any()
    assert (picture.image_hwc[..., 0] > 200).all()


@pytest.mark.parametrize("name", sorted(deformations()))
def test_after_a_warp_the_trace_is_where_its_points_are_and_nowhere_else(name: str) -> None:
    sheet, warp, picture = seen_through(name)
    wave = picture.mask_hw == 4
    near = np.zeros_like(wave)
    for trace in sheet.traces_mm:
        points = warp.to_picture(trace)
        dense = np.concatenate(
            [begin + (end - begin) * np.linspace(0, 1, 12)[:, None] for begin, end in pairwise(points)]
        )
        inside = dense[((dense >= 1) & (dense < 639)).all(axis=1)]
        if not len(inside):
            continue
        pixels = np.floor(inside).astype(int)
        assert wave[pixels[:, 1], pixels[:, 0]].mean() > 0.995
        near[pixels[:, 1], pixels[:, 0]] = True
    reach = int(np.ceil(sheet.plan.stroke_mm * 9 / 2)) + 1
    around = cv2.dilate(near.view(np.uint8), np.ones((2 * reach + 1, 2 * reach + 1), np.uint8)) > 0
    border = np.zeros_like(wave)
    border[8:-8, 8:-8] = True
    assert not (wave & border & ~around).any()


@pytest.mark.parametrize("name", sorted(deformations()))
def test_after_a_warp_each_class_line_runs_unbroken_along_its_line_and_keeps_its_width(name: str) -> None:
    _, warp, picture = seen_through(name)
    grid, half_px_mm = KAGGLE.grid_lines, 0.5 / KAGGLE.px_per_mm
    along = np.linspace(0, 279.4, 4000)
    for axis, kinds in ((1, (1, 3, 4)), (0, (2, 3, 4))):
        first = (grid.first_x_mm, grid.first_y_mm)[axis] + half_px_mm
        for line_mm in np.arange(first, (279.4, 215.9)[axis], 5.0):
            points = np.full((len(along), 2), line_mm)
            points[:, 1 - axis] = np.linspace(0.5, (279.4, 215.9)[1 - axis] - 0.5, len(along))
            seen = warp.to_picture(points)
            inside = seen[((seen >= 0) & (seen < 640)).all(axis=1)]
            if not len(inside):
                continue
            pixels = np.floor(inside).astype(int)
            classes = picture.mask_hw[pixels[:, 1], pixels[:, 0]]
            assert np.isin(classes, kinds).all()
    # Width: of the paper's area 0.38 of every 5 mm in each direction; traces take a little.
    lines = np.isin(picture.mask_hw, (1, 3)).mean(), np.isin(picture.mask_hw, (2, 3)).mean()
    assert lines == pytest.approx((0.076, 0.076), rel=0.12)


def test_lines_keep_the_papers_own_directions_when_the_picture_is_turned() -> None:
    turn = np.array([[0.0, -1.0, 1700.0], [1.0, 0.0, 0.0], [0, 0, 1]])
    warp = PageWarp(turn @ upright_camera(KAGGLE.px_per_mm), [], KAGGLE.paper_mm, (1700, 2200))
    mask = take_picture(sheet_in(), warp, PLAIN, np.random.default_rng(0)).mask_hw
    # A quarter turn: what is horizontal on the paper now runs down the picture.
    assert (mask == 1).mean(axis=0).max() > 0.8 > (mask == 1).mean(axis=1).max()
    assert (mask == 2).mean(axis=1).max() > 0.8 > (mask == 2).mean(axis=0).max()


@pytest.mark.parametrize("name", ["scan", "photo", "screen", "damaged"])
def test_colours_never_move_a_mask(name: str) -> None:
    sheet = sheet_in(STYLES["pink-3x4"])
    everything = throw(name, recipe_named(name), np.random.default_rng(1)).model_copy(
        update={
            "covers": {},
            "photometric": dict.fromkeys(recipe_named(name).photometric, 1.0),
            "ink": dict.fromkeys(recipe_named(name).ink, 1.0),
        }
    )
    nothing = everything.model_copy(update={"photometric": {}, "ink": {}})
    strong, plain = (square(sheet, one, 256, np.random.default_rng(9)) for one in (everything, nothing))
    np.testing.assert_array_equal(strong.mask_hw, plain.mask_hw)
    assert np.abs(strong.image_hwc.astype(int) - plain.image_hwc).mean() > 10


def test_what_covers_the_page_and_what_is_no_paper_is_background() -> None:
    sheet = sheet_in()
    covered = DrawnRecipe(**(PLAIN.model_dump() | {"covers": {"occlusion": 1.0}, "camera": "photo"}))
    bare = covered.model_copy(update={"covers": {}})
    pictures = [whole_page(sheet, one, np.random.default_rng(4)) for one in (covered, bare)]
    hidden = (pictures[0].mask_hw == 0) & (pictures[1].mask_hw > 0)
    assert hidden.mean() > 0.001
    shown = pictures[0].mask_hw > 0
    np.testing.assert_array_equal(pictures[0].mask_hw[shown], pictures[1].mask_hw[shown])
    warp = PageWarp(
        np.array([[4.0, 0, 100], [0, 4.0, 100], [0, 0, 1]]), [], KAGGLE.paper_mm, (1400, 1100)
    )  # the paper ends at 1217.6 x 963.6
    mask = take_picture(sheet, warp, PLAIN, np.random.default_rng(0)).mask_hw
    assert not mask[:, :99].any()
    assert not mask[965:].any()
    assert not mask[:, 1219:].any()
    assert mask[100:960, 100:1215].any(axis=0).mean() > 0.9


def test_a_picture_tells_scale_places_warp_and_what_happened() -> None:
    sheet = sheet_in()
    drawn = throw("photo", recipe_named("photo"), np.random.default_rng(2))
    about = whole_page(sheet, drawn, np.random.default_rng(2)).about
    assert (about["recipe"], about["layout"], about["gain_mm_per_mv"]) == ("photo", "kaggle", 10.0)
    assert about["strengths"] == drawn.strengths
    assert 4 < about["px_per_mm_x"] < 12
    assert [box["lead"] for box in about["leads"]][:4] == ["I", "aVR", "V1", "V4"]
    assert {box["text"] for box in about["labels"]} >= {"V1", "25mm/s"}
    assert len(about["pulses"]) == 4
    warp = about["warp_px"]
    assert np.array(warp["picture_px"]).shape == (len(warp["y_mm"]), len(warp["x_mm"]), 2)
    box = next(box for box in about["leads"] if box["lead"] == "V1")
    left = np.array(box["corners_px"])[[0, 3]].mean(axis=0)
    panel = next(panel for panel in sheet.plan.panels if panel.lead == "V1")
    column = int(np.argmin(np.abs(np.array(warp["x_mm"]) - panel.left_mm)))
    row = int(np.argmin(np.abs(np.array(warp["y_mm"]) - panel.zero_y_mm)))
    assert np.linalg.norm(left - np.array(warp["picture_px"])[row][column]) < 30 * about["px_per_mm_x"]


SHEETS = {name: sheet_in(STYLES[name]) for name in ("kaggle-print", "grey-6x2", "plain-paper", "coarse-print")}


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    style=st.sampled_from(sorted(SHEETS)),
    recipe=st.sampled_from(sorted(read_recipes())),
    seed=st.integers(0, 2**32 - 1),
)
def test_any_recipe_gives_a_picture_and_a_mask_of_one_size_and_the_same_again(
    style: str, recipe: str, seed: int
) -> None:
    def picture() -> Picture:
        rng = np.random.default_rng(seed)
        return square(SHEETS[style], throw(recipe, recipe_named(recipe), rng), 160, rng)

    one, again = picture(), picture()
    assert one.image_hwc.shape == (160, 160, 3)
    assert one.mask_hw.shape == (160, 160)
    assert one.image_hwc.dtype == one.mask_hw.dtype == np.uint8
    assert set(np.unique(one.mask_hw)) <= {0, 1, 2, 3, 4}
    if STYLES[style].grid == "none":
        assert not np.isin(one.mask_hw, (1, 2, 3)).any()
    np.testing.assert_array_equal(one.image_hwc, again.image_hwc)
    np.testing.assert_array_equal(one.mask_hw, again.mask_hw)
    assert one.about == again.about
