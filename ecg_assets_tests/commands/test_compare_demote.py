"""`compare` and `demote`, on run folders as trainings and evaluations leave them."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner, Result
from safetensors.numpy import save_file

from ecg_assets.cli import main
from ecg_assets.store.fingerprint import sha256_file
from ecg_assets.store.root import DataRoot, open_root
from ecg_assets.training.evaluation.champion import decide
from ecg_assets.training.evaluation.champion_store import read_champion
from ecg_assets.training.evaluation.scorecard import Scorecard, scorecard_path
from ecg_assets.training.runs.run_folder import RunFolder
from ecg_assets_tests.conftest import quiet
from ecg_assets_tests.training.evaluation.cards import counted_card, shifted_cells


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> DataRoot:
    monkeypatch.setenv("ECG_ASSETS_DATA", str(tmp_path / "data_root"))
    monkeypatch.setenv("COLUMNS", "160")
    return open_root(tmp_path / "data_root")


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, list(arguments))


def put_run(root: DataRoot, name: str, weight: float, **config: Any) -> RunFolder:
    """A run folder of any version: a config, a state, events, and a checkpoint of 12 parameters."""
    folder = RunFolder(root.runs / name)
    folder.best.parent.mkdir(parents=True)
    history = [{"epoch": 1, "validation_loss": 0.5, "foreground_dice": 0.7}, {"epoch": 2, "validation_loss": 0.25}]
    folder.config.write_text(json.dumps({"config": {"classes": 5, "epochs": 3, **config}}))
    folder.state.write_text(json.dumps({"epochs_done": 2, "finished": False, "best_epoch": 1, "history": history}))
    folder.events.write_text('{"kind": "epoch", "time": 1790000000.0}\n{"torn')
    save_file({"layer": np.full((3, 4), weight, np.float32)}, folder.best)
    return folder


def put_card(folder: RunFolder, clean_only: bool = False, **changes: Any) -> Scorecard:
    cells = shifted_cells()[: 2 if clean_only else None]
    card = counted_card(folder.path.name, cells).model_copy(update={"sha256": sha256_file(folder.best), **changes})
    scorecard_path(folder).parent.mkdir(exist_ok=True)
    scorecard_path(folder).write_text(card.model_dump_json())
    return card


def cells_of(row: str, result: Result) -> list[str]:
    (line,) = [line for line in result.output.splitlines() if line.strip("│ ").startswith(f"{row} ")]
    return [cell.strip() for cell in line.strip("│").split("│")][1:]


def test_experiments_stand_side_by_side_with_training_and_scores(root: DataRoot) -> None:
    put_card(put_run(root, "first", 1.0))
    put_card(put_run(root, "second", 2.0, field_of_another_version=1), clean_only=True)
    put_run(root, "third", 3.0)
    result = run("compare")
    assert result.exit_code == 0
    assert cells_of("best epoch", result) == ["1", "1", "1"]
    assert cells_of("epochs", result)[0] == "2 of 3, not finished"
    assert cells_of("trained until", result)[0] == "2026-09-21 14:13 UTC"
    assert cells_of("parameters", result) == ["12", "12", "12"]
    assert cells_of("validation Dice", result) == ["0.7000"] * 3
    assert cells_of("test samples", result) == ["4", "2", "not evaluated"]
    assert cells_of("Dice wave", result) == ["0.5000", "1.0000", "-"]
    assert cells_of("F 1 px wave", result) == ["1.0000", "1.0000", "-"]
    assert cells_of("photo: Dice wave", result) == ["0.0000", "-", "-"]
    assert cells_of("clean: samples", result) == ["2", "2", "-"]


def test_only_the_named_ones_are_shown_and_an_unknown_one_is_named(root: DataRoot) -> None:
    put_run(root, "first", 1.0)
    put_run(root, "second", 2.0)
    assert "first" not in run("compare", "second").output
    result = run("compare", "second", "tenth")
    assert result.exit_code == 1
    assert result.output.strip().endswith("holds no experiment tenth; there are: first, second")


def test_scores_of_an_earlier_checkpoint_or_of_another_dataset_are_told_apart(root: DataRoot) -> None:
    first, second = put_run(root, "first", 1.0), put_run(root, "second", 2.0)
    put_card(first, sha256="another")
    put_card(second, dataset_digest="d2")
    result = run("compare")
    assert cells_of("test samples", result) == ["4, of an earlier checkpoint", "4"]
    assert "Scored on different datasets" in result.output


def test_nothing_to_compare_is_said_in_one_line(root: DataRoot) -> None:
    result = run("compare")
    assert result.exit_code == 1
    assert "holds no experiment; train one first" in result.output


def never(*_: object) -> Scorecard:
    raise AssertionError("nothing has to be scored again")


def test_demote_puts_the_previous_champion_back_and_says_when_there_is_none(root: DataRoot) -> None:
    first, second = put_run(root, "first", 1.0), put_run(root, "second", 2.0)
    decide(root, put_card(first), first.best, never, quiet)
    assert "no previous champion to put back" in run("demote").output
    decide(root, put_card(second, clean_only=True), second.best, never, quiet)
    assert cells_of("champion", run("compare")) == ["-", "yes"]
    result = run("demote")
    assert result.exit_code == 0
    assert "second was demoted; first is champion again" in result.output
    champion = read_champion(root)
    assert champion is not None
    assert champion.sha256 == sha256_file(root.champion / "champion.safetensors") == sha256_file(first.best)
    again = run("demote")
    assert again.exit_code == 1
    assert again.output.startswith("Error: ")


@pytest.mark.parametrize("command", ["compare", "demote"])
def test_the_commands_explain_themselves_with_an_example(command: str) -> None:
    result = run(command, "--help")
    assert "Example" in result.output
    assert f"ecg-assets {command}" in result.output
