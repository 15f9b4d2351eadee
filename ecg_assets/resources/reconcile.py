"""Closes runs whose worker process is gone, so that their pool slots do not block the next run for ever.

A kill -9 or a host that dies leaves a run STARTED with its slot taken. Dagster's engine events tell the process number
of each run's worker and when it was seen. The first step of a run adds when that process began, by boot and ticks since
then: a process with the same number that began at another moment is another one, however the clock was set.
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
# Entries of the engine event that tells when a worker began.
_BOOT, _TICKS = "boot id", "start, in ticks since boot"


def tells_processes(instance: dg.DagsterInstance) -> bool:
    """Whether the runs' process numbers are this host's: on a shared database they may be others', and say nothing."""
    return isinstance(instance.run_storage, SqliteRunStorage)


def reconcile_runs(instance: dg.DagsterInstance, log: Log) -> list[str]:
    """Closes every unfinished run whose worker is gone, and frees the pool slots that finished runs still hold.

    Runs that wait in the queue, runs whose worker lives, and runs of which no worker was ever seen are left alone.

    Returns:
        The ids of the runs that were closed.
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

    A step that Dagster itself blocks on a pool spins on a core and cannot be terminated; a step that waits here can.
    """
    told: set[str] = set()
    while holders := _holders(instance, pool) - {run_id}:
        if holders - told:
            log(f"pool {pool} is taken by run {', '.join(sorted(holders))}: waiting for it to end")
            told |= holders
        time.sleep(_WAIT_POLL_S)
        reconcile_runs(instance, log)


def _close(instance: dg.DagsterInstance, run: dg.DagsterRun, log: Log) -> None:
    said = f"run {run.run_id} ({run.status.value}): its process is gone (killed, or the host died)"
    if run.status == dg.DagsterRunStatus.CANCELING:
        instance.report_run_canceled(run, f"{said}; closed by a later launch as the cancel asked")
    else:
        instance.report_run_failed(run, f"{said}; closed by a later launch, whose stages go on from what was finished")
    instance.event_log_storage.free_concurrency_slots_for_run(run.run_id)
    log(f"{said}; it is closed now and its pool slots are free")


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
    """The run's worker process as its last engine event tells it; None before there is one."""
    marks = [
        ProcessMark(int(str(told["pid"].value)), entry.timestamp, _start(told))
        for entry in instance.all_logs(run_id, of_type=dg.DagsterEventType.ENGINE_EVENT)
        if entry.step_key is None
        and entry.dagster_event is not None
        and "pid" in (told := entry.dagster_event.engine_event_data.metadata)
    ]
    if not marks:
        return None
    # Not every event of a process tells its start.
    starts = [mark.start for mark in marks if mark.pid == marks[-1].pid and mark.start is not None]
    return replace(marks[-1], start=starts[-1] if starts else None)


def note_worker(instance: dg.DagsterInstance, run_id: str) -> None:
    """Notes when the run's worker began, once; to be called in it, or in a process that it started."""
    mark, run = worker_mark(instance, run_id), instance.get_run_by_id(run_id)
    if run is None or mark is None or mark.pid not in _own_line():
        return
    start = start_of(mark.pid)
    if start is not None and start != mark.start:
        told = {"pid": str(mark.pid), _BOOT: start.boot_id, _TICKS: str(start.ticks)}
        instance.report_engine_event(f"The run's process {mark.pid} is known by its start", run, EngineEventData(told))


def _own_line() -> list[int]:
    """This process's number, its parent's, and so on."""
    return [os.getpid(), *(one.pid for one in psutil.Process().parents())]


def _start(told: Mapping[str, dg.MetadataValue[Any]]) -> ProcessStart | None:
    if _BOOT not in told:
        return None
    return ProcessStart(str(told[_BOOT].value), int(str(told[_TICKS].value)))
