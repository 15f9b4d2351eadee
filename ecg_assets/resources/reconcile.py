"""Closes runs whose worker process has died, so that their pool slots do not block the next run.

After a kill -9 or a crash of the host, a run stays STARTED and holds its slot. Dagster's engine events hold the process
id of each run's worker and a timestamp. The first step of a run adds the start of that process, as boot id and ticks
since boot: a process with the same id and another start is a different one, independent of the clock.
"""

import os
import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import dagster as dg
import psutil
from dagster._core.events import EngineEventData
from dagster._core.storage.runs import SqliteRunStorage

from ecg_assets.store.log import Log
from ecg_assets.training.launch.processes import ProcessMark, ProcessStart, start_of

_UNFINISHED = (dg.DagsterRunStatus.STARTING, dg.DagsterRunStatus.STARTED, dg.DagsterRunStatus.CANCELING)
_WAIT_POLL_S = 5.0
# Entries of the engine event that records the start of a worker.
_BOOT, _TICKS = "boot id", "start, in ticks since boot"


def tells_processes(instance: dg.DagsterInstance) -> bool:
    """Whether the runs' process ids belong to this host; in a shared database they may be those of other hosts."""
    return isinstance(instance.run_storage, SqliteRunStorage)


def reconcile_runs(instance: dg.DagsterInstance, log: Log) -> list[str]:
    """Closes unfinished runs whose worker has died, and frees pool slots that finished runs still hold.

    Queued runs, runs with a living worker, and runs without a recorded worker are left unchanged.

    Returns:
        The ids of the closed runs.
    """
    if not tells_processes(instance):
        return []
    unfinished = instance.get_runs(filters=dg.RunsFilter(statuses=list(_UNFINISHED)))
    gone = [run for run in unfinished if _worker_is_gone(instance, run.run_id)]
    for run in gone:
        _close(instance, run, log)
    _free_forgotten_slots(instance, log)
    return [run.run_id for run in gone]


def wait_for_slot(instance: dg.DagsterInstance, run_id: str, pool: str, log: Log) -> None:
    """Waits, interruptibly, until the pool has a free slot.

    A step that Dagster blocks on a pool uses a core and cannot be terminated; a step that waits here can.
    """
    told: set[str] = set()
    while holders := _holders(instance, pool) - {run_id}:
        if holders - told:
            log(f"pool {pool} is taken by run {', '.join(sorted(holders))}; waiting for it to end")
            told |= holders
        time.sleep(_WAIT_POLL_S)
        reconcile_runs(instance, log)


def _close(instance: dg.DagsterInstance, run: dg.DagsterRun, log: Log) -> None:
    said = f"run {run.run_id} ({run.status.value}): its process is gone (it was killed, or the host went down)"
    if run.status == dg.DagsterRunStatus.CANCELING:
        instance.report_run_canceled(run, f"{said}; closed as cancelled by a later launch")
    else:
        instance.report_run_failed(run, f"{said}; closed by a later launch, which continues from the finished shards")
    instance.event_log_storage.free_concurrency_slots_for_run(run.run_id)
    log(f"{said}; closed, its pool slots are free")


def _free_forgotten_slots(instance: dg.DagsterInstance, log: Log) -> None:
    for pool in sorted(instance.event_log_storage.get_concurrency_keys()):
        for run_id in sorted(_holders(instance, pool)):
            run = instance.get_run_by_id(run_id)
            if run is None or (run.is_finished and _worker_is_gone(instance, run_id)):
                instance.event_log_storage.free_concurrency_slots_for_run(run_id)
                log(f"pool {pool}: freed the slot that the finished run {run_id} still held")


def _holders(instance: dg.DagsterInstance, pool: str) -> set[str]:
    info = instance.event_log_storage.get_concurrency_info(pool)
    return {slot.run_id for slot in info.claimed_slots}


def _worker_is_gone(instance: dg.DagsterInstance, run_id: str) -> bool:
    mark = worker_mark(instance, run_id)
    return mark is not None and not mark.alive()


def worker_mark(instance: dg.DagsterInstance, run_id: str) -> ProcessMark | None:
    """The run's worker process according to its last engine event; None if there is no such event."""
    marks = [
        ProcessMark(int(str(told["pid"].value)), entry.timestamp, _start(told))
        for entry in instance.all_logs(run_id, of_type=dg.DagsterEventType.ENGINE_EVENT)
        if entry.step_key is None
        and entry.dagster_event is not None
        and "pid" in (told := entry.dagster_event.engine_event_data.metadata)
    ]
    if not marks:
        return None
    # Not every event of a process holds its start.
    starts = [mark.start for mark in marks if mark.pid == marks[-1].pid and mark.start is not None]
    return replace(marks[-1], start=starts[-1] if starts else None)


def note_worker(instance: dg.DagsterInstance, run_id: str) -> None:
    """Records the start of the run's worker once; called in the worker or in a process that it started."""
    mark, run = worker_mark(instance, run_id), instance.get_run_by_id(run_id)
    if run is None or mark is None or mark.pid not in _own_line():
        return
    start = start_of(mark.pid)
    if start is not None and start != mark.start:
        told = {"pid": str(mark.pid), _BOOT: start.boot_id, _TICKS: str(start.ticks)}
        instance.report_engine_event(f"Recorded the start of the run's process {mark.pid}", run, EngineEventData(told))


def _own_line() -> list[int]:
    """The ids of this process and its ancestors."""
    return [os.getpid(), *(one.pid for one in psutil.Process().parents())]


def _start(told: Mapping[str, dg.MetadataValue[Any]]) -> ProcessStart | None:
    if _BOOT not in told:
        return None
    return ProcessStart(str(told[_BOOT].value), int(str(told[_TICKS].value)))
