"""The table of grid styles: colours and widths of a paper's lines."""

from functools import cache
from pathlib import Path
from typing import Annotated

import yaml
from pydantic import BaseModel, ConfigDict, Field

from ecg_assets.store.registry import look_up

TABLE = Path(__file__).parent / "tables" / "grids.yaml"

_Level = Annotated[int, Field(ge=0, le=255)]
Colour = Annotated[tuple[_Level, _Level, _Level], Field(description="Red, green, blue, 0 to 255.")]


class UnknownGridError(ValueError):
    """A grid style is not in the table; the message lists those that are."""


class GridStyle(BaseModel):
    """Lines of a paper. A kind of line without a colour is not printed, and has no class either.

    Attributes:
        major, minor: colours of the 5-mm and of the 1-mm lines.
        major_mm, minor_mm: their widths.
        dotted: whether the 1-mm lines are only dots where they cross.
        first_x_mm, first_y_mm: places of the first 5-mm lines.
        snap: whether lines are on whole pixels, as rounded by a plotting program.
        closing_edge: whether the paper's right edge counts as a vertical 5-mm line.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    major: Colour | None = None
    minor: Colour | None = None
    major_mm: float = Field(default=0.2, gt=0, le=1)
    minor_mm: float = Field(default=0.12, gt=0, le=0.5)
    dotted: bool = False
    first_x_mm: float = Field(default=0.0, ge=0, lt=5)
    first_y_mm: float = Field(default=0.0, ge=0, lt=5)
    snap: bool = False
    closing_edge: bool = False


@cache
def grid_styles() -> dict[str, GridStyle]:
    """All grid styles of the table by name."""
    table = yaml.safe_load(TABLE.read_text("utf-8"))
    return {name: GridStyle.model_validate(entry) for name, entry in table.items()}


def grid_style(name: str) -> GridStyle:
    """One grid style.

    Raises:
        UnknownGridError: the name does not exist.
    """
    return look_up(grid_styles(), name, "grid", UnknownGridError, f"{TABLE.name} has")
