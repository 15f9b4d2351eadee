"""The table of layouts: which leads stand in which row and column."""

from functools import cache
from pathlib import Path

import yaml
from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from ecg_assets.records.record import LEADS
from ecg_assets.store.registry import look_up

TABLE = Path(__file__).parent / "tables" / "layouts.yaml"


class UnknownLayoutError(ValueError):
    """A layout is not in the table; the message lists those that are."""


class Layout(BaseModel):
    """Leads in rows and columns; `-aVR` is inverted aVR."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    columns: tuple[tuple[str, ...], ...] = Field(min_length=1)
    rhythm: tuple[str, ...] = ()
    zero_mm: tuple[float, ...] = ()

    @field_validator("columns", "rhythm")
    @classmethod
    def _leads_are_known(cls, value: tuple[object, ...]) -> tuple[object, ...]:
        for entry in value:
            for lead in (entry,) if isinstance(entry, str) else tuple(entry):  # type: ignore[arg-type]
                if lead.removeprefix("-") not in LEADS:
                    raise ValueError(f"{lead!r} is no lead; expected one of {', '.join(LEADS)}, a minus may precede it")
        return value

    @model_validator(mode="after")
    def _shape_is_whole(self) -> "Layout":
        if len({len(column) for column in self.columns}) != 1 or not self.columns[0]:
            raise ValueError("every column needs the same number of leads, at least one")
        if self.zero_mm and len(self.zero_mm) != self.rows:
            raise ValueError(f"zero_mm has {len(self.zero_mm)} numbers for {self.rows} rows (rhythm strips included)")
        return self

    @property
    def rows(self) -> int:
        """Rows of the page, rhythm strips included."""
        return len(self.columns[0]) + len(self.rhythm)


@cache
def layouts() -> dict[str, Layout]:
    """All layouts of the table by name."""
    table = yaml.safe_load(TABLE.read_text("utf-8"))
    return {name: Layout.model_validate(entry) for name, entry in table.items()}


def layout_named(name: str) -> Layout:
    """One layout.

    Raises:
        UnknownLayoutError: the name does not exist.
    """
    return look_up(layouts(), name, "layout", UnknownLayoutError, f"{TABLE.name} has")
