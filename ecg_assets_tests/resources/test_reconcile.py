"""Runs whose process is gone are closed and their slots freed; live runs and reused process numbers are told apart."""

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import psutil
import pytest
from click.testing import CliRunner
from dagster._core.events import EngineEventData

from ecg_assets.cli import main
from ecg_assets.resources import reconcile
from ecg_assets.resources.data_root import DataRootResource
from ecg_assets.resources.reconcile import note_worker, reconcile_runs, wait_for_slot, worker_mark
from ecg_assets.training.launch.process_record import note_launch, read_launch
from ecg_assets.training.launch.processes import (
    ProcessMark,
    ProcessStart,
    end_group,
    group_members,
    own_mark,
    start_of,
)
from ecg_assets_tests.integration.live import instance_of, make_home, status_of

POOL = "tpu"


@dg.job
def some_job() -> None:
    pass


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_home(tmp_path_factory.mktemp("reconcile") / "home")


@pytest.fixture
def instance(home: Path) -> Iterator[dg.DagsterInstance]:
    with instance_of(home) as instance:
        yield instance
        instance.wipe()


@pytest.fixture
def worker() -> Iterator["subprocess.Popen[bytes]"]:
    process = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    yield process
    process.kill()
    process.wait()


def run_of(
    instance: dg.DagsterInstance,
    pid: int | None,
    status: dg.DagsterRunStatus = dg.DagsterRunStatus.STARTED,
    slot: bool = False,
    seen_s_ago: float = 0.0,
) -> str:
    """A run in `status` whose worker has the number `pid` and was seen so long ago; with the pool's slot if told."""
    run = instance.create_run_for_job(some_job, status=status)
    if pid is not None:
        instance.report_engine_event("Started process", run, EngineEventData.in_process(pid))
        _age_events(instance, run.run_id, seen_s_ago)
    if slot:
        instance.event_log_storage.initialize_concurrency_limit_to_default(POOL)
        claim = instance.event_log_storage.claim_concurrency_slot(POOL, run.run_id, "launch")
        assert claim.is_claimed
    return run.run_id


def _age_events(instance: dg.DagsterInstance, run_id: str, seconds: float) -> None:
    if not seconds:
        return
    (entry,) = instance.all_logs(run_id, of_type=dg.DagsterEventType.ENGINE_EVENT)
    instance.event_log_storage.delete_events(run_id)
    instance.event_log_storage.store_event(replace_timestamp(entry, entry.timestamp - seconds))


def replace_timestamp(entry: dg.EventLogEntry, timestamp: float) -> dg.EventLogEntry:
    values = {name: getattr(entry, name) for name in entry._fields}
    return dg.EventLogEntry(**{**values, "timestamp": timestamp})  # type: ignore[no-untyped-call]


def slot_holders(instance: dg.DagsterInstance) -> set[str]:
    return {slot.run_id for slot in instance.event_log_storage.get_concurrency_info(POOL).claimed_slots}


@pytest.mark.parametrize("status", [dg.DagsterRunStatus.STARTED, dg.DagsterRunStatus.STARTING])
def test_a_run_whose_worker_was_killed_is_failed_and_gives_its_slot_back(
    instance: dg.DagsterInstance, worker: "subprocess.Popen[bytes]", status: dg.DagsterRunStatus
) -> None:
    run_id = run_of(instance, worker.pid, status, slot=True)
    assert reconcile_runs(instance, print_nowhere) == []
    worker.kill()
    worker.wait()
    lines: list[str] = []
    assert reconcile_runs(instance, lines.append) == [run_id]
    assert status_of(instance, run_id) == dg.DagsterRunStatus.FAILURE
    assert slot_holders(instance) == set()
    assert len(lines) == 1
    assert run_id in lines[0]


