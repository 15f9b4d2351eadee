"""TERM at any moment: what was trained is saved within two steps, the log says where, the next launch goes on there."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from ecg_assets.training.checkpoints.checkpoint import saved_progress
from ecg_assets.training.data.batches import DeviceBatch
from ecg_assets.training.evaluation.counts import Tally
from ecg_assets.training.loop.replica import Replica
from ecg_assets.training.runs.events import Event, read_events
from ecg_assets.training.runs.run_folder import RunFolder
from ecg_assets.training.runs.run_state import is_finished
from ecg_assets.training.runs.stop_point import read_signs
from ecg_assets.training.runtime.plain import PlainRuntime
from ecg_assets.training.trainer import STOPPED, TrainingStopped, train
from ecg_assets_tests.integration.live import CHECKOUT
from ecg_assets_tests.training.conftest import Prepare, xla_environment
from ecg_assets_tests.training.loop.test_recovery import poison
from ecg_assets_tests.training.test_trainer import assert_same_weights, epochs, start

xla = [
    pytest.mark.xla,
    pytest.mark.skipif(sys.platform != "linux" or os.uname().machine != "x86_64", reason="torch_xla has no wheel here"),
]
# Nothing is read from the device in between.
UNSEEN: dict[str, Any] = {"check_every": 1000, "log_every": 1000}
RUNTIMES = [
    pytest.param({"runtime": "torch"}, id="torch"),
    pytest.param({"runtime": "xla", "replicas": 2, "widths": (8,), "patch_px": 4}, id="xla", marks=xla),
]


def start_slowly(run: RunFolder) -> "subprocess.Popen[str]":
    command = [sys.executable, "-m", "ecg_assets_tests.training.slow", str(run.path)]
    return subprocess.Popen(
        command, cwd=CHECKOUT, env=xla_environment(), text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )


def stopped(run: RunFolder) -> Event:
    """The last event; what it says is what is saved."""
    event = read_events(run.events)[-1]
    assert event.kind == "stopped", event
    saved = saved_progress(run.last, run.previous)
    assert (event.values["epoch"], event.values["step"]) == (saved.epoch, saved.step)
    where = f"stopped at epoch {saved.epoch + 1}, step {saved.step}; the next run goes on from there"
    assert event.message.startswith(where)
    return event


def curves(run: RunFolder) -> list[tuple[float, float]]:
    return [(one["loss"], one["validation_loss"]) for one in epochs(run)]


@pytest.mark.parametrize(
    "runtime", [RUNTIMES[0], pytest.param(*RUNTIMES[1].values, id="xla", marks=[*xla, pytest.mark.soak])]
)
def test_slow_steps_are_saved_within_two_of_them_and_the_log_ends_with_where(
    prepare: Prepare, runtime: dict[str, Any]
) -> None:
    run = prepare("slow", epochs=1, steps_per_epoch=100, **UNSEEN, **runtime)
    process, begun, deadline = start_slowly(run), run.path / "begun", time.monotonic() + 200
    while not begun.exists() or begun.read_text() in ("", "1", "2"):
        assert process.poll() is None, process.communicate()[0]
        assert time.monotonic() < deadline
        time.sleep(0.01)
    process.terminate()
    asked_in = int(begun.read_text())
    said, _ = process.communicate(timeout=60)
    assert process.returncode == STOPPED, said
    assert asked_in <= stopped(run).values["step"] <= asked_in + 2
    assert re.search(r"stopped at epoch 1, step \d+; the next run goes on from there\s*$", said), said
    assert "Traceback" not in said


def test_a_stop_between_two_looks_changes_nothing_of_the_result(
    prepare: Prepare, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither the weights nor the epochs' mean losses, to the last bit; with gradients that are added up, too."""
    changes = {"steps_per_epoch": 23, "accumulate": 2, "ema_decay": 0.9}
    undisturbed, run = prepare("undisturbed", **changes), prepare("stopped", **changes)
    train(undisturbed.path)
    for ask_in in (6, 13, 17):
        with monkeypatch.context() as patch:
            ask_in_step(patch, run, ask_in)
            with pytest.raises(TrainingStopped):
                train(run.path)
        assert stopped(run).values["step"] in (ask_in + 2, ask_in + 3, ask_in + 4)
        assert stopped(run).values["step"] % 2 == 0
    train(run.path)
    assert_same_weights(run.last, undisturbed.last)
    assert_same_weights(run.best, undisturbed.best)
    assert curves(run) == curves(undisturbed)


def ask_in_step(patch: pytest.MonkeyPatch, run: RunFolder, asked: int) -> None:
    train_step = Replica.train_step

    def asking(self: Replica, step: int, batches: Sequence[DeviceBatch]) -> None:
        if step == asked:
            ask(run)
        train_step(self, step, batches)

    patch.setattr(Replica, "train_step", asking)


def ask(run: RunFolder) -> None:
    """As the signal handler does; the launcher's answer is waited for, as by a replica."""
    run.stop_request.touch()
    while not run.stop_point.exists():
        time.sleep(0.01)


