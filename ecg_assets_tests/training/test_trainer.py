"""The trainer as its own process: what it tells, that it stops and goes on, and what it never leaves behind."""

import math
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors import safe_open
from safetensors.numpy import load_file

from ecg_assets.store.root import DataRoot
from ecg_assets.training.config import ConfigError, TrainConfig, load_config
from ecg_assets.training.monitoring.plots import loss_curve
from ecg_assets.training.runs.events import Event, read_events
from ecg_assets.training.runs.prepare import publish
from ecg_assets.training.runs.run_folder import RunFolder, RunFolderError
from ecg_assets.training.runs.run_state import is_finished
from ecg_assets.training.trainer import STOPPED, TrainingFailedError, train
from ecg_assets_tests.conftest import quiet
from ecg_assets_tests.integration.live import CHECKOUT
from ecg_assets_tests.training.conftest import SMALL, Prepare


def start(run: RunFolder) -> "subprocess.Popen[str]":
    command = [sys.executable, "-m", "ecg_assets.training.trainer", str(run.path)]
    return subprocess.Popen(
        command, cwd=CHECKOUT, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True
    )


def wait_for_step(run: RunFolder, process: "subprocess.Popen[str]", epoch: int, step: int) -> None:
    deadline = time.monotonic() + 180
    while not any((one["epoch"], one["step"]) == (epoch, step) for one in logged(run)):
        assert process.poll() is None, process.communicate()[0]
        assert time.monotonic() < deadline
        time.sleep(0.02)


def logged(run: RunFolder) -> list[dict[str, Any]]:
    return [event.values for event in read_events(run.events) if event.kind == "log" and "step" in event.values]


def epochs(run: RunFolder) -> list[dict[str, Any]]:
    return [event.values for event in read_events(run.events) if event.kind == "epoch"]


def assert_same_weights(one: Path, other: Path) -> None:
    first, second = load_file(one), load_file(other)
    assert first.keys() == second.keys()
    for name in first:
        np.testing.assert_array_equal(first[name], second[name], err_msg=name)


def test_a_training_tells_its_losses_learns_and_publishes_its_best_epoch(prepare: Prepare) -> None:
    run = prepare(epochs=3)
    heard: list[Event] = []
    train(run.path, [heard.append])
    assert [event.kind for event in heard if event.kind != "log"] == [
        "started", *["epoch", "checkpoint"] * 3, "finished"
    ]  # fmt: skip
    assert heard[0].values["world_size"] == 1
    assert [one["step"] for one in logged(run)] == [5, 10, 15, 20] * 3
    assert all("learning rate" in event.message for event in heard if event.kind == "log")
    losses = [one["loss"] for one in epochs(run)]
    assert losses[-1] < 0.8 * losses[0]
    for score in ("dice", "iou", "precision", "recall"):
        assert set(epochs(run)[0][score]) == {"background", "horizontal", "vertical", "intersection", "wave"}
    assert set(epochs(run)[0]["f_1px"]) == set(epochs(run)[0]["f_2px"]) == set(epochs(run)[0]["dice"]) - {"background"}
    assert "F wave within 1 px" in next(event.message for event in heard if event.kind == "epoch")
    published = publish(run, quiet)
    assert published.best_epoch == 1 + int(np.argmax([one["foreground_dice"] for one in epochs(run)]))
    assert loss_curve(run.events)[:4] == b"\x89PNG"


def test_three_classes_come_from_the_same_dataset(prepare: Prepare) -> None:
    run = prepare(classes=3, class_weights=(1, 1, 2), epochs=1)
    train(run.path)
    assert set(epochs(run)[0]["dice"]) == {"background", "grid", "wave"}


def test_the_same_seed_gives_the_same_weights_and_another_one_others(prepare: Prepare) -> None:
    runs = [prepare(name, epochs=1, seed=seed) for name, seed in (("first", 0), ("again", 0), ("other", 1))]
    for run in runs:
        train(run.path)
    assert_same_weights(runs[0].best, runs[1].best)
    assert [one["loss"] for one in logged(runs[0])] != [one["loss"] for one in logged(runs[2])]


def test_checkpoints_are_safetensors_that_any_program_reads_without_unpickling(prepare: Prepare) -> None:
    run = prepare(epochs=1)
    train(run.path)
    for path in (run.best, run.last):
        assert all(np.isfinite(tensor).all() for tensor in load_file(path).values())
        with safe_open(path, framework="np") as file:
            assert '"widths":[8,16]' in (file.metadata() or {})["network"]
    assert {path.suffix for path in run.last.parent.rglob("*") if path.is_file()} == {".safetensors"}


def test_a_training_killed_in_an_epoch_goes_on_to_the_weights_of_an_undisturbed_one(prepare: Prepare) -> None:
    undisturbed, killed = prepare("undisturbed", epochs=3), prepare("killed", epochs=3)
    train(undisturbed.path)
    process = start(killed)
    wait_for_step(killed, process, epoch=2, step=10)
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    assert not is_finished(killed)
    train(killed.path)
    assert is_finished(killed)
    assert_same_weights(killed.best, undisturbed.best)
    assert_same_weights(killed.last, undisturbed.last)


