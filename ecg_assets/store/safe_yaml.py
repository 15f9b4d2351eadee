"""Reads YAML that people write: safely, and only so much of it, whatever it refers to by name."""

from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

_MOST_BYTES = 1 << 20
# Counted with each repetition by name: a few lines can stand for a billion values.
_MOST_VALUES = 100_000
_SHOWN = 200


class YamlFileError(ValueError):
    """A file is no YAML that is read; the message names it."""


def read_yaml(path: Path) -> Any:
    """What a YAML file holds, by `safe_load`.

    Raises:
        YamlFileError: it is missing, too large, no UTF-8, no YAML, or refers to itself.
    """
    try:
        if path.stat().st_size > _MOST_BYTES:
            raise YamlFileError(f"{path} has more than {_MOST_BYTES >> 20} MiB; is it the right file?")
        held = yaml.safe_load(path.read_text("utf-8"))
    except YamlFileError:
        raise
    # A value that does not fit its tag is an error of Python's.
    except (OSError, yaml.YAMLError, ValueError, TypeError, LookupError, AttributeError, RecursionError) as error:
        raise YamlFileError(f"{path} is no YAML text: {_said(error)}") from error
    _refuse_growth(path, held)
    return held


def first_problem(error: ValidationError) -> str:
    """Where the first wrong value stands and what is wrong with it, in one line."""
    first = error.errors(include_input=False, include_url=False)[0]
    where = ".".join(map(str, first["loc"])) or "fields"
    return f"{where[:_SHOWN]}: {first['msg'].removeprefix('Value error, ')[:_SHOWN]}"


def _refuse_growth(path: Path, held: Any) -> None:
    left, seen = [held], 0
    while left:
        value = left.pop()
        inner = [*value.keys(), *value.values()] if isinstance(value, dict) else value
        if isinstance(inner, list | tuple | set):
            left.extend(inner)
            seen += len(inner)
        if seen > _MOST_VALUES:
            raise YamlFileError(f"{path} holds more than {_MOST_VALUES} values, or refers to itself")


def _said(error: Exception) -> str:
    return " ".join(str(error).split())[:_SHOWN] or type(error).__name__
