"""Replicas under xmp.spawn that are stopped, die or hang: the group ends, and training goes on where it was."""

import os
import signal
import subprocess
import sys
import time
from typing import Any

import numpy as np
import psutil
import pytest
from safetensors.numpy import load_file

from ecg_assets.store.root import DataRoot
from ecg_assets.training.runs.events import Event, read_events
from ecg_assets.training.runs.run_folder import RunFolder
from ecg_assets.training.runs.run_state import is_finished
from ecg_assets_tests.integration.live import CHECKOUT
from ecg_assets_tests.training.conftest import Prepare, preparing, xla_environment
from ecg_assets_tests.training.test_trainer import assert_same_weights, wait_for_step

pytestmark = [
    pytest.mark.xla,
    pytest.mark.skipif(sys.platform != "linux" or os.uname().machine != "x86_64", reason="torch_xla has no wheel here"),
]


# One level of a network compiles faster than two; what remains to be trained must outlast a busy test.
SMALLEST = {"runtime": "xla", "replicas": 2, "epochs": 4, "check_every": 5, "widths": (8,), "patch_px": 4}


def start(run: RunFolder) -> "subprocess.Popen[str]":
    command = [sys.executable, "-m", "ecg_assets.training.trainer", str(run.path)]
    return subprocess.Popen(
        command, cwd=CHECKOUT, env=xla_environment(), text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        start_new_session=True,
    )  # fmt: skip


def replica_process(trainer: "subprocess.Popen[str]") -> psutil.Process:
    """The process whose threads are the replicas."""
    return next(child for child in psutil.Process(trainer.pid).children() if "spawn_main" in " ".join(child.cmdline()))


def told(run: RunFolder, kind: str) -> list[Event]:
    return [event for event in read_events(run.events) if event.kind == kind]


@pytest.fixture
def undisturbed(prepare: Prepare) -> RunFolder:
    run = prepare("undisturbed", **SMALLEST)
    process = start(run)
    said, _ = process.communicate(timeout=300)
    assert process.returncode == 0, said
    return run


def test_term_and_then_a_dead_replica_leave_the_weights_of_an_undisturbed_training(
    prepare: Prepare, undisturbed: RunFolder
) -> None:
    run = prepare("stopped", **SMALLEST)
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


@pytest.fixture(scope="module")
def troubled(made_root: DataRoot, tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    """A finished training of which one replica hung, and had losses that were not numbers (see `hanging`)."""
    run = preparing(made_root, tmp_path_factory.mktemp("troubled"))(**SMALLEST, stall_timeout_s=900.0, restarts=1)
    command = [sys.executable, "-m", "ecg_assets_tests.training.hanging", str(run.path)]
    done = subprocess.run(
        command, cwd=CHECKOUT, env=xla_environment(), capture_output=True, text=True, timeout=500, check=False
    )
    assert done.returncode == 0, done.stderr[-3000:]
    assert is_finished(run)
    return run


def seen(run: RunFolder, what: str) -> list[np.ndarray[Any, Any]]:
    return [np.load(run.path / "seen" / f"{ordinal}-{what}.npy") for ordinal in (0, 1)]


def test_a_replica_that_hangs_ends_the_group_with_all_stacks_and_training_goes_on(troubled: RunFolder) -> None:
    stacks = next(event.message for event in told(troubled, "log") if "Their stacks" in event.message)
    assert "replica 1 has made no step for" in stacks
    assert "hanging.py" in stacks  # where the one hangs
    assert "replica_gate.py" in stacks or "sync" in stacks  # where the other waits for it
    assert len(told(troubled, "restart")) == 1


def test_a_flaw_of_one_replica_is_named_by_it_and_all_go_back_alike(troubled: RunFolder) -> None:
    (recovery,) = told(troubled, "recovery")
    flaw = next(event for event in told(troubled, "flaw") if event.values["ordinal"] == 1)
    assert "samples with such a loss" in flaw.message
    assert (flaw.values["epoch"], flaw.values["step"]) == (2, 3)
    assert len(flaw.values["samples"]) == 2
    assert recovery.values["rate_factor"] == 0.5
    assert [float(factor) for factor in seen(troubled, "factor")] == [0.5, 0.5]
    weights = seen(troubled, "weights")
    assert np.isfinite(weights[0]).all()
    np.testing.assert_array_equal(weights[0], weights[1])


def test_running_statistics_are_the_mean_over_replicas(troubled: RunFolder) -> None:
    before, after = seen(troubled, "before"), seen(troubled, "after")
    assert (before[0] != before[1]).any()
    for one in after:
        np.testing.assert_allclose(one, (before[0] + before[1]) / 2, rtol=1e-6)
    np.testing.assert_array_equal(load_file(troubled.last)["buffer.norm.running_mean"], after[0])


def test_a_network_that_falls_back_to_the_host_says_so_at_the_first_step(troubled: RunFolder) -> None:
    events = read_events(troubled.events)
    first = next(number for number, event in enumerate(events) if "step" in event.values and event.kind == "log")
    notes = [event for event in events[:first] if "falls back to the host" in event.message]
    assert len(notes) == 1
    assert any("upsample" in name for name in notes[0].values["fallbacks"])


@pytest.mark.soak
def test_a_group_whose_replicas_die_again_and_again_is_given_up(prepare: Prepare) -> None:
    run = prepare("dying", **SMALLEST, restarts=1)
    process = start(run)
    for _ in range(2):
        deadline, before = time.monotonic() + 120, len(told(run, "started"))
        while len(told(run, "started")) == before and time.monotonic() < deadline:
            time.sleep(0.1)
        replica_process(process).send_signal(signal.SIGKILL)
    said, _ = process.communicate(timeout=120)
    assert process.returncode not in (0, 75), said
    assert "restarted 1 times" in told(run, "error")[0].message
