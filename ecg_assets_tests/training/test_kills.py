"""kill -9 at any moment: there is always a checkpoint that loads, and at most `save_every` steps are lost."""

import os
import signal
import subprocess
import time

import numpy as np
import pytest

from ecg_assets.training.checkpoints.hashed_safetensors import read_sealed
from ecg_assets.training.runs.events import Event, read_events
from ecg_assets.training.runs.run_folder import RunFolder
from ecg_assets.training.runs.run_state import is_finished
from ecg_assets.training.trainer import train
from ecg_assets_tests.training.conftest import Prepare
from ecg_assets_tests.training.test_trainer import assert_same_weights, start

SAVE_EVERY = 10
CHANGES = {"epochs": 3, "steps_per_epoch": 30, "save_every": SAVE_EVERY, "check_every": 5, "log_every": 5}
PHASES = {
    "in the middle of an epoch": lambda event: event.kind == "log" and event.values.get("step") == 15,
    "as a checkpoint is written": lambda event: event.kind == "log" and event.values.get("step") == 10,
    "in validation": lambda event: event.kind == "log" and event.values.get("step") == 30,
}


def kill(process: "subprocess.Popen[str]") -> None:
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()


def steps_of(event: Event) -> int:
    """Steps since the beginning of training."""
    epoch = event.values["epoch"] - (event.kind == "log")
    return int(epoch * CHANGES["steps_per_epoch"] + event.values["step"])


def assert_little_is_lost(run: RunFolder, events_before: int) -> None:
    """The start after the kill goes on at most `save_every` steps before what was told last."""
    events = read_events(run.events)
    told = [steps_of(event) for event in events[:events_before] if event.kind == "log" and "step" in event.values]
    again = next(event for event in events[events_before:] if event.kind == "started")
    assert max(told, default=0) - steps_of(again) <= SAVE_EVERY


@pytest.mark.parametrize("phase", PHASES)
def test_a_kill_at_a_named_phase_loses_little_and_nothing_of_the_result(prepare: Prepare, phase: str) -> None:
    undisturbed, run = prepare("undisturbed", **CHANGES), prepare("killed", **CHANGES)
    train(undisturbed.path)
    process = start(run)
    deadline = time.monotonic() + 120
    while not any(PHASES[phase](event) for event in read_events(run.events)):
        assert time.monotonic() < deadline
        time.sleep(0.001)
    kill(process)
    before = len(read_events(run.events))
    assert not is_finished(run)
    assert "progress" in read_sealed(run.last)[1]
    train(run.path)
    assert_little_is_lost(run, before)
    assert_same_weights(run.last, undisturbed.last)


@pytest.mark.soak
@pytest.mark.timeout(3600)
def test_thirty_kills_at_random_moments_leave_the_result_of_an_undisturbed_training(prepare: Prepare) -> None:
    changes = CHANGES | {"epochs": 60}
    undisturbed, run = prepare("undisturbed", **changes), prepare("killed", **changes)
    train(undisturbed.path)
    rng = np.random.default_rng(0)
    for number in range(30):
        before = len(read_events(run.events))
        process = start(run)
        # Importing torch alone takes seconds, in which some of the kills fall.
        time.sleep(float(rng.uniform(1.0, 12.0)))
        kill(process)
        if number and any(event.kind == "started" for event in read_events(run.events)[before:]):
            assert_little_is_lost(run, before)
        if run.last.exists():
            assert "progress" in read_sealed(run.last)[1]
    train(run.path)
    assert_same_weights(run.last, undisturbed.last)