def test_term_saves_and_exits_resumable_and_the_next_launch_goes_on_at_that_step(prepare: Prepare) -> None:
    undisturbed, stopped = prepare("undisturbed"), prepare("stopped")
    train(undisturbed.path)
    process = start(stopped)
    wait_for_step(stopped, process, epoch=1, step=5)
    process.terminate()
    said, _ = process.communicate(timeout=120)
    assert process.returncode == STOPPED, said
    assert read_events(stopped.events)[-1].kind == "stopped"
    again = start(stopped)
    assert "going on after epoch" in again.communicate(timeout=180)[0]
    assert again.returncode == 0
    assert_same_weights(stopped.last, undisturbed.last)
    curves = [[(one["loss"], one["validation_loss"]) for one in epochs(run)] for run in (stopped, undisturbed)]
    assert curves[0] == curves[1]


def test_the_learning_rate_falls_on_a_plateau(prepare: Prepare) -> None:
    run = prepare(learning_rate=3e-8, plateau_patience=0, epochs=4, steps_per_epoch=5)
    train(run.path)
    rates = [one["learning_rate"] for one in epochs(run)]
    assert rates[-1] <= rates[0] / 2


def test_a_finished_run_is_kept_and_a_changed_config_starts_anew(prepare: Prepare) -> None:
    run = prepare(epochs=1)
    with pytest.raises(RunFolderError, match="has not finished training"):
        publish(run, quiet)
    train(run.path)
    assert is_finished(prepare(epochs=1))
    assert not is_finished(prepare(epochs=1, seed=2))


def test_no_training_that_gave_way_to_another_config_is_lost(prepare: Prepare) -> None:
    """Three configs in turn, within a second: each earlier run lies in a folder of its own, with all its files."""
    for seed in (1, 2, 3):
        run = prepare(seed=seed)
        run.best.parent.mkdir(parents=True)
        run.best.write_text(f"weights of {seed}")
    prepare(seed=4)
    archived = sorted((run.path.parent / ".archive" / "small").iterdir())
    held = [(path / "checkpoints" / "best.safetensors").read_text() for path in archived]
    assert sorted(held) == ["weights of 1", "weights of 2", "weights of 3"]
    assert all((path / "config.json").exists() for path in archived)
    assert all(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d-\d\d-\d\dZ(-\d)?", path.name) for path in archived)


def test_what_a_layer_of_a_shipped_config_takes_on_a_tpu_leaves_room_for_the_others() -> None:
    """A TPU keeps arrays in tiles of 8 x 128, channels last, so channels are padded to multiples of 128.

    At 2 GiB for one activation of the finest level a training step took 16.3 GiB of a v3 core's 15.5, at 1/8 GiB it
    takes 3.0 (estimated by the TPU compiler).
    """
    for name in ("grid_wave_net", "grid_5class"):
        config = load_config(name)
        positions = (config.crop_px // config.patch_px) ** 2
        padded = math.ceil(config.level_widths[0] / 128) * 128
        assert config.batch_size * positions * padded * 2 <= 2**27, name


def test_a_run_without_a_dataset_says_what_to_materialise(tmp_path: Path) -> None:
    from ecg_assets.training.runs.prepare import prepare_run

    with pytest.raises(RunFolderError, match="materialise mixed_dataset first"):
        prepare_run(DataRoot(tmp_path, 16), TrainConfig(**SMALL), quiet)


def test_crops_larger_than_the_samples_are_a_clear_error(prepare: Prepare) -> None:
    with pytest.raises(TrainingFailedError, match=r"crop_px is 1024, but the samples of .* have 512 px a side"):
        train(prepare(crop_px=1024).path)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"epoch": 3}, "epoch: Extra inputs are not permitted"),
        ({"learning_rate": -1}, "learning_rate: Input should be greater than 0"),
        ({"class_weights": (1, 2)}, "class_weights holds 2 numbers, expected 5"),
        ({"crop_px": 66}, "crop_px is 66, expected a multiple of 4"),
        ({"runtime": "gpu"}, "runtime: Input should be 'xla', 'torch' or 'auto'"),
        ({"experiment": "../up"}, "experiment: String should match pattern"),
    ],
)
def test_a_wrong_config_names_the_field(tmp_path: Path, change: dict[str, Any], says: str) -> None:
    with pytest.raises(ConfigError) as caught:
        TrainConfig(**SMALL).changed(**change)
    assert says in str(caught.value)


def test_the_shipped_configs_are_found_by_file_and_by_experiment() -> None:
    assert load_config("grid_wave_net") == load_config("grid_wave_mix_run")
    assert (load_config("grid_wave_net").classes, load_config("grid_5class").classes) == (3, 5)
    assert (load_config("demo").classes, load_config("demo").runtime, load_config("demo").replicas) == (5, "xla", 2)
    with pytest.raises(ConfigError, match="expected one of demo, grid_5class"):
        load_config("nonsense")