def test_the_command_does_by_hand_what_a_launch_does(
    home: Path, instance: dg.DagsterInstance, worker: "subprocess.Popen[bytes]", monkeypatch: pytest.MonkeyPatch
) -> None:
    run_id = run_of(instance, worker.pid, slot=True)
    worker.kill()
    worker.wait()
    monkeypatch.setenv("DAGSTER_HOME", str(home))
    said = CliRunner().invoke(main, ["reconcile"])
    assert said.exit_code == 0, said.output
    assert f"run {run_id} (STARTED): its process is gone" in said.output
    assert said.output.splitlines()[-1] == "1 runs closed"
    assert status_of(instance, run_id) == dg.DagsterRunStatus.FAILURE
    assert slot_holders(instance) == set()


def test_a_killed_worker_that_nobody_has_waited_for_is_gone_too(
    instance: dg.DagsterInstance, worker: "subprocess.Popen[bytes]"
) -> None:
    run_id = run_of(instance, worker.pid)
    worker.kill()
    while psutil.Process(worker.pid).status() != psutil.STATUS_ZOMBIE:
        time.sleep(0.01)
    assert reconcile_runs(instance, print_nowhere) == [run_id]


def test_a_run_that_was_being_cancelled_ends_as_cancelled(instance: dg.DagsterInstance) -> None:
    run_id = run_of(instance, pid=_dead_pid(), status=dg.DagsterRunStatus.CANCELING)
    assert reconcile_runs(instance, print_nowhere) == [run_id]
    assert status_of(instance, run_id) == dg.DagsterRunStatus.CANCELED


def test_a_live_run_is_never_touched(instance: dg.DagsterInstance, worker: "subprocess.Popen[bytes]") -> None:
    run_id = run_of(instance, worker.pid, slot=True)
    assert reconcile_runs(instance, print_nowhere) == []
    assert status_of(instance, run_id) == dg.DagsterRunStatus.STARTED
    assert slot_holders(instance) == {run_id}


def test_a_later_process_with_the_same_number_is_not_mistaken_for_the_worker(
    instance: dg.DagsterInstance, worker: "subprocess.Popen[bytes]"
) -> None:
    run_id = run_of(instance, worker.pid, seen_s_ago=60)
    mark = worker_mark(instance, run_id)
    assert mark is not None
    assert mark.pid == worker.pid
    assert reconcile_runs(instance, print_nowhere) == [run_id]


@pytest.mark.parametrize("status", [dg.DagsterRunStatus.NOT_STARTED, dg.DagsterRunStatus.STARTING])
def test_a_run_that_waits_for_its_worker_is_left_alone(
    instance: dg.DagsterInstance, status: dg.DagsterRunStatus
) -> None:
    run_id = run_of(instance, pid=None, status=status)
    assert reconcile_runs(instance, print_nowhere) == []
    assert status_of(instance, run_id) == status


def test_a_slot_that_a_finished_run_forgot_is_freed(instance: dg.DagsterInstance) -> None:
    run_of(instance, pid=_dead_pid(), status=dg.DagsterRunStatus.CANCELED, slot=True)
    lines: list[str] = []
    assert reconcile_runs(instance, lines.append) == []
    assert slot_holders(instance) == set()
    assert "freed the slot" in lines[0]


def test_a_launch_waits_for_a_live_training_says_so_and_goes_on_when_its_worker_dies(
    instance: dg.DagsterInstance, worker: "subprocess.Popen[bytes]", monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reconcile, "_WAIT_POLL_S", 0.1)
    holder = run_of(instance, worker.pid, slot=True)
    lines: list[str] = []
    threading.Timer(0.5, worker.kill).start()
    began = time.monotonic()
    wait_for_slot(instance, "the-new-run", POOL, lines.append)
    assert time.monotonic() - began >= 0.4
    assert holder in lines[0]
    assert status_of(instance, holder) == dg.DagsterRunStatus.FAILURE


def test_a_group_is_ended_gently_then_by_force() -> None:
    gentle = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"], start_new_session=True)
    assert end_group(gentle.pid, grace_s=5) is False
    deaf = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('x', flush=True); time.sleep(600)"
    stubborn = subprocess.Popen([sys.executable, "-c", deaf], start_new_session=True, stdout=subprocess.PIPE)
    assert stubborn.stdout is not None
    stubborn.stdout.read(1)
    assert group_members(stubborn.pid) == [stubborn.pid]
    assert end_group(stubborn.pid, grace_s=0.3) is True
    assert stubborn.wait(5) == -9
    gentle.wait(5)
    assert end_group(gentle.pid, grace_s=0.3) is False


