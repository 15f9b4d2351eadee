"""How pages are turned, and what a turned or rescaled page is read as, with the weights that come with the package."""

from dataclasses import replace

import cv2
import numpy as np
import pytest

from ecg_assets.pages.camera.framing import whole_page
from ecg_assets.pages.camera.picture import Picture
from ecg_assets.pages.camera.recipe import TEST_TABLE, recipe_named, throw
from ecg_assets.pages.camera.sheet import sheet_of
from ecg_assets.pages.config import PagesConfig
from ecg_assets.pages.layout.plan import plan_page
from ecg_assets.pages.paper.papers import StyledPapers
from ecg_assets.scans.orientation.detect import quarter_turns
from ecg_assets.scans.segment import Segmenter
from ecg_assets.store.root import DataRoot
from ecg_assets.training.checkpoints.checkpoint import load_network
from ecg_assets.weights import SEGMENTATION, weights_path
from ecg_assets_tests.pages.pages import records_of

RECIPES = ("clean", "scan", "photo")


def pictured(root: DataRoot, number: int, recipe: str) -> Picture:
    """A synthetic page of the default mix, through a recipe of the test split."""
    papers, rng = StyledPapers(PagesConfig()), np.random.default_rng(number)
    records = records_of(root)
    record = replace(records[number % len(records)], id=f"turned-{number}")
    styled = papers[papers.name_for(record.id)]
    sheet = sheet_of(plan_page(record, styled.name, styled.style, 0), record)
    return whole_page(sheet, throw(recipe, recipe_named(recipe, TEST_TABLE), rng), rng)


def test_pages_turned_at_random_are_turned_back(made_root: DataRoot) -> None:
    """At least 95 of 100 over a long run (see the model card); of the twelve here one may be wrong."""
    right = 0
    for number in range(12):
        turn = number % 4
        image = np.ascontiguousarray(np.rot90(pictured(made_root, number, RECIPES[number % 3]).image_hwc, turn))
        found, sure = quarter_turns(image)
        assert 0.25 <= sure <= 1
        right += found == -turn % 4
    assert right >= 11


@pytest.mark.parametrize(("turn", "scale"), [(2, 1.0), (1, 1.6)])
def test_a_turned_and_rescaled_page_is_read_as_the_upright_one(made_root: DataRoot, turn: int, scale: float) -> None:
    picture = pictured(made_root, 3, "clean")
    image = cv2.resize(picture.image_hwc, None, fx=scale, fy=scale, interpolation=cv2.INTER_CUBIC)
    truth = cv2.resize(picture.mask_hw, image.shape[1::-1], interpolation=cv2.INTER_NEAREST)
    image, truth = (np.ascontiguousarray(np.rot90(one, turn)) for one in (image, truth))
    read = Segmenter.load(weights_path(SEGMENTATION)).segment_image(image)
    assert read.mask_hw.shape == truth.shape
    assert read.page.quarter_turns == -turn % 4
    assert read.scale_from == "grid"
    true_px_per_mm = picture.about["px_per_mm_x"] * scale
    assert read.px_per_mm == pytest.approx((true_px_per_mm, true_px_per_mm), rel=0.04)
    near = cv2.dilate((truth == 4).astype(np.uint8), np.ones((5, 5), np.uint8))
    wave = read.mask_hw == 4
    assert (near[wave] > 0).mean() > 0.9
    assert wave.sum() > 0.5 * (truth == 4).sum()


def test_the_weights_of_the_package_load() -> None:
    assert load_network(weights_path(SEGMENTATION)).classes == 5
