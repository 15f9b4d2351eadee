"""The evaluation as one HTML file that needs nothing else."""

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ecg_assets.store.atomic import write_text

_TEMPLATES = Path(__file__).parent / "templates"


@dataclass(frozen=True)
class Picture:
    """A picture of the report.

    Attributes:
        title: stands above it.
        png: the file's bytes.
    """

    title: str
    png: bytes

    @property
    def uri(self) -> str:
        """The picture as a data URI."""
        return f"data:image/png;base64,{base64.b64encode(self.png).decode('ascii')}"


def write_report(
    path: Path,
    title: str,
    facts: Mapping[str, Any],
    scores: Sequence[Mapping[str, Any]],
    by_recipe: Sequence[Mapping[str, Any]],
    pictures: Sequence[Picture],
) -> None:
    """Writes the report atomically.

    Args:
        path: the HTML file.
        title: its heading.
        facts: what was evaluated: name and value.
        scores: one row a class, equal keys; numbers are shown with four digits.
        by_recipe: one row a degradation recipe, equal keys: the Dice of each class.
        pictures: shown in this order.
    """
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(loader=FileSystemLoader(_TEMPLATES), autoescape=True, undefined=StrictUndefined)
    environment.filters["number"] = lambda value: f"{value:.4f}" if isinstance(value, float) else str(value)
    template = environment.get_template("report.html")
    write_text(path, template.render(title=title, facts=facts, scores=scores, by_recipe=by_recipe, pictures=pictures))
