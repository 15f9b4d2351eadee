"""Training pieces of flat pages: the trace lies on its ink, whatever the camera did."""

from pathlib import Path

import numpy as np
import pytest

from ecg_assets.digitize.benchmark.rendered_pages import records_of_split
from ecg_assets.digitize.trace_network.dataset import CROP_PX, CROPS_A_PAGE, page_pieces, write_flat_dataset
from ecg_assets.digitize.trace_network.samples import HIDDEN_WITHIN_MM, UNKNOWN, FlatPair, draw_flat_pair, hidden
from ecg_assets.pages.style.style_mix import read_styles
from ecg_assets.records.record import Record
from ecg_assets_tests.conftest import quiet

RECORD = records_of_split("validation", 1)[0]
SCALE = (16, 8)


def pair(recipe: str, seed: int = 0) -> FlatPair:
    return draw_flat_pair(RECORD, recipe, "kaggle", read_styles().styles["kaggle"], seed, SCALE)


@pytest.mark.parametrize("recipe", ["clean", "photo"])
def test_the_trace_lies_on_the_ink_and_nowhere_else(recipe: str) -> None:
    drawn = pair(recipe)
    value = drawn.image_hwc.max(axis=2).astype(int)
    on = (drawn.trace_hw > 200) & (drawn.trace_hw != UNKNOWN)
    moved = [np.roll(on, shift, axis=0) & (drawn.trace_hw == 0) for shift in (-24, 24)]
    assert value[on].mean() < min(value[other].mean() for other in moved) - 40


def test_the_same_page_again_is_the_same() -> None:
    one, other = pair("photo", 3), pair("photo", 3)
    assert (one.image_hwc == other.image_hwc).all() and (one.trace_hw == other.trace_hw).all()
    assert not np.array_equal(one.image_hwc, pair("photo", 4).image_hwc)


def test_what_is_hidden_is_not_asked_for() -> None:
    """Where a thing lies over the trace, of which the picture's mask then has nothing, and nowhere else."""
    trace_hw = np.zeros((80, 320), np.uint8)
    trace_hw[40:42] = 254
    seen_hw = trace_hw > 0
    seen_hw[:, 100:200] = False
    target_hw = hidden(trace_hw, seen_hw, SCALE)
    reach_px = round(HIDDEN_WITHIN_MM * SCALE[0])
    assert (target_hw[40:42, 100 + reach_px : 200 - reach_px] == UNKNOWN).all()
    assert (target_hw[40:42, : 100 + reach_px] == 254).all() and (target_hw[40:42, 200 - reach_px :] == 254).all()
    assert not target_hw[:40].any() and not target_hw[42:].any()


def test_a_thing_over_a_damaged_page_s_trace_is_left_out() -> None:
    covered = pair("damaged", 26)
    assert 0.005 < float((covered.trace_hw == UNKNOWN).sum() / (covered.trace_hw > 0).sum()) < 0.5


def test_pieces_are_made_once_and_gone_on_with(tmp_path: Path) -> None:
    asked: list[int] = []

    def load(number: int) -> Record:
        asked.append(number)
        return RECORD

    (path,) = write_flat_dataset(tmp_path, load, [7], 0, quiet)
    pieces = np.load(path)
    assert pieces.shape == (CROPS_A_PAGE, CROP_PX[1], CROP_PX[0], 4)
    assert (pieces == page_pieces(RECORD, 7, 0)).all()
    assert write_flat_dataset(tmp_path, load, [7], 0, quiet) == [path]
    assert asked == [7]
