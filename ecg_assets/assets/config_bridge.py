"""Converts run config into the library's config."""

from typing import TypeVar

import dagster as dg
from pydantic import BaseModel

Library = TypeVar("Library", bound=BaseModel)


def as_library(config: dg.Config, kind: type[Library]) -> Library:
    """The same settings as an instance of the library's own class, which does not depend on Dagster.

    Worker processes receive a stage's config. A Dagster class would make each of them import Dagster, which takes 1 s.
    """
    return kind.model_validate(config.model_dump())
