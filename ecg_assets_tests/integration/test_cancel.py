"""Terminate in the UI, at any moment of a training: it is saved, nothing is left running, the next run goes on."""

import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import dagster as dg
import numpy as np
import psutil
import pytest

from ecg_assets.store.root import DataRoot
from ecg_assets.training.checkpoints.checkpoint import saved_progress
from ecg_assets.training.runs.events import Event, read_events
from ecg_assets.training.runs.run_folder import RunFolder
from ecg_assets_tests.integration.live import instance_of, status_of, until
from ecg_assets_tests.integration.live_training import (
    CANCELED,
    ENDLESS,
    FAILURE,
    TRAINING_ASSETS,
    Live,
    experiment_config,
    platform,
    processes,
    trainer_group,
    write_experiment,
)

# On a busy machine the two steps and the checkpoint of a stop take a while; a process that hangs is never gone.
GONE_WITHIN_S = 120.0
# What the trainer has told since the run was launched, and whether it is the moment.
PHASES: dict[str, Callable[[list[Event]], bool]] = {
    "as the trainer starts": lambda told: True,
    "in an epoch": lambda told: any("step" in event.values for event in told if event.kind == "log"),
    "as an epoch ends": lambda told: any(event.kind == "epoch" for event in told),
}


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory, made_root: DataRoot) -> Iterator[Live]:
    folder = tmp_path_factory.mktemp("cancel")
    shutil.copytree(made_root.path, folder / "data_root", symlinks=True)
    with platform(folder, folder / "data_root") as running:
        yield running


def launch(live: Live, folder: Path) -> str:
    """The same experiment each time: what a run before has left is gone on from."""
    endless = write_experiment(folder, "cancelled", **ENDLESS, save_every=2)
    return live.server.materialize(TRAINING_ASSETS, experiment_config(endless))


def cancel(live: Live, instance: dg.DagsterInstance, run_id: str, before: set[int]) -> None:
    """Terminates the run as the UI does, and waits until nothing of it is left."""
    live.server.terminate(run_id)
    deadline = time.monotonic() + GONE_WITHIN_S
    while left := processes(live) - before:
        assert time.monotonic() < deadline, [psutil.Process(pid).cmdline() for pid in left]
        time.sleep(0.1)
    until(lambda: status_of(instance, run_id) == CANCELED, 30, "the run's end as CANCELED")


def assert_saved(live: Live, instance: dg.DagsterInstance, run_id: str, told: list[Event]) -> bool:
    """The run's log ends with where the training stopped, in the place of a stack, and that is what is saved.

    Returns:
        Whether it had begun to train at all.
    """
    if not any(event.kind == "started" for event in told):
        return False
    assert told[-1].kind == "stopped", told[-1].message
    run = RunFolder(live.data_root / "runs" / "cancelled")
    saved = saved_progress(run.last, run.previous)
    where = f"stopped at epoch {saved.epoch + 1}, step {saved.step}; the next run goes on from there"
    assert told[-1].message.startswith(where)
    (failure,) = instance.all_logs(run_id, of_type=dg.DagsterEventType.STEP_FAILURE)
    error = failure.get_dagster_event().step_failure_data.error
    assert error is not None
    assert (error.message, error.stack) == (told[-1].message, [])
    return True


# The other moments are among the random ones of the long series.
@pytest.mark.parametrize(
    "phase", ["in an epoch", *(pytest.param(name, marks=pytest.mark.soak) for name in PHASES if name != "in an epoch")]
)
def test_a_cancel_leaves_no_process_and_the_next_run_starts(live: Live, phase: str, tmp_path: Path) -> None:
    events = live.data_root / "runs" / "cancelled" / "events.jsonl"
    told_before, before = len(read_events(events)), processes(live)

    def reached() -> bool:
        assert status_of(instance, run_id) != FAILURE
        return trainer_group(live.data_root) is not None and PHASES[phase](read_events(events)[told_before:])

    with instance_of(live.home) as instance:
        run_id = launch(live, tmp_path)
        until(reached, 240, phase)
        assert len(processes(live) - before) >= 2, "the run's worker and the trainer"
        cancel(live, instance, run_id, before)
        begun = assert_saved(live, instance, run_id, read_events(events)[told_before:])
        assert begun or phase == "as the trainer starts"


_NOT_YET = (dg.DagsterRunStatus.NOT_STARTED, dg.DagsterRunStatus.QUEUED, dg.DagsterRunStatus.STARTING)


@pytest.mark.soak
@pytest.mark.timeout(3600)
def test_twenty_cancels_at_random_moments_leave_nothing_behind(live: Live, tmp_path: Path) -> None:
    rng, before, saved = np.random.default_rng(0), processes(live), 0
    events = live.data_root / "runs" / "cancelled" / "events.jsonl"
    with instance_of(live.home) as instance:
        for _ in range(20):
            run_id, told_before = launch(live, tmp_path), len(read_events(events))
            # Dagster itself refuses to terminate a run whose process it is still starting.
            until(lambda: status_of(instance, run_id) not in _NOT_YET, 60, "the run's process")  # noqa: B023
            time.sleep(float(rng.uniform(0.0, 45.0)))
            assert status_of(instance, run_id) != FAILURE
            cancel(live, instance, run_id, before)
            saved += assert_saved(live, instance, run_id, read_events(events)[told_before:])
    assert saved
    assert (live.data_root / "runs" / "cancelled" / "checkpoints" / "last.safetensors").exists()
