"""YAML that people write: counted before it is expanded, and never a pipe."""

import os
import time
from pathlib import Path

import pytest

from ecg_assets.store.safe_yaml import YamlFileError, read_yaml


def write(folder: Path, text: str) -> Path:
    (folder / "mine.yaml").write_text(text)
    return folder / "mine.yaml"


def merges(times: int, levels: int, as_list: bool) -> str:
    """Tables that each take over the one before so many times: a few hundred bytes for billions of fields."""
    lines = ["a0: &a0 {k: 1, l: 2}"]
    for level in range(1, levels):
        before = f"*a{level - 1}"
        taken = f"<<: [{', '.join([before] * times)}]" if as_list else ", ".join([f"<<: {before}"] * times)
        lines.append(f"a{level}: &a{level} {{{taken}, m{level}: 3}}")
    return "\n".join(lines)


@pytest.mark.timeout(20)
@pytest.mark.parametrize(
    "text",
    [
        merges(9, 8, as_list=True),
        merges(9, 8, as_list=False),
        merges(9, 8, as_list=True).replace("a7: &a7 {", "a7: &a7 !!map {"),
        "a: &a {x: 1, <<: *a}",
        "a: &a {x: 1, <<: [{y: 2}, *a]}",
        "a: &a [*a]",
        "a: &a {b: *a}",
    ],
    ids=[
        "lists of tables",
        "tables again and again",
        "tagged",
        "itself",
        "itself in a list",
        "a list in itself",
        "in itself",
    ],
)
def test_what_would_grow_without_end_is_refused_before_it_does(tmp_path: Path, text: str) -> None:
    began = time.process_time()
    with pytest.raises(YamlFileError, match=r"mine\.yaml holds more than 100000 values, or refers to itself"):
        read_yaml(write(tmp_path, text))
    assert time.process_time() - began < 2


def test_usual_merges_are_expanded_as_yaml_has_them(tmp_path: Path) -> None:
    text = (
        "a: &a {x: 1, y: 2}\nb: {<<: *a, y: 3}\nc: {<<: [*a, {y: 5, z: 4}], w: 6}\nd: &d {<<: *a}\ne: {<<: *d, v: *d}\n"
    )
    assert read_yaml(write(tmp_path, text)) == {
        "a": {"x": 1, "y": 2},
        "b": {"x": 1, "y": 3},
        "c": {"x": 1, "y": 2, "z": 4, "w": 6},
        "d": {"x": 1, "y": 2},
        "e": {"x": 1, "y": 2, "v": {"x": 1, "y": 2}},
    }
    assert read_yaml(write(tmp_path, "")) is None


@pytest.mark.timeout(20)
def test_a_pipe_is_named_and_never_opened(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "mine.yaml")
    with pytest.raises(YamlFileError, match=r"mine\.yaml is a pipe, expected a YAML file"):
        read_yaml(tmp_path / "mine.yaml")
