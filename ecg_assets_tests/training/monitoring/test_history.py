"""history.csv, TensorBoard files and the stamp follow from the events alone, each epoch and step once."""

import csv
import json
from pathlib import Path
from typing import Any

import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from ecg_assets.training.monitoring.history import History
from ecg_assets.training.monitoring.plots import loss_curve
from ecg_assets.training.monitoring.provenance import git_state
from ecg_assets.training.monitoring.run_loggers import Watcher
from ecg_assets.training.monitoring.tensorboard import TensorBoardFiles
from ecg_assets.training.runs.events import Event, EventLog, Kind, read_events
from ecg_assets.training.runs.run_folder import RunFolder
from ecg_assets.training.trainer import train
from ecg_assets_tests.training.conftest import Prepare


def event(kind: Kind, **values: Any) -> Event:
    return Event(kind=kind, message=kind, values=values, time=1000.0)


def started(epoch: int, step: int = 0) -> Event:
    return event("started", epoch=epoch, step=step, world_size=1)


def told(epoch: int, loss: float) -> list[Event]:
    """What an epoch of ten steps tells."""
    logs = [event("log", epoch=epoch, step=step, loss=loss) for step in (5, 10)]
    return [*logs, event("epoch", epoch=epoch, step=10, loss=loss, dice={"wave": 1 - loss, "grid": None}, note="x")]


# Killed in the third epoch, gone on with from the checkpoint after the first.
INTERRUPTED = [
    started(0), *told(1, 0.5), *told(2, 0.4), event("log", epoch=3, step=5, loss=0.3),
    started(1, 5), event("log", epoch=2, step=10, loss=0.2), told(2, 0.2)[-1], *told(3, 0.1),
]  # fmt: skip


def watch(run: RunFolder, events: list[Event]) -> Watcher:
    """As the trainer does: each event is in the file, then handed over."""
    watcher, log = Watcher(run, EventLog(run.events)), EventLog(run.events)
    for one in events:
        log.write(one.kind, one.message, **one.values)
        watcher(one)
    watcher.close()
    return watcher


def rows(run: RunFolder) -> list[dict[str, str]]:
    return list(csv.DictReader((run.path / "history.csv").read_text("utf-8").splitlines()))


def scalars(run: RunFolder) -> dict[str, list[tuple[int, float]]]:
    files = EventAccumulator(str(run.path / "tensorboard"), size_guidance={"scalars": 0}).Reload()
    return {
        tag: [(point.step, round(point.value, 6)) for point in files.Scalars(tag)] for tag in files.Tags()["scalars"]
    }


def test_what_a_training_went_back_behind_does_not_hold_any_more() -> None:
    history = History(INTERRUPTED)
    assert [(one.values["epoch"], one.values["loss"]) for one in history.epochs] == [(1, 0.5), (2, 0.2), (3, 0.1)]
    logged = [(one.values["epoch"], one.values["step"]) for one in history.events if one.kind == "log"]
    assert logged == [(1, 5), (1, 10), (2, 5), (2, 10), (3, 5), (3, 10)]


def test_the_csv_has_one_row_an_epoch_also_after_a_resume(prepare: Prepare) -> None:
    run = prepare()
    watch(run, INTERRUPTED[:8])
    assert [row["loss"] for row in rows(run)] == ["0.5", "0.4"]
    watch(run, INTERRUPTED[8:])
    assert [(row["epoch"], row["loss"], row["dice_wave"]) for row in rows(run)] == [
        ("1", "0.5", "0.5"), ("2", "0.2", "0.8"), ("3", "0.1", "0.9")
    ]  # fmt: skip
    assert set(rows(run)[0]) == {"epoch", "time", "step", "loss", "dice_wave"}


def test_tensorboard_reads_each_step_once_also_after_a_resume(prepare: Prepare) -> None:
    run = prepare()
    watch(run, INTERRUPTED[:8])
    assert scalars(run)["train/loss"] == [(5, 0.5), (10, 0.5), (15, 0.4), (20, 0.4), (25, 0.3)]
    watch(run, INTERRUPTED[8:])
    seen = scalars(run)
    assert seen["train/loss"] == [(5, 0.5), (10, 0.5), (15, 0.4), (20, 0.2), (25, 0.1), (30, 0.1)]
    assert seen["epoch/dice/wave"] == [(10, 0.5), (20, 0.8), (30, 0.9)]
    assert seen["epoch/epoch"] == [(10, 1), (20, 2), (30, 3)]
    assert "epoch/dice/grid" not in seen


