"""Assigns a style to each record: a weighted mix, drawn by the record's id."""

import math
from functools import cache
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from ecg_assets.pages.style.page_style import PageStyle
from ecg_assets.store.rng import rng_for
from ecg_assets.store.safe_yaml import YamlFileError, first_problem, read_yaml

TABLE = Path(__file__).parent / "tables" / "styles.yaml"


class StyleMixError(ValueError):
    """A mix or its file cannot be used; the message names the file, the field and what was expected."""


class StyleMix(BaseModel):
    """Named styles, and mixes of them with weights.

    Attributes:
        styles: each look by name.
        mixes: name of the mix -> name of the style -> weight.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    styles: dict[str, PageStyle]
    mixes: dict[str, dict[str, float]]


@cache
def read_styles(path: Path = TABLE) -> StyleMix:
    """The styles and mixes of a YAML file.

    Raises:
        StyleMixError: the file cannot be read, a field is wrong, or a mix names an unknown style.
    """
    try:
        found = StyleMix.model_validate(read_yaml(path))
    except YamlFileError as error:
        raise StyleMixError(f"{path} is no file of styles and mixes: {error}") from error
    except ValidationError as error:
        raise StyleMixError(f"{path} is no file of styles and mixes: {first_problem(error)}") from error
    for mix, weights in found.mixes.items():
        unknown = sorted(set(weights) - set(found.styles))
        if unknown:
            raise StyleMixError(f"{path}: mix {mix!r} names {', '.join(unknown)}, which are no styles of this file")
        if not weights or min(weights.values()) < 0 or not 0 < sum(weights.values()) < math.inf:
            raise StyleMixError(f"{path}: mix {mix!r} needs weights of 0 or more, one of them positive")
    return found


def styles_of(mix: str) -> dict[str, tuple[PageStyle, float]]:
    """The styles of a mix with their weights, by name.

    Args:
        mix: a mix's name, or a single style's; of the project's table, or, as `<path>.yaml#name`, of another file.

    Raises:
        StyleMixError: the name does not exist.
    """
    place, _, name = mix.rpartition("#")
    table = read_styles(Path(place) if place else TABLE)
    if name in table.mixes:
        return {one: (table.styles[one], weight) for one, weight in table.mixes[name].items() if weight > 0}
    if name in table.styles:
        return {name: (table.styles[name], 1.0)}
    raise StyleMixError(
        f"there is no mix or style {name!r} in {place or TABLE.name}; it has the mixes {', '.join(table.mixes)} and "
        f"the styles {', '.join(table.styles)}"
    )


def style_for(mix: str, seed: int, record_id: str) -> str:
    """The name of a record's style, which does not depend on other records."""
    weighted = styles_of(mix)
    names = list(weighted)
    edges = [sum(weight for _, weight in list(weighted.values())[: place + 1]) for place in range(len(names))]
    drawn = rng_for(seed, record_id, "style").random() * edges[-1]
    return next(name for name, edge in zip(names, edges, strict=True) if drawn < edge)
