"""Options of the pages."""

from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, model_validator

from ecg_assets.pages.style.style_mix import styles_of


class PagesConfig(BaseModel):
    """How pages are drawn."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    styles: str = Field(
        default="default",
        description="Mix of page styles, or one style: a name in the project's styles.yaml (default, kaggle, pink-3x4, "
        "...), or /path/to/own.yaml#name for a file of the same shape.",
    )
    seed: int = Field(default=0, ge=0, description="Seed of styles, pens and the made-up persons in the header.")
    grid_png: str | None = Field(
        default=None, description="Your own empty paper as a PNG: pages are drawn on it, to the scale of its grid."
    )
    grid_mask_png: str | None = Field(
        default=None,
        description="The mask of that paper's lines, used as it is: grey values 0 paper, 1 horizontal, 2 vertical, 3 "
        "intersection. Without it the lines that are found in grid_png make the mask.",
    )

    @model_validator(mode="after")
    def _can_be_used(self) -> "PagesConfig":
        styles_of(self.styles)
        if self.grid_mask_png is not None and self.grid_png is None:
            raise ValueError("grid_mask_png is set but grid_png is not; the mask belongs to a paper")
        for name, path in (("grid_png", self.grid_png), ("grid_mask_png", self.grid_mask_png)):
            if path is not None and not Path(path).is_file():
                raise ValueError(f"{name} is {path}, which is no file")
        return self
