"""Options of the training samples."""

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, field_validator

from ecg_assets.pages.camera.recipe import CLEAN, TABLE, TEST_TABLE, recipe_named
from ecg_assets.store.config_fields import fingerprint_fields

Weight = Annotated[float, Field(ge=0)]


class SamplesConfig(BaseModel):
    """How pages are made into samples."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    crop_px: int = Field(default=512, ge=64, le=1024, multiple_of=32, description="Side of a sample, in pixels.")
    positives: int = Field(default=5, ge=1, le=100, description="Samples that hold a trace, for each page.")
    negatives: int = Field(default=1, ge=0, le=100, description="Samples without a trace, for each page.")
    recipes: dict[str, Weight] = Field(
        default={CLEAN: 2, "scan": 2, "photo": 3, "screen": 1, "damaged": 2},
        description="Weights of the degradation recipes (names in recipes.yaml) among the samples; {clean: 1} cuts "
        "from the clean pages alone.",
    )
    not_ecg: float = Field(
        default=0.3, ge=0, le=1, description="Share of the degraded negatives that show no ECG paper at all."
    )
    seed: int = Field(default=0, ge=0, description="Seed of the samples' places and degradations.")

    @field_validator("recipes")
    @classmethod
    def _recipes_are_known(cls, weights: dict[str, float]) -> dict[str, float]:
        for name in weights:
            recipe_named(name)
            recipe_named(name, TEST_TABLE)
        if sum(weights.values()) <= 0:
            raise ValueError("at least one recipe needs a positive weight")
        return weights

    @property
    def per_page(self) -> int:
        """Samples of one page."""
        return self.positives + self.negatives

    @property
    def sample_bytes(self) -> int:
        """Bytes of one sample's image and mask."""
        return self.crop_px * self.crop_px * 4


def recipes_fingerprint(names: dict[str, float]) -> dict[str, Any]:
    """Fingerprint of the named recipes and of the test split's: a changed recipe makes new samples."""
    return {
        name: [fingerprint_fields(recipe_named(name, table)) for table in (TABLE, TEST_TABLE)] for name in sorted(names)
    }
