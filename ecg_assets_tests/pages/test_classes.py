"""Classes and the threshold of image and mask are stated once."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import ecg_assets
from ecg_assets.pages import classes
from ecg_assets.pages.classes import WAVE
from ecg_assets.samples.classes import CLASSES

PACKAGE = Path(ecg_assets.__file__).parent
STATED = {name for name in vars(classes) if name.isupper()}
FOLDERS = [PACKAGE / "pages", PACKAGE / "samples"]


def stated_again(source: str) -> Iterator[str]:
    """Names of `classes.py` that are given a value, and comparisons with a threshold that is a bare number."""
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Name(id=name, ctx=ast.Store()) if name in STATED:
                yield f"line {node.lineno}: {name}"
            case ast.Compare(ops=[ast.GtE() | ast.Lt()], comparators=[ast.Constant(value=value)]) if value in (
                classes.HALF_COVERED,
                classes.HALF_COVERED_255,
            ):
                left = ast.unparse(node.left)
                if any(word in left for word in ("cover", "opacity", "print", "trace", "ink")):
                    yield f"line {node.lineno}: {left} compared with {value}"


@pytest.mark.parametrize("source", ["WAVE = 4", "mask = coverage >= 0.5", "hides = opacity_hw >= 128"])
def test_a_second_statement_is_noticed(source: str) -> None:
    assert list(stated_again(source))


def test_no_other_module_states_them() -> None:
    modules = [path for folder in FOLDERS for path in folder.rglob("*.py") if path != Path(classes.__file__)]
    found = {path.name: said for path in modules if (said := list(stated_again(path.read_text("utf-8"))))}
    assert len(modules) > 40
    assert found == {}


def test_samples_name_the_same_five() -> None:
    assert CLASSES[WAVE] == "wave"
    assert len(CLASSES) == classes.WAVE + 1
