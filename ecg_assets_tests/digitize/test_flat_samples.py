"""Training pieces of flat pages: the trace lies on its ink, whatever the camera did."""

from pathlib import Path

import numpy as np
import pytest

from ecg_assets.digitize.flat_dataset import CROP_PX, CROPS_A_PAGE, page_pieces, write_flat_dataset
from ecg_assets.digitize.flat_samples import UNKNOWN, FlatPair, draw_flat_pair
from ecg_assets.digitize.trial import records_of_split
from ecg_assets.pages.mix import read_styles
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
    covered = [pair("damaged", seed) for seed in range(6)]
    shares = [float((one.trace_hw == UNKNOWN).sum() / (one.trace_hw > 0).sum()) for one in covered]
    assert max(shares) > 0
    assert max(shares) < 0.5


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