def test_without_the_events_of_earlier_epochs_no_step_is_guessed(prepare: Prepare) -> None:
    run = prepare()
    watch(run, [started(2), *told(3, 0.1), *told(4, 0.1)])
    assert [step for step, _ in scalars(run)["train/loss"]] == [35, 40]
    assert [step for step, _ in scalars(run)["epoch/loss"]] == [30, 40]


def test_tensorboard_files_can_be_read_while_the_training_runs(prepare: Prepare) -> None:
    run, history = prepare(), History()
    files = TensorBoardFiles(run.path / "tensorboard", history)
    for one in [started(0), *told(1, 0.5)]:
        history.add(one)
        files(one)
    assert scalars(run)["epoch/loss"] == [(10, 0.5)]
    files.close()


def test_a_keeper_that_fails_is_told_and_left_out_and_the_others_go_on(prepare: Prepare) -> None:
    run = prepare()
    (run.path / "history.csv").mkdir()
    watch(run, INTERRUPTED[:4])
    notes = [one.message for one in read_events(run.events) if "not kept any more" in one.message]
    assert len(notes) == 1
    assert "history.csv" in notes[0]
    assert scalars(run)["epoch/loss"] == [(10, 0.5)]


def test_a_training_leaves_history_tensorboard_and_stamp(prepare: Prepare, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET_TOKEN", "hunter2")
    run = prepare(epochs=2)
    train(run.path)
    ended = [one for one in read_events(run.events) if one.kind == "epoch"]
    assert [float(row["dice_wave"]) for row in rows(run)] == [one.values["dice"]["wave"] for one in ended]
    pixels = [one.values["confusion"]["wave"]["background"] for one in ended]
    assert [int(row["confusion_wave_background"]) for row in rows(run)] == pixels
    assert {"f_1px_wave", "f_2px_wave", "intersection_f_3px"} <= set(rows(run)[0])
    seen = scalars(run)
    assert [step for step, _ in seen["epoch/validation_loss"]] == [20, 40]
    assert {"epoch/f_1px/wave", "epoch/intersection_f_3px", "epoch/confusion/wave/background"} <= seen.keys()
    assert {"epoch/learning_rate", "epoch/iou/wave", "epoch/foreground_dice", "train/loss"} <= seen.keys()
    text = (run.path / "stamp.json").read_text("utf-8")
    stamp = json.loads(text)
    assert (stamp["seed"], stamp["config"]["batch_size"]) == (0, 2)
    assert stamp["dataset_digest"] == json.loads(run.config.read_text("utf-8"))["dataset_digest"]
    (session,) = stamp["sessions"]
    assert (session["device"], session["runtime"], session["world_size"]) == ("cpu", "torch", 1)
    assert session["packages"]["torch"].startswith("2.")
    assert len(session["git"]["commit"]) == 40
    assert "hunter2" not in text
    assert str(Path.home()) + "/" not in text


def test_each_start_adds_a_session_to_the_stamp(prepare: Prepare) -> None:
    run = prepare()
    watch(run, [started(0)])
    watch(run, [started(1, 5)])
    sessions = json.loads((run.path / "stamp.json").read_text("utf-8"))["sessions"]
    assert [(one["epoch"], one["step"]) for one in sessions] == [(0, 0), (1, 5)]


def test_the_curve_is_drawn_from_the_epochs_that_hold(tmp_path: Path) -> None:
    log, undisturbed = EventLog(tmp_path / "went_back.jsonl"), EventLog(tmp_path / "undisturbed.jsonl")
    scored = {"validation_loss": 0.5, "learning_rate": 1e-3}
    for one in [started(0), *told(1, 0.5), *told(2, 0.4), started(1), *told(2, 0.2)]:
        log.write(one.kind, one.message, **one.values | scored)
    for one in [started(0), *told(1, 0.5), *told(2, 0.2)]:
        undisturbed.write(one.kind, one.message, **one.values | scored)
    picture = loss_curve(log.path)
    assert picture[:4] == b"\x89PNG"
    assert picture == loss_curve(undisturbed.path)


def test_a_package_that_git_does_not_keep_has_no_commit(tmp_path: Path) -> None:
    (tmp_path / "__init__.py").touch()
    assert git_state(tmp_path) is None
