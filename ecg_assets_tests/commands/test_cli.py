"""The command line teaches by its help texts, and says errors in one line."""

import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from ecg_assets.cli import main
from ecg_assets.store.root import open_root
from ecg_assets_tests.integration.live import environment, make_home

COMMANDS = (
    *("demo", "train", "predict", "compare", "demote", "tpu", "export-onnx", "export-dataset"),
    *("status", "verify", "prune", "reconcile", "ui"),
)


@pytest.fixture(autouse=True)
def data_root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "data_root"
    monkeypatch.setenv("ECG_ASSETS_DATA", str(folder))
    monkeypatch.delenv("DAGSTER_HOME", raising=False)
    monkeypatch.setenv("COLUMNS", "200")
    return folder


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, list(arguments))


def test_the_help_names_every_command_and_where_data_go() -> None:
    result = run("--help")
    assert result.exit_code == 0
    for command in COMMANDS:
        assert command in result.output
    assert "ECG_ASSETS_DATA" in result.output


@pytest.mark.parametrize("command", COMMANDS)
def test_each_command_explains_itself_with_an_example(command: str) -> None:
    result = run(command, "--help")
    assert result.exit_code == 0
    assert f"ecg-assets {command}" in result.output
    assert "Example" in result.output


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["export-dataset", "out"], "materialise mixed_dataset first"),
        (["train", "--config", "no_such_experiment"], "no_such_experiment"),
        (["demo"], "DAGSTER_HOME"),
    ],
)
def test_an_error_is_one_line_that_says_what_to_do(arguments: list[str], said: str, data_root: Path) -> None:
    open_root(data_root)
    result = run(*arguments)
    assert result.exit_code == 1
    assert result.output.startswith("Error: ")
    assert len(result.output.strip().splitlines()) == 1
    assert said in result.output


def test_a_data_root_that_is_no_bucket_s_address_is_refused_in_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ECG_ASSETS_DATA", "gs:///folder")
    result = run("status")
    assert result.exit_code == 1
    assert result.output.startswith("Error: 'gs:///folder' names the bucket ''; expected gs://bucket/prefix")
    assert len(result.output.strip().splitlines()) == 1


def test_status_of_an_empty_root_shows_every_stage_with_nothing_in_it(data_root: Path) -> None:
    open_root(data_root)
    result = run("status")
    assert result.exit_code == 0
    for stage in ("raw_csvs", "grid_mask", "wave_masks", "mixed_dataset", "scan_segmentations"):
        assert stage in result.output


def test_a_demo_that_fails_says_what_failed_in_one_line_and_keeps_what_was_made(
    tmp_path: Path, data_root: Path
) -> None:
    command = [str(Path(sys.executable).with_name("ecg-assets")), "demo"]
    variables = environment(
        make_home(tmp_path / "home"), ECG_ASSETS_DATA=str(data_root), ECG_RECORDS="2", COLUMNS="200"
    )
    done = subprocess.run(command, cwd=tmp_path, env=variables, capture_output=True, text=True, timeout=400)
    assert done.returncode == 1
    (failed,) = [line for line in done.stderr.splitlines() if line.startswith("Failed: ")]
    assert failed.startswith("Failed: mixed_dataset: none of 2 records falls into")
    assert "rendered_waves" in done.stdout
    assert "Traceback" not in done.stderr
