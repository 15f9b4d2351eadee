"""Run config on its way into the library."""

from typing import TypeVar

import dagster as dg
from pydantic import BaseModel

Library = TypeVar("Library", bound=BaseModel)


def as_library(config: dg.Config, kind: type[Library]) -> Library:
    """The same settings as the library's own class, which knows no Dagster.

    Worker processes are sent a stage's config: for one of Dagster's, each of them would import Dagster first, a second.
    """
    return kind.model_validate(config.model_dump())
