"""Writes an evaluation as one self-contained HTML file."""

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ecg_assets.store.atomic import write_text

_TEMPLATES = Path(__file__).parent / "templates"

Row = Mapping[str, Any]


@dataclass(frozen=True)
class Picture:
    """A picture of the report.

    Attributes:
        title: shown above it.
        png: the file's bytes.
    """

    title: str
    png: bytes

    @property
    def uri(self) -> str:
        """The picture as a data URI."""
        return f"data:image/png;base64,{base64.b64encode(self.png).decode('ascii')}"


@dataclass(frozen=True)
class Section:
    """A part of the report.

    Attributes:
        title: its heading.
        note: a sentence or two below it.
        rows: of its table, with equal keys; numbers are shown with four digits.
        shares: for a confusion matrix, each cell's share of its row, 0 to 1, which sets its shade.
        pictures: below the table, in this order.
    """

    title: str
    note: str = ""
    rows: Sequence[Row] = ()
    shares: Sequence[Sequence[float]] = ()
    pictures: Sequence[Picture] = field(default=(), repr=False)


def write_report(path: Path, title: str, facts: Row, sections: Sequence[Section]) -> None:
    """Writes the report atomically.

    Args:
        path: the HTML file.
        title: its heading.
        facts: name and value of what was evaluated.
        sections: in this order.
    """
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(loader=FileSystemLoader(_TEMPLATES), autoescape=True, undefined=StrictUndefined)
    environment.filters["number"] = _number
    template = environment.get_template("report.html")
    write_text(path, template.render(title=title, facts=facts, sections=sections))


def _number(value: Any) -> str:
    if value is None:
        return "-"
    return f"{value:.4f}" if isinstance(value, float) else str(value)
