"""Options of the reading benchmark."""

from pydantic import BaseModel, ConfigDict, Field, field_validator

from ecg_assets.digitize.benchmark.rendered_pages import RECIPES
from ecg_assets.pages.camera.recipe import TEST_TABLE, recipe_named
from ecg_assets.pages.style.style_mix import read_styles


class JudgeConfig(BaseModel):
    """The pages of the reading benchmark."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    records: int = Field(
        default=1,
        ge=1,
        le=1000,
        description="Test records for each style; each is read once through each recipe, in about 15 s a page. A score "
        "of one record says little: take 12 or more to compare readers.",
    )
    recipes: list[str] = Field(
        default=list(RECIPES), min_length=1, description="Degradation recipes (names in test_recipes.yaml)."
    )
    styles: list[str] = Field(
        default=["kaggle"],
        min_length=1,
        description="Looks of the pages (names in styles.yaml); grey-6x2 and twelve-rows add the layouts 6x2 and 12x1.",
    )
    seed: int = Field(default=0, ge=0, description="Seed of the pages' pens, headers and degradations.")

    @field_validator("recipes")
    @classmethod
    def _recipes_are_known(cls, names: list[str]) -> list[str]:
        for name in names:
            recipe_named(name, TEST_TABLE)
        return names

    @field_validator("styles")
    @classmethod
    def _styles_are_known(cls, names: list[str]) -> list[str]:
        unknown = sorted(set(names) - set(read_styles().styles))
        if unknown:
            raise ValueError(f"{', '.join(unknown)}: no style; there are {', '.join(read_styles().styles)}")
        return names
