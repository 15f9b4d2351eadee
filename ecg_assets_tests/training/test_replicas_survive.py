"""Replicas under xmp.spawn that are stopped, die or hang: the group ends, and training goes on where it was."""

import os
import signal
import subprocess
import sys
import time

import psutil
import pytest

from ecg_assets.training.events import Event, read_events
from ecg_assets.training.run_folder import RunFolder, is_finished
from ecg_assets_tests.live import CHECKOUT
from ecg_assets_tests.training.conftest import Prepare
from ecg_assets_tests.training.test_trainer import assert_same_weights, wait_for_step

pytestmark = [
    pytest.mark.xla,
    pytest.mark.skipif(sys.platform != "linux" or os.uname().machine != "x86_64", reason="torch_xla has no wheel here"),
]


def start(run: RunFolder) -> "subprocess.Popen[str]":
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PJRT_", "CPU_NUM", "XLA_"))}
    command = [sys.executable, "-m", "ecg_assets.training.trainer", str(run.path)]
    return subprocess.Popen(
        command, cwd=CHECKOUT, env=kept, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        start_new_session=True,
    )  # fmt: skip


def replica_process(trainer: "subprocess.Popen[str]") -> psutil.Process:
    """The process whose threads are the replicas."""
    return next(child for child in psutil.Process(trainer.pid).children() if "spawn_main" in " ".join(child.cmdline()))


def told(run: RunFolder, kind: str) -> list[Event]:
    return [event for event in read_events(run.events) if event.kind == kind]


@pytest.fixture
def undisturbed(prepare: Prepare) -> RunFolder:
    run = prepare("undisturbed", runtime="xla", replicas=2, check_every=5)
    process = start(run)
    said, _ = process.communicate(timeout=300)
    assert process.returncode == 0, said
    return run


def test_term_and_then_a_dead_replica_leave_the_weights_of_an_undisturbed_training(
    prepare: Prepare, undisturbed: RunFolder
) -> None:
    run = prepare("stopped", runtime="xla", replicas=2, check_every=5)
    process = start(run)
    wait_for_step(run, process, epoch=1, step=5)
    process.terminate()
    said, _ = process.communicate(timeout=200)
    assert process.returncode == 75, said
    again = start(run)
    wait_for_step(run, again, epoch=2, step=5)
    replica_process(again).kill()
    said, _ = again.communicate(timeout=300)
    assert again.returncode == 0, said
    assert "starting again from the last checkpoint (1 of 2)" in told(run, "restart")[0].message
    assert is_finished(run)
    assert_same_weights(run.last, undisturbed.last)


def test_a_replica_that_hangs_ends_the_group_with_all_stacks_and_training_goes_on(prepare: Prepare) -> None:
    run = prepare("hanging", runtime="xla", replicas=2, check_every=5, stall_timeout_s=45.0, restarts=1)
    hang = run.path / "hang_once"
    hang.touch()
    command = [sys.executable, "-m", "ecg_assets_tests.training.hanging", str(run.path), str(hang)]
    began = time.monotonic()
    done = subprocess.run(command, cwd=CHECKOUT, capture_output=True, text=True, timeout=400, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    stacks = next(event.message for event in told(run, "log") if "Their stacks" in event.message)
    assert "has made no step for" in stacks
    assert "hanging.py" in stacks  # where the one hangs
    assert "replica_gate.py" in stacks or "sync" in stacks  # where the other waits for it
    assert len(told(run, "restart")) == 1
    assert is_finished(run)
    assert time.monotonic() - began < 300


def test_a_group_whose_replicas_die_again_and_again_is_given_up(prepare: Prepare) -> None:
    run = prepare("dying", runtime="xla", replicas=2, restarts=1)
    process = start(run)
    for _ in range(2):
        deadline, before = time.monotonic() + 120, len(told(run, "started"))
        while len(told(run, "started")) == before and time.monotonic() < deadline:
            time.sleep(0.1)
        replica_process(process).send_signal(signal.SIGKILL)
    said, _ = process.communicate(timeout=120)
    assert process.returncode not in (0, 75), said
    assert "restarted 1 times" in told(run, "error")[0].message
