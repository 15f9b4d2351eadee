"""Recipes: all effects in them exist, dice fall by the seed, and the test split's are frozen."""

import hashlib
from pathlib import Path

import numpy as np
import pytest

from ecg_assets.pages.camera.effects.registry import effects
from ecg_assets.pages.camera.recipe import TABLE, TEST_TABLE, RecipeError, read_recipes, recipe_named, throw
from ecg_assets.pages.camera.warps.registry import deformations

NAMES = ["clean", "scan", "photo", "screen", "damaged"]
FROZEN = "187bc847607ab05c"


def test_the_recipes_are_those_of_the_competitions_variants() -> None:
    assert list(read_recipes()) == list(read_recipes(TEST_TABLE)) == NAMES
    assert recipe_named("clean") == recipe_named("clean").model_validate({})


def test_the_test_splits_recipes_are_frozen() -> None:
    """Scores of networks are compared on them. New ones get a new name, beside these."""
    content = "".join(recipe.model_dump_json() for recipe in read_recipes(TEST_TABLE).values())
    assert hashlib.sha256(content.encode()).hexdigest()[:16] == FROZEN


def test_every_effect_and_deformation_happens_in_some_recipe() -> None:
    recipes = read_recipes().values()
    used = {name for one in recipes for kind in (one.ink, one.covers, one.photometric) for name in kind}
    assert used == set(effects())
    assert {name for one in recipes for name in one.deformations} == set(deformations())


def test_dice_fall_by_the_seed_within_the_stated_ranges_and_as_often_as_stated() -> None:
    recipe = recipe_named("photo")
    drawn = [throw("photo", recipe, np.random.default_rng(seed)) for seed in range(400)]
    assert drawn[3] == throw("photo", recipe, np.random.default_rng(3))
    for name, chance in recipe.photometric.items():
        strengths = [one.photometric[name] for one in drawn if name in one.photometric]
        assert abs(len(strengths) - 400 * chance.p) < 60
        assert chance.strength[0] - 1e-4 <= min(strengths)
        assert max(strengths) <= chance.strength[1] + 1e-4
        assert np.ptp(strengths) > 0.8 * (chance.strength[1] - chance.strength[0])
    order = list(recipe.photometric)
    assert all(list(one.photometric) == sorted(one.photometric, key=order.index) for one in drawn)
    assert drawn[0].strengths["photo_camera"] == drawn[0].camera_strength


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("mine: {photometric: {sparkle: {}}}", "sparkle: no photometric effect; there are bleed_through, "),
        ("mine: {covers: {jpeg: {}}}", "jpeg: no cover effect"),
        ("mine: {deformations: {melt: {}}}", "melt: no deformation effect"),
        ("mine: {photometric: {jpeg: {p: 2}}}", "less than or equal to 1"),
        ("mine: {photometric: {jpeg: {strength: [0.9, 0.1]}}}", "is no range"),
        ("mine: {camera: drone}", "'upright', 'scan' or 'photo'"),
        ("- mine", "is no file of recipes"),
        ("mine: {", "is no file of recipes"),
    ],
)
def test_a_wrong_recipe_is_named_with_its_file(text: str, said: str, tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(text)
    with pytest.raises(RecipeError, match=said) as caught:
        read_recipes(path)
    assert "mine.yaml" in str(caught.value)


def test_an_unknown_recipe_is_said() -> None:
    with pytest.raises(RecipeError, match=r"no recipe 'fax' in recipes\.yaml; it has clean, scan"):
        recipe_named("fax", TABLE)
