"""Recipes: the degradations of a picture, with their probabilities and strengths."""

from functools import cache
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

from ecg_assets.pages.camera.effects.registry import effects
from ecg_assets.pages.camera.warps.registry import deformations
from ecg_assets.store.safe_yaml import YamlFileError, first_problem, read_yaml

TABLE = Path(__file__).parent / "tables" / "recipes.yaml"
# The test split's recipes, frozen so that scores of different networks are comparable.
TEST_TABLE = Path(__file__).parent / "tables" / "test_recipes.yaml"
CLEAN = "clean"


class RecipeError(ValueError):
    """A recipe or its file cannot be used; the message names the file and what was expected."""


def _rising(value: tuple[float, float]) -> tuple[float, float]:
    if value[0] > value[1]:
        raise ValueError(f"{value} is no range: the first number is the smaller one")
    return value


Strength = Annotated[float, Field(ge=0, le=1)]
Range = Annotated[tuple[Strength, Strength], AfterValidator(_rising)]


class Chance(BaseModel):
    """An effect's probability, and the range of its strength, both 0 to 1."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    p: float = Field(default=1.0, ge=0, le=1)
    strength: Range = (0.0, 1.0)


class Recipe(BaseModel):
    """The degradations between the printed page and its picture, in this order.

    Attributes:
        camera: `upright` (as drawn), `scan` (nearly straight from above) or `photo` (perspective).
        camera_strength: deviation of the camera from upright.
        deformations: of the paper, in the order of application.
        ink: effects that thin the ink, but not its mask.
        covers: effects that hide the paper.
        photometric: effects that change colours only, in the order of application.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    camera: Literal["upright", "scan", "photo"] = "upright"
    camera_strength: Range = (0.0, 1.0)
    deformations: dict[str, Chance] = {}
    ink: dict[str, Chance] = {}
    covers: dict[str, Chance] = {}
    photometric: dict[str, Chance] = {}

    @model_validator(mode="after")
    def _effects_are_known(self) -> "Recipe":
        kinds = {"ink": self.ink, "cover": self.covers, "photometric": self.photometric}
        for kind, chances in kinds.items():
            known = sorted(name for name, effect in effects().items() if effect.kind == kind)
            _check_known(kind, chances, known)
        _check_known("deformation", self.deformations, sorted(deformations()))
        return self


def _check_known(kind: str, chances: dict[str, Chance], known: list[str]) -> None:
    unknown = sorted(set(chances) - set(known))
    if unknown:
        raise ValueError(f"{', '.join(unknown)}: no {kind} effect; there are {', '.join(known)}")


class DrawnRecipe(BaseModel):
    """A recipe with sampled effects and strengths, in order.

    Attributes:
        name: the recipe's.
        camera: its kind.
        camera_strength: drawn.
        deformations, ink, covers, photometric: name -> strength.
    """

    model_config = ConfigDict(frozen=True)

    name: str
    camera: Literal["upright", "scan", "photo"]
    camera_strength: float
    deformations: dict[str, float]
    ink: dict[str, float]
    covers: dict[str, float]
    photometric: dict[str, float]

    @property
    def strengths(self) -> dict[str, float]:
        """All sampled effects, with their strengths."""
        happening = {**self.deformations, **self.ink, **self.covers, **self.photometric}
        return {self.camera + "_camera": self.camera_strength, **happening}


@cache
def read_recipes(path: Path = TABLE) -> dict[str, Recipe]:
    """The recipes of a YAML file by name.

    Raises:
        RecipeError: the file cannot be read, or a field is wrong.
    """
    try:
        table = read_yaml(path)
    except YamlFileError as error:
        raise RecipeError(f"{path} is no file of recipes: {error}") from error
    if not isinstance(table, dict) or not all(isinstance(name, str) for name in table):
        raise RecipeError(f"{path} is no file of recipes: expected names, each with its effects")
    try:
        return {name: Recipe.model_validate(entry) for name, entry in table.items()}
    except ValidationError as error:
        raise RecipeError(f"{path} is no file of recipes: {first_problem(error)}") from error


def recipe_named(name: str, path: Path = TABLE) -> Recipe:
    """One recipe.

    Raises:
        RecipeError: the name does not exist.
    """
    table = read_recipes(path)
    if name not in table:
        raise RecipeError(f"there is no recipe {name!r} in {path.name}; it has {', '.join(table)}")
    return table[name]


def throw(name: str, recipe: Recipe, rng: np.random.Generator) -> DrawnRecipe:
    """Samples a recipe's effects and strengths."""
    return DrawnRecipe(
        name=name,
        camera=recipe.camera,
        camera_strength=round(float(rng.uniform(*recipe.camera_strength)), 4),
        deformations=_thrown(recipe.deformations, rng),
        ink=_thrown(recipe.ink, rng),
        covers=_thrown(recipe.covers, rng),
        photometric=_thrown(recipe.photometric, rng),
    )


def _thrown(chances: dict[str, Chance], rng: np.random.Generator) -> dict[str, float]:
    # Both numbers are drawn for each effect, so that one effect's draw does not change the others'.
    drawn = {name: (rng.random(), float(rng.uniform(*chance.strength))) for name, chance in chances.items()}
    return {name: round(strength, 4) for name, (luck, strength) in drawn.items() if luck < chances[name].p}