def test_a_validation_is_stopped_and_begun_anew(prepare: Prepare, monkeypatch: pytest.MonkeyPatch) -> None:
    changes = {"validation_steps": 8, "steps_per_epoch": 10}
    undisturbed, run = prepare("undisturbed", **changes), prepare("stopped", **changes)
    train(undisturbed.path)
    validate = Replica.validate

    def asking(self: Replica) -> tuple[float, Tally]:
        ask(run)
        return validate(self)

    with monkeypatch.context() as patch:
        patch.setattr(Replica, "validate", asking)
        with pytest.raises(TrainingStopped):
            train(run.path)
    assert stopped(run).message.endswith("step 10; the next run goes on from there, with the epoch's validation")
    train(run.path)
    assert_same_weights(run.last, undisturbed.last)
    assert curves(run) == curves(undisturbed)


def test_a_flaw_that_is_found_at_the_stop_is_recovered_from_before_anything_is_saved(
    prepare: Prepare, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = prepare(epochs=3, steps_per_epoch=20, **UNSEEN)
    poison(monkeypatch, epoch=0, positions={2 * 3})  # of step 4
    with monkeypatch.context() as patch:
        ask_in_step(patch, run, 5)
        with pytest.raises(TrainingStopped):
            train(run.path)
    assert [event.values["step"] for event in read_events(run.events) if event.kind == "flaw"] == [4]
    assert stopped(run).values == {"epoch": 0, "step": 0}
    assert saved_progress(run.last, run.previous).skipped == [(0, 4)]


def test_a_stop_costs_the_device_nothing_until_there_is_one(prepare: Prepare, monkeypatch: pytest.MonkeyPatch) -> None:
    """Collectives and sends to the device are those of the looks, with a request in the way as well as without."""
    counts: dict[str, int] = {"total": 0, "sync": 0}

    def counting(name: str) -> None:
        method = getattr(PlainRuntime, name)

        def counted(self: PlainRuntime, *arguments: Any) -> Any:
            counts[name] += 1
            return method(self, *arguments)

        monkeypatch.setattr(PlainRuntime, name, counted)

    counting("total")
    counting("sync")
    run = prepare(epochs=1, steps_per_epoch=20, **UNSEEN)
    with monkeypatch.context() as patch:
        ask_in_step(patch, run, 10)
        with pytest.raises(TrainingStopped):
            train(run.path)
    # One look, and whether the first micro-batch's memory sufficed; two graphs for each of the eleven steps.
    assert stopped(run).values["step"] == 11
    assert counts == {"total": 1 + 1, "sync": 2 * 11 + 1 + 2}


@pytest.mark.xla
def test_a_stop_while_the_first_step_is_compiled_is_answered_at_once(prepare: Prepare) -> None:
    run = prepare("compiled", runtime="xla", replicas=2, widths=(16, 32, 64), patch_px=2, batch_size=4)
    process, deadline = start(run), time.monotonic() + 120
    while not any(sign.point for sign in read_signs(run.heartbeats)):
        assert process.poll() is None, process.communicate()[0]
        assert time.monotonic() < deadline
        time.sleep(0.01)
    process.terminate()
    said, _ = process.communicate(timeout=30)
    assert process.returncode == STOPPED, said
    assert stopped(run).values == {"epoch": 0, "step": 0}
    assert said.endswith("(its first step was still being compiled, nothing is lost)\n"), said


def begun(run: RunFolder, told: int) -> bool:
    return any(event.kind == "started" for event in read_events(run.events)[told:])


@pytest.mark.soak
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("runtime", RUNTIMES)
def test_stops_at_random_moments_are_all_saved_and_change_nothing(prepare: Prepare, runtime: dict[str, Any]) -> None:
    rounds = 40 if runtime["runtime"] == "torch" else 15
    changes = {"epochs": 40, "steps_per_epoch": 30, "validation_steps": 4, **runtime}
    undisturbed, run = prepare("undisturbed", **changes), prepare("stopped", **changes)
    whole = start(undisturbed)
    assert whole.wait(1200) == 0
    rng, reached = np.random.default_rng(0), []
    for _ in range(rounds):
        process, told = start(run), len(read_events(run.events))
        # One in four may fall into the start: importing torch takes seconds, and XLA compiles the first step.
        early = rng.random() < 0.25
        while not early and not any(sign.point > 1 for sign in read_signs(run.heartbeats)):
            assert process.poll() is None
            time.sleep(0.02)
        time.sleep(float(rng.uniform(0.0, 8.0 if early else 3.0)))
        process.send_signal(signal.SIGTERM)
        said, _ = process.communicate(timeout=120)
        if is_finished(run):
            break
        if process.returncode == -signal.SIGTERM:
            assert not begun(run, told), said
            continue
        assert process.returncode == STOPPED, said
        event = stopped(run)
        reached.append((event.values["epoch"], event.values["step"]))
    assert reached == sorted(reached)
    assert len(reached) > rounds / 2
    assert start(run).wait(1200) == 0
    assert_same_weights(run.last, undisturbed.last)
    assert curves(run) == curves(undisturbed)
    sys.stderr.write(f"stopped at {reached}\n")
