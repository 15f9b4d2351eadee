"""What the frozen recipes draw is frozen too: else scores of networks before and after a change could not be compared.

`python -m ecg_assets_tests.pages.camera.test_frozen_pictures` writes the reference again; that begins a new series of
scores.
"""

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import pytest

from ecg_assets.pages.camera.framing import square
from ecg_assets.pages.camera.picture import Sheet
from ecg_assets.pages.camera.recipe import TEST_TABLE, read_recipes, recipe_named, throw
from ecg_assets.pages.camera.sheet import sheet_of
from ecg_assets.pages.style.style_mix import read_styles
from ecg_assets.records.record import LEADS, Record
from ecg_assets.samples.non_ecg import not_ecg
from ecg_assets_tests.pages.pages import plan_of, record_of

REFERENCE = Path(__file__).parent / "frozen_pictures.npz"
STYLES = ("kaggle-print", "machine-3x4", "blue-6x2")
SEEDS = (11, 12, 13)
SIDE_PX, TILES = 256, 16
# Rounding differs between processors. A changed effect moves whole tiles.
MOST_MEAN_LEVELS, MOST_LEVELS, MOST_SHARE = 0.1, 4, 0.001

Tiles = npt.NDArray[np.uint8]
Shares = npt.NDArray[np.float64]


def record() -> Record:
    time_s = np.arange(5000) / 500
    return record_of(
        {
            lead: np.exp(-(((time_s % 0.8) - 0.4) ** 2) / (2 * 0.012**2)) * (1.1 - 0.15 * place)
            + 0.1 * np.sin(2 * np.pi * time_s * (0.7 + 0.05 * place))
            for place, lead in enumerate(LEADS)
        }
    )


def sheets() -> list[Sheet]:
    styles, drawn = read_styles().styles, record()
    return [sheet_of(plan_of(drawn, styles[name]), drawn) for name in STYLES]


def tiles(image_hwc: npt.NDArray[np.uint8]) -> Tiles:
    """(16, 16, 3) uint8: the picture's mean colours."""
    small: Tiles = cv2.resize(image_hwc, (TILES, TILES), interpolation=cv2.INTER_AREA)
    return small


def shares(mask_hw: npt.NDArray[np.uint8]) -> Shares:
    """(5,) float64: the classes' shares of a mask."""
    counted: Shares = np.bincount(mask_hw.ravel(), minlength=5) / mask_hw.size
    return counted


def drawn_with(name: str) -> tuple[Tiles, Shares]:
    """Pictures by a frozen recipe: (n, 16, 16, 3) colours and (n, 5) shares of the classes."""
    seen = []
    for sheet, seed in zip(sheets(), SEEDS, strict=True):
        rng = np.random.default_rng(seed)
        picture = square(sheet, throw(name, recipe_named(name, TEST_TABLE), rng), SIDE_PX, rng)
        seen.append((tiles(picture.image_hwc), shares(picture.mask_hw)))
    return np.stack([one for one, _ in seen]), np.stack([one for _, one in seen])


def drawn_without_ecg() -> Tiles:
    """(8, 16, 16, 3): the test split's pictures that show no ECG."""
    plain = throw("clean", recipe_named("clean", TEST_TABLE), np.random.default_rng(0))
    return np.stack([tiles(not_ecg(SIDE_PX, plain, np.random.default_rng(seed)).image_hwc) for seed in range(8)])


def apart(one: Tiles, other: Tiles) -> tuple[float, int]:
    levels = np.abs(one.astype(int) - other)
    return float(levels.mean()), int(levels.max())


@pytest.mark.parametrize("name", list(read_recipes(TEST_TABLE)))
def test_a_frozen_recipe_draws_what_it_always_drew(name: str) -> None:
    with np.load(REFERENCE) as reference:
        colours, classes = reference[name], reference[f"{name}_shares"]
    now, now_classes = drawn_with(name)
    mean, most = apart(now, colours)
    assert mean <= MOST_MEAN_LEVELS and most <= MOST_LEVELS, (mean, most)
    np.testing.assert_allclose(now_classes, classes, atol=MOST_SHARE)


def test_the_test_splits_pictures_without_an_ecg_are_what_they_always_were() -> None:
    with np.load(REFERENCE) as reference:
        mean, most = apart(drawn_without_ecg(), reference["not_ecg"])
    assert mean <= MOST_MEAN_LEVELS and most <= MOST_LEVELS, (mean, most)


def test_a_little_more_of_one_effect_is_noticed() -> None:
    with np.load(REFERENCE) as reference:
        brighter = np.clip(reference["photo"].astype(int) + 2, 0, 255).astype(np.uint8)
        assert apart(brighter, reference["photo"])[0] > MOST_MEAN_LEVELS


if __name__ == "__main__":
    held: dict[str, Any] = {"not_ecg": drawn_without_ecg()}
    for recipe in read_recipes(TEST_TABLE):
        held[recipe], held[f"{recipe}_shares"] = drawn_with(recipe)
    np.savez_compressed(REFERENCE, **held)
