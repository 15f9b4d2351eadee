"""YAML that people write: training configs, styles, recipes, sources."""

import math
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import strategies as st
from pydantic import BaseModel

from ecg_assets.pages.camera.recipe import TABLE as RECIPES
from ecg_assets.pages.camera.recipe import RecipeError, read_recipes
from ecg_assets.pages.style.style_mix import TABLE as STYLES
from ecg_assets.pages.style.style_mix import StyleMixError, read_styles
from ecg_assets.records.sources.base import SourceError
from ecg_assets.records.sources.config import SourceConfig
from ecg_assets.training.config import CONFIGS, ConfigError, load_config
from ecg_assets_tests.fuzz.attack import Builder, damaged, fuzz, refusal
from ecg_assets_tests.fuzz.trees import DEEP, wrong_trees

CONFIG = (CONFIGS / "demo.yaml").read_bytes()
SOURCES = (
    b"sources:\n- {kind: kaggle, path: a, name: one, records: 5}\n- {path: b, window_start_s: 2.5, licence: CC0}\n"
)
_STYLES: dict[str, Any] = yaml.safe_load(STYLES.read_text("utf-8"))
_FEW = sorted(_STYLES["styles"])[:2]
SOME_STYLES = yaml.safe_dump(
    {"styles": {name: _STYLES["styles"][name] for name in _FEW}, "mixes": {"m": {_FEW[0]: 1.5}}}
).encode()
SOME_RECIPES = yaml.safe_dump(dict(list(yaml.safe_load(RECIPES.read_text("utf-8")).items())[:3])).encode()


def numbers(value: Any) -> Iterator[float]:
    """Every number in a settings' tree."""
    if isinstance(value, BaseModel):
        value = value.model_dump()
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list | tuple):
        for one in value:
            yield from numbers(one)
    elif isinstance(value, int | float):
        yield value


def all_finite(*settings: Any) -> None:
    assert all(math.isfinite(number) for number in numbers(list(settings)))


def read_config(path: Path) -> None:
    all_finite(load_config(str(path)))


def read_a_mix(path: Path) -> None:
    read_styles.cache_clear()
    found = read_styles(path)
    all_finite(found)
    assert all(sum(weights.values()) > 0 for weights in found.mixes.values())


def read_some_recipes(path: Path) -> None:
    read_recipes.cache_clear()
    all_finite(*read_recipes(path).values())


def read_sources(path: Path) -> None:
    all_finite(*SourceConfig(source=str(path)).specs())


Read = Callable[[Path], None]
KINDS: dict[str, tuple[bytes, Read, type[Exception], int]] = {
    "config": (CONFIG, read_config, ConfigError, 600),
    "styles": (SOME_STYLES, read_a_mix, StyleMixError, 350),
    "recipes": (SOME_RECIPES, read_some_recipes, RecipeError, 350),
    "sources": (SOURCES, read_sources, SourceError, 200),
}


def with_field(whole: bytes, **fields: Any) -> bytes:
    return yaml.safe_dump({**yaml.safe_load(whole), **fields}).encode()


def laughs() -> bytes:
    """Nine lists of nine of the one before: a billion items by name."""
    lines = ["a0: &a0 [lol]"]
    lines += [f"a{number}: &a{number} [{', '.join([f'*a{number - 1}'] * 9)}]" for number in range(1, 10)]
    return "\n".join(lines).encode()


# Tried on each of the four readers.
ANYWHERE: dict[str, Builder] = {
    "lists in lists": lambda: b"[" * DEEP,
    "tables in tables": lambda: b"{a: " * DEEP,
    "whole lists in lists": lambda: b"a: " + b"[" * DEEP + b"]" * DEEP,
    "a billion items by name": laughs,
    "a list that holds itself": lambda: b"sources: &a [*a]\nstyles: *a\nepochs: *a\n",
    "a Python object": lambda: b"!!python/object/apply:os.system ['true']\n",
    "a number of 5000 digits": lambda: b"a: " + b"9" * 5000,
    "a date that is none": lambda: b"a: 2026-99-99\n",
    "binary that is none": lambda: b"a: !!binary x\n",
    "a tag that does not fit": lambda: b"a: !!int x\n",
    "a set": lambda: b"!!set {a, b}\n",
    "no UTF-8": lambda: b"a: \xff\xfe\n",
    "a NUL": lambda: b"a: \0\n",
    "nothing": lambda: b"",
    "a list": lambda: b"- 1\n- 2\n",
    "a text": lambda: b"text\n",
    "fields without names": lambda: b"? [1, 2]\n: 3\n? null\n: 4\n",
}
CORPUS: dict[str, tuple[str, Builder]] = {
    "a learning rate that is no number": ("config", lambda: with_field(CONFIG, learning_rate=math.nan)),
    "an infinite learning rate": ("config", lambda: with_field(CONFIG, learning_rate=math.inf)),
    "a class weight that is no number": ("config", lambda: with_field(CONFIG, class_weights=[1.0, 1, 1, 1, math.nan])),
    "an infinite weight decay": ("config", lambda: with_field(CONFIG, weight_decay=math.inf)),
    "a mix whose weight is no number": ("styles", lambda: with_field(SOME_STYLES, mixes={"m": {_FEW[0]: math.nan}})),
    "a mix whose weight is infinite": ("styles", lambda: with_field(SOME_STYLES, mixes={"m": {_FEW[0]: math.inf}})),
    "a mix of nothing": ("styles", lambda: with_field(SOME_STYLES, mixes={"m": {}})),
    "a style in a font of 0 mm": ("styles", lambda: with_field(SOME_STYLES, styles={_FEW[0]: {"text_mm": 0}})),
    "a window at no time": ("sources", lambda: SOURCES.replace(b"2.5", b".nan")),
    "a window at the end of time": ("sources", lambda: SOURCES.replace(b"2.5", b".inf")),
}


@pytest.mark.timeout(60)
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("shape", ANYWHERE)
def test_what_is_no_table_of_settings_is_refused_by_name(tmp_path: Path, shape: str, kind: str) -> None:
    path = tmp_path / "mine.yaml"
    path.write_bytes(ANYWHERE[shape]())
    _, read, error, _ = KINDS[kind]
    assert refusal(path, read, (error,)) is not None


@pytest.mark.parametrize("shape", CORPUS)
def test_a_known_shape_is_refused_by_name(tmp_path: Path, shape: str) -> None:
    kind, build = CORPUS[shape]
    path = tmp_path / "mine.yaml"
    path.write_bytes(build())
    _, read, error, _ = KINDS[kind]
    assert refusal(path, read, (error,)) is not None


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_whole_is_read(tmp_path: Path, kind: str) -> None:
    whole, read, error, _ = KINDS[kind]
    (tmp_path / "mine.yaml").write_bytes(whole)
    assert refusal(tmp_path / "mine.yaml", read, (error,)) is None


@pytest.mark.soak
@pytest.mark.parametrize("kind", KINDS)
def test_thousands_of_damaged_settings_are_read_or_refused_by_name(tmp_path: Path, kind: str) -> None:
    whole, read, error, examples = KINDS[kind]
    trees: st.SearchStrategy[bytes] = wrong_trees(yaml.safe_load(whole)).map(lambda tree: yaml.safe_dump(tree).encode())
    told = [
        fuzz(tmp_path / "mine.yaml", files, read, (error,), count)
        for files, count in ((trees, examples * 3 // 5), (damaged([whole]), examples * 2 // 5))
    ]
    print(kind, *told, sep="; ")  # noqa: T201 - what pytest -s is asked for
    assert all(one.refused for one in told)
