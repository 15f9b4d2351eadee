"""Checks before a launch that no other process uses the accelerator."""

import json
import os
from pathlib import Path
from typing import Any

from ecg_assets.store.log import Log
from ecg_assets.training.launch.accelerator_holders import command_of, holders
from ecg_assets.training.launch.process_record import clear_left_processes, recorded_launches
from ecg_assets.training.tpu.describe import adapted, told
from ecg_assets.training.tpu.host import find_host


class AcceleratorBusyError(ValueError):
    """Other processes use the accelerator; the message names each with its process id and command."""


def preflight(run_folder: Path, grace_s: float, log: Log) -> None:
    """Logs what a training in `run_folder` will run on, and checks that no other process uses the TPU.

    Raises:
        AcceleratorBusyError, LaunchRecordError: as `clear_accelerator`.
        TpuEnvironmentError: the environment contradicts the chips or itself; the message says what to set.
    """
    wanted = _config(run_folder)
    if os.environ.get("PJRT_DEVICE") == "CPU" or wanted.get("runtime") == "torch":
        return
    host = find_host()
    log(told(host))
    said = adapted(wanted.get("cores"), host)[1]
    if said is not None:
        log(said)
    if host is not None:
        clear_accelerator(run_folder, grace_s, log)


def clear_accelerator(run_folder: Path, grace_s: float, log: Log) -> None:
    """Ends trainers of dead launchers in this run folder and its siblings, then checks that the accelerator is free.

    Raises:
        AcceleratorBusyError: another process holds the accelerator, which serves one training at a time.
        LaunchRecordError: a run folder's record cannot be read.
    """
    for launch in recorded_launches(run_folder.parent):
        if launch.members() and not launch.launcher.alive():
            clear_left_processes(launch.run_folder, grace_s, log)
    busy = [*in_training(run_folder.parent), *(str(each) for each in holders() if each.pid != os.getpid())]
    if busy:
        raise AcceleratorBusyError(
            f"the TPU is in use: {'; '.join(busy)}. Wait for them to end; `ecg-assets tpu --release` ends those that "
            "this project started, others are yours to end"
        )


def in_training(runs: Path) -> list[str]:
    """One sentence for each running training in a run folder below `runs`."""
    return [
        f"process {launch.group} ({command_of(launch.group)}) trains {launch.run_folder.name}"
        for launch in recorded_launches(runs)
        if launch.members()
    ]


def _config(run_folder: Path) -> dict[str, Any]:
    """The run's training config as written; empty for a trainer without one."""
    path = run_folder / "config.json"
    if not path.exists():
        return {}
    config: dict[str, Any] = json.loads(path.read_text("utf-8"))["config"]
    return config
