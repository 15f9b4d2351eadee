"""The launch op on a real process tree: live events, cancel, death of the run worker, what the trainer inherits."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dagster as dg
import psutil
import pytest

from ecg_assets.resources.pipes_trainer_client import trainer_environment
from ecg_assets.resources.reconcile import worker_mark
from ecg_assets.training.launch.process_record import PROCESS_FILE
from ecg_assets_tests.integration.live import (
    CHECKOUT,
    Server,
    environment,
    instance_of,
    make_home,
    status_of,
    until,
    webserver,
)
from ecg_assets_tests.resources.launch_defs import RESOURCES, TRAINED, trained

MODULE = "ecg_assets_tests.resources.launch_defs"


@pytest.fixture
def run_folder(tmp_path: Path) -> Path:
    folder = tmp_path / "runs" / "stand_in"
    folder.mkdir(parents=True)
    return folder


def plan(
    folder: Path, *, epochs: int = 3, seconds: float = 0.2, children: int = 0, fail: bool = False, step_s: float = 0.0
) -> None:
    (folder / "pids.json").unlink(missing_ok=True)
    values = {"epochs": epochs, "seconds": seconds, "children": children, "fail": fail, "step_s": step_s}
    (folder / "plan.json").write_text(json.dumps(values))


def started_tree(folder: Path) -> list[int]:
    """Process numbers of the trainer and its children, as soon as all run."""
    path = folder / "pids.json"
    pids: list[int] = until(lambda: path.exists() and json.loads(path.read_text()), 60, "the trainer's process tree")
    return pids


def alive(pids: list[int]) -> list[int]:
    return [pid for pid in pids if psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE]


def run_in_process(folder: Path, monkeypatch: pytest.MonkeyPatch, instance: dg.DagsterInstance) -> Any:
    monkeypatch.setenv("ECG_TEST_RUN_FOLDER", str(folder))
    return dg.materialize([trained], instance=instance, resources=RESOURCES, raise_on_error=False)


def observations(instance: dg.DagsterInstance, run_id: str) -> list[dg.AssetObservation]:
    entries = instance.all_logs(run_id, of_type=dg.DagsterEventType.ASSET_OBSERVATION)
    return [entry.asset_observation for entry in entries if entry.asset_observation]


def said(instance: dg.DagsterInstance, run_id: str) -> str:
    return "\n".join(entry.user_message for entry in instance.all_logs(run_id))


def test_epochs_become_observations_and_log_lines(run_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plan(run_folder, epochs=3)
    with dg.DagsterInstance.ephemeral() as instance:
        result = run_in_process(run_folder, monkeypatch, instance)
        seen = observations(instance, result.run_id)
        assert result.success
        assert [observation.asset_key for observation in seen] == [TRAINED] * 3
        assert [observation.metadata["loss"].value for observation in seen] == [1.0, 0.5, 1 / 3]
        assert "epoch 3" in said(instance, result.run_id)
        assert "There is no TPU on this machine" in said(instance, result.run_id)
    assert not (run_folder / PROCESS_FILE).exists()


def test_a_failing_trainer_fails_the_run_with_its_error_in_the_log(
    run_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan(run_folder, epochs=1, children=2, fail=True)
    with dg.DagsterInstance.ephemeral() as instance:
        result = run_in_process(run_folder, monkeypatch, instance)
        failure = result.failure_data_for_node("trained.launch")
        assert not result.success
        assert "exit code 1" in failure.error.message
        text = "\n".join(str(entry) for entry in instance.all_logs(result.run_id))
        assert "the stand-in was told to fail" in text
    assert not alive(started_tree(run_folder))


def test_the_environment_loses_xla_use_bf16_and_says_so(run_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XLA_USE_BF16", "1")
    lines: list[str] = []
    assert "XLA_USE_BF16" not in trainer_environment(lines.append)
    assert len(lines) == 1
    assert "truncates every f32" in lines[0]
    plan(run_folder, epochs=1)
    with dg.DagsterInstance.ephemeral() as instance:
        assert run_in_process(run_folder, monkeypatch, instance).success
    assert "XLA_USE_BF16" not in json.loads((run_folder / "environment.json").read_text())


def test_a_run_that_died_with_its_host_is_closed_by_the_next_one(run_folder: Path, tmp_path: Path) -> None:
    """Nobody is left who could report it: no code server, no daemon."""
    home = make_home(tmp_path / "home")
    variables = environment(home, ECG_TEST_RUN_FOLDER=str(run_folder), ECG_ASSETS_DATA=str(tmp_path / "data_root"))
    command = [sys.executable, "-m", "dagster", "asset", "materialize", "--select", "trained", "-m", MODULE]
    plan(run_folder, epochs=1000, seconds=0.2)
    with (tmp_path / "worker.log").open("wb") as log:
        worker = subprocess.Popen(command, cwd=CHECKOUT, env=variables, stdout=log, stderr=log)
        pids = started_tree(run_folder)
        worker.kill()
        worker.wait()
    until(lambda: not alive(pids), 15, "the trainer's end after its launcher's death")
    with instance_of(home) as instance:
        (killed,) = instance.get_runs()
        assert killed.status == dg.DagsterRunStatus.STARTED
        assert instance.event_log_storage.get_concurrency_info("tpu").active_run_ids == {killed.run_id}
        plan(run_folder, epochs=1)
        subprocess.run(command, cwd=CHECKOUT, env=variables, capture_output=True, timeout=60, check=True)
        assert status_of(instance, killed.run_id) == dg.DagsterRunStatus.FAILURE
        (run_id,) = {run.run_id for run in instance.get_runs()} - {killed.run_id}
        assert f"run {killed.run_id} (STARTED): its process is gone" in said(instance, run_id)


class TestLive:
    """Over GraphQL, as the UI does it."""

    @pytest.fixture
    def home(self, tmp_path: Path) -> Path:
        return make_home(tmp_path / "home")

    @pytest.fixture
    def server(self, home: Path, run_folder: Path, tmp_path: Path) -> Iterator[Server]:
        variables = {"ECG_TEST_RUN_FOLDER": str(run_folder), "ECG_ASSETS_DATA": str(tmp_path / "data_root")}
        with webserver(home, MODULE, **variables) as server:
            yield server

    def test_epochs_arrive_live_and_terminate_leaves_no_process(
        self, server: Server, home: Path, run_folder: Path
    ) -> None:
        plan(run_folder, epochs=1000, seconds=0.2, children=3)
        run_id = server.materialize(["trained"])
        pids = started_tree(run_folder)
        with instance_of(home) as instance:
            until(lambda: len(observations(instance, run_id)) >= 2, 30, "observations while it trains")
            assert len(alive(pids)) == 4
            server.terminate(run_id)
            until(lambda: status_of(instance, run_id) == dg.DagsterRunStatus.CANCELED, 30, "the cancel")
            until(lambda: not alive(pids), 10, "the end of the process tree")
            assert "was killed" in said(instance, run_id)

    def test_terminate_waits_for_two_slow_steps_and_the_log_ends_with_where_it_stopped(
        self, server: Server, home: Path, run_folder: Path
    ) -> None:
        """Three times the grace for saving; nothing but the sentence stands where a stack would."""
        plan(run_folder, epochs=1000, seconds=0.2, step_s=2.0)
        run_id = server.materialize(["trained"])
        with instance_of(home) as instance:
            until(lambda: observations(instance, run_id), 60, "an epoch")
            server.terminate(run_id)
            until(lambda: status_of(instance, run_id) == dg.DagsterRunStatus.CANCELED, 60, "the cancel")
            assert "was killed" not in said(instance, run_id)
            (failure,) = instance.all_logs(run_id, of_type=dg.DagsterEventType.STEP_FAILURE)
            error = failure.get_dagster_event().step_failure_data.error
            assert error is not None
            sentence = "stopped at epoch 3, step 120; the next run goes on from there"
            assert (error.message, error.stack) == (sentence, [])
            assert sentence in said(instance, run_id)

    def test_kill_9_of_the_worker_ends_the_trainer_and_blocks_no_later_run(
        self, server: Server, home: Path, run_folder: Path
    ) -> None:
        plan(run_folder, epochs=1000, seconds=0.2)
        killed = server.materialize(["trained"])
        pids = started_tree(run_folder)
        with instance_of(home) as instance:
            until(lambda: observations(instance, killed), 30, "an epoch")
            worker = worker_mark(instance, killed)
            assert worker is not None
            os.kill(worker.pid, signal.SIGKILL)
            until(lambda: not alive(pids), 15, "the trainer's end after its launcher's death")
            plan(run_folder, epochs=2)
            run_id = server.materialize(["trained"])
            until(lambda: status_of(instance, run_id) == dg.DagsterRunStatus.SUCCESS, 60, "the next run's success")
            assert status_of(instance, killed) == dg.DagsterRunStatus.FAILURE
            assert killed in said(instance, run_id)
