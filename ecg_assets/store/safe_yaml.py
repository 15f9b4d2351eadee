"""Reads YAML files of users safely, with a limit on their expanded size."""

import math
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from ecg_assets.store.regular_files import what_else

_MOST_BYTES = 1 << 20
# Aliases count each time they are used, because a few lines can expand to a billion values.
_MOST_VALUES = 100_000
_SHOWN = 200
_MERGE = "tag:yaml.org,2002:merge"


class YamlFileError(ValueError):
    """A YAML file cannot be read; the message names it."""


def read_yaml(path: Path) -> Any:
    """The content of a YAML file, by `safe_load`.

    Raises:
        YamlFileError: it is missing, too large, not UTF-8, not YAML, or refers to itself.
    """
    try:
        if what_else(path):
            raise YamlFileError(f"{path} is {what_else(path)}, expected a YAML file")
        if path.stat().st_size > _MOST_BYTES:
            raise YamlFileError(f"{path} has more than {_MOST_BYTES >> 20} MiB; is it the right file?")
        return _loaded(path, path.read_text("utf-8"))
    except YamlFileError:
        raise
    # A value that does not fit its tag raises a Python error.
    except (OSError, yaml.YAMLError, ValueError, TypeError, LookupError, AttributeError, RecursionError) as error:
        raise YamlFileError(f"{path} is no YAML text: {_said(error)}") from error


def first_problem(error: ValidationError) -> str:
    """Place and problem of the first wrong value, in one line."""
    first = error.errors(include_input=False, include_url=False)[0]
    where = ".".join(map(str, first["loc"])) or "fields"
    return f"{where[:_SHOWN]}: {first['msg'].removeprefix('Value error, ')[:_SHOWN]}"


def _loaded(path: Path, text: str) -> Any:
    """As `yaml.safe_load`, but counted before it is expanded: aliases and merges (`<<`) can repeat endlessly."""
    loader = yaml.SafeLoader(text)
    try:
        node = loader.get_single_node()
        if node is None:
            return None
        if _Size().of(node) > _MOST_VALUES:
            raise YamlFileError(f"{path} holds more than {_MOST_VALUES} values, or refers to itself")
        return loader.construct_document(node)
    finally:
        loader.dispose()


class _Size:
    """Counts the values below a node, each as often as aliases repeat it; infinite if it contains itself."""

    def __init__(self) -> None:
        self._sizes: dict[int, float] = {}
        self._pairs: dict[int, float] = {}

    def of(self, node: yaml.Node) -> float:
        if id(node) not in self._sizes:
            self._sizes[id(node)] = math.inf  # while it is being counted, it can be met again only inside itself
            self._sizes[id(node)] = self._counted(node)
        return self._sizes[id(node)]

    def _counted(self, node: yaml.Node) -> float:
        if isinstance(node, yaml.SequenceNode):
            return sum(1 + self.of(one) for one in node.value)
        if isinstance(node, yaml.MappingNode):
            own = sum(2 + self.of(key) + self.of(value) for key, value in node.value)
            return own + 2 * self._merged(node)
        return 0

    def _merged(self, node: yaml.MappingNode) -> float:
        """Fields that a mapping merges from others, before duplicates are removed."""
        if id(node) not in self._pairs:
            self._pairs[id(node)] = math.inf
            sources = [value for key, value in node.value if key.tag == _MERGE]
            tables = [one for value in sources for one in (value.value if _is_list(value) else [value])]
            self._pairs[id(node)] = sum(
                len(one.value) + self._merged(one) for one in tables if isinstance(one, yaml.MappingNode)
            )
        return self._pairs[id(node)]


def _is_list(node: yaml.Node) -> bool:
    return isinstance(node, yaml.SequenceNode)


def _said(error: Exception) -> str:
    return " ".join(str(error).split())[:_SHOWN] or type(error).__name__
