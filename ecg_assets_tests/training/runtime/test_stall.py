"""Plain torch that hangs: its process shows where, begins again a bounded number of times, and then ends."""

import os
import subprocess
import sys

import pytest

from ecg_assets.training.runs.events import read_events
from ecg_assets.training.runs.run_state import is_finished
from ecg_assets.training.runtime.plain import STALLED
from ecg_assets.training.runtime.restart import times_begun_again
from ecg_assets.training.trainer import train
from ecg_assets_tests.integration.live import CHECKOUT
from ecg_assets_tests.training.conftest import Prepare
from ecg_assets_tests.training.test_trainer import assert_same_weights


def test_a_trainer_that_hangs_begins_again_as_often_as_it_may_and_loses_nothing(prepare: Prepare) -> None:
    # The watchdog looks every fifth of the timeout, which no step of this network takes on the busiest machine.
    changes = {"epochs": 1, "save_every": 5, "check_every": 5, "restarts": 1, "stall_timeout_s": 20.0}
    undisturbed, run = prepare("undisturbed", **changes), prepare("stalled", **changes)
    command = [sys.executable, "-m", "ecg_assets_tests.training.stalling", str(run.path)]
    process = subprocess.Popen(command, cwd=CHECKOUT, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    said, _ = process.communicate(timeout=120)
    assert process.returncode == STALLED, said
    events = read_events(run.events)
    assert [event.kind for event in events if event.kind != "log"] == ["started", "restart", "started", "error"]
    assert [event.values["step"] for event in events if event.kind == "started"] == [0, 5]
    stacks = [event.message for event in events if "Its stacks" in event.message]
    assert len(stacks) == 2
    assert all("replica 0 has made no step for 36" in one and "stalling.py" in one for one in stacks)
    (restart,) = (event.message for event in events if event.kind == "restart")
    assert "starting again from the last checkpoint (1 of 1)" in restart
    assert "restarted 1 times: replica 0 has made no step" in events[-1].message
    assert restart in said, "who listens is told before the process begins again"
    assert events[-1].message in said
    train(run.path)
    assert is_finished(run)
    train(undisturbed.path)
    assert_same_weights(run.last, undisturbed.last)


def test_what_a_process_that_began_again_starts_has_not_done_so_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ECG_TRAINER_BEGUN_AGAIN", f"{os.getpid()}:2")
    assert times_begun_again() == 2
    program = "from ecg_assets.training.runtime.restart import times_begun_again; print(times_begun_again())"
    done = subprocess.run([sys.executable, "-c", program], cwd=CHECKOUT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "0"