def test_a_mark_tells_processes_apart_by_their_start() -> None:
    began = psutil.Process().create_time()
    assert ProcessMark(os.getpid(), time.time()).alive()
    assert not ProcessMark(os.getpid(), began - 60).alive()


@pytest.fixture
def clock_forward(monkeypatch: pytest.MonkeyPatch) -> None:
    """The clock was set forward by an hour: what psutil tells of a process's begin follows it."""
    began = psutil.Process.create_time
    monkeypatch.setattr(psutil.Process, "create_time", lambda self: began(self) + 3600)


@pytest.mark.usefixtures("clock_forward")
def test_a_clock_that_is_set_forward_ends_no_mark_and_no_run(instance: dg.DagsterInstance) -> None:
    assert own_mark().alive()
    run_id = run_of(instance, os.getpid(), slot=True)
    note_worker(instance, run_id)
    note_worker(instance, run_id)
    assert len(list(instance.all_logs(run_id, of_type=dg.DagsterEventType.ENGINE_EVENT))) == 2, "noted once"
    assert reconcile_runs(instance, print_nowhere) == []
    assert status_of(instance, run_id) == dg.DagsterRunStatus.STARTED


def test_only_the_run_s_own_processes_note_when_it_began(
    instance: dg.DagsterInstance, worker: "subprocess.Popen[bytes]"
) -> None:
    run_id = run_of(instance, worker.pid)
    note_worker(instance, run_id)
    mark = worker_mark(instance, run_id)
    assert mark is not None and mark.start is None


@pytest.mark.usefixtures("clock_forward")
def test_every_run_that_opens_the_data_root_is_known_by_the_start_of_its_process(
    instance: dg.DagsterInstance, tmp_path: Path
) -> None:
    @dg.asset
    def looks(context: dg.AssetExecutionContext, data_root: DataRootResource) -> None:
        assert reconcile_runs(context.instance, print_nowhere) == []

    done = dg.materialize([looks], instance=instance, resources={"data_root": DataRootResource(path=str(tmp_path))})
    mark = worker_mark(instance, done.run_id)
    assert mark is not None
    assert (mark.pid, mark.start) == (os.getpid(), start_of(os.getpid()))


def test_a_mark_with_a_start_is_of_that_start_and_that_boot_alone(worker: "subprocess.Popen[bytes]") -> None:
    start = start_of(worker.pid)
    assert start is not None and start.boot_id
    assert ProcessMark(worker.pid, 0.0, start).alive(), "whatever the clock says"
    assert not ProcessMark(worker.pid, time.time() + 60, ProcessStart(start.boot_id, start.ticks - 1)).alive()
    assert not ProcessMark(worker.pid, time.time() + 60, ProcessStart("another boot", start.ticks)).alive()
    worker.kill()
    while psutil.Process(worker.pid).status() != psutil.STATUS_ZOMBIE:
        time.sleep(0.01)
    assert not ProcessMark(worker.pid, time.time(), start).alive()


@pytest.mark.usefixtures("clock_forward")
def test_a_launch_is_noted_with_its_launcher_s_start_and_one_of_an_earlier_version_is_read(tmp_path: Path) -> None:
    noted = note_launch(tmp_path, 1, "token")
    read = read_launch(tmp_path)
    assert read == noted and read.launcher.start is not None and read.launcher.alive()
    fields = json.loads((tmp_path / "process.json").read_text())
    kept = ("group", "launcher_pid", "started_at", "host", "token")
    (tmp_path / "process.json").write_text(json.dumps({name: fields[name] for name in kept}))
    earlier = read_launch(tmp_path)
    assert earlier is not None and earlier.launcher == ProcessMark(os.getpid(), noted.launcher.seen_at)


def print_nowhere(_line: str) -> None:
    pass


def _dead_pid() -> int:
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid
