"""Records launched trainers in their run folders, and ends them.

Each trainer is a process group of its own. Because its id may be reused, the launch also puts a token into the
trainer's environment, which its children inherit: only a group with that token is ever ended.
"""

import json
import os
import socket
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from ecg_assets.store.log import Log
from ecg_assets.store.sealed import read_unsealed, write_sealed_json
from ecg_assets.training.launch.processes import ProcessMark, ProcessStart, end_group, group_members, own_mark
from ecg_assets.training.runs.stop_point import seconds_to_stop

PROCESS_FILE = "process.json"
TOKEN_VARIABLE = "ECG_LAUNCH"


class AlreadyTrainingError(ValueError):
    """Another process trains in this run folder; the message names it."""


class LaunchRecordError(ValueError):
    """A run folder's record of its trainer cannot be read; the message names it."""


@dataclass(frozen=True)
class Launch:
    """A trainer that was started in a run folder.

    Attributes:
        run_folder: where it trains.
        group: its process group.
        launcher: the process that started it.
        host: the machine on which it was started.
        token: the value of ECG_LAUNCH in the environment of its processes.
    """

    run_folder: Path
    group: int
    launcher: ProcessMark
    host: str
    token: str

    @property
    def record(self) -> Path:
        """The file with this record."""
        return self.run_folder / PROCESS_FILE

    def members(self) -> list[int]:
        """Its running processes; empty if the group id was reused or belongs to another host."""
        if self.host != socket.gethostname():
            return []
        members = group_members(self.group)
        return members if any(_carries(pid, self.token) for pid in members) else []

    def end(self, grace_s: float) -> bool:
        """Ends the group, as `end_group`, and removes the record.

        `grace_s` is the time for saving; the time that its steps may need before is added.
        """
        killed = bool(self.members()) and end_group(self.group, grace_s + seconds_to_stop(self.run_folder))
        self.record.unlink(missing_ok=True)
        return killed


def note_launch(run_folder: Path, group: int, token: str) -> Launch:
    """Records that this process has just started `group` in `run_folder`, with `token` in its environment."""
    launch = Launch(run_folder, group, own_mark(), socket.gethostname(), token)
    noted: dict[str, Any] = {"group": group, "launcher_pid": launch.launcher.pid, "started_at": launch.launcher.seen_at}
    start = launch.launcher.start
    if start is not None:
        noted |= {"launcher_boot_id": start.boot_id, "launcher_start_ticks": start.ticks}
    write_sealed_json(launch.record, noted | {"host": launch.host, "token": token})
    return launch


def read_launch(run_folder: Path) -> Launch | None:
    """The launch that a run folder records; None without a record.

    Raises:
        LaunchRecordError: the record cannot be read.
    """
    record = run_folder / PROCESS_FILE
    if not record.exists():
        return None
    try:
        noted = json.loads(read_unsealed(record))
        # Records of earlier versions hold the clock time only.
        known = "launcher_boot_id" in noted
        start = ProcessStart(str(noted["launcher_boot_id"]), int(noted["launcher_start_ticks"])) if known else None
        launcher = ProcessMark(int(noted["launcher_pid"]), float(noted["started_at"]), start)
        return Launch(run_folder, int(noted["group"]), launcher, str(noted["host"]), str(noted["token"]))
    except (ValueError, KeyError, TypeError) as error:
        raise LaunchRecordError(
            f"{record} does not tell who trains here ({error!r}); delete it when no training runs in that folder"
        ) from error


def recorded_launches(runs: Path) -> list[Launch]:
    """The launches recorded in all run folders below `runs`, archived ones included.

    Raises:
        LaunchRecordError: a record cannot be read.
    """
    folders = ("*", ".archive/*/*", ".previous/*")  # the last is the archive of earlier versions
    records = sorted(record for folder in folders for record in runs.glob(f"{folder}/{PROCESS_FILE}"))
    return [launch for record in records if (launch := read_launch(record.parent)) is not None]


def clear_left_processes(run_folder: Path, grace_s: float, log: Log) -> None:
    """Ends a trainer in `run_folder` whose launcher is dead.

    Raises:
        AlreadyTrainingError: the launcher is alive.
        LaunchRecordError: the record cannot be read.
    """
    launch = read_launch(run_folder)
    if launch is None:
        return
    left = launch.members()
    if left and launch.launcher.alive() and launch.launcher.pid != os.getpid():
        raise AlreadyTrainingError(
            f"{run_folder} is being trained by process {launch.launcher.pid} (trainer: process group {launch.group}); "
            "wait for it to end or cancel its run"
        )
    if left:
        log(f"ending {len(left)} processes of a trainer whose run died (process group {launch.group})")
    elif launch.host != socket.gethostname():
        log(f"{launch.record} was left by host {launch.host}, where nothing can be ended from here")
    launch.end(grace_s)


def _carries(pid: int, token: str) -> bool:
    try:
        return psutil.Process(pid).environ().get(TOKEN_VARIABLE) == token
    except (psutil.Error, OSError):
        return False  # it has just ended, or belongs to another user
