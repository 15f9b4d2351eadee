"""Processes that really run: trainers as a run folder records them, and holders of a file or a lock."""

import json
import os
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

from ecg_assets.training.launch.process_record import PROCESS_FILE, TOKEN_VARIABLE
from ecg_assets.training.launch.processes import own_mark

SLEEP = "import time; time.sleep(600)"
HOLD = "import sys, time; held = open(sys.argv[1]); print('ready', flush=True); time.sleep(600)"
LOCK = (
    "import fcntl, sys, time; held = open(sys.argv[1], 'w'); fcntl.flock(held, fcntl.LOCK_EX); "
    "print('ready', flush=True); time.sleep(600)"
)


@contextmanager
def holding(script: str, path: Path) -> Iterator["subprocess.Popen[str]"]:
    """A process that has run `script` with `path` and holds it."""
    with subprocess.Popen([sys.executable, "-c", script, str(path)], stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
            yield process
        finally:
            process.kill()


@contextmanager
def sleeping(**variables: str) -> Iterator["subprocess.Popen[bytes]"]:
    """A process group of its own that does nothing."""
    environment = {**os.environ, **variables}
    with subprocess.Popen([sys.executable, "-c", SLEEP], env=environment, start_new_session=True) as process:
        try:
            _wait_for_environment(process.pid, variables)
            yield process
        finally:
            process.kill()


def _wait_for_environment(pid: int, variables: dict[str, str]) -> None:
    """A busy machine starts a process before it can tell its variables."""
    deadline = time.monotonic() + 20
    while not variables.items() <= psutil.Process(pid).environ().items():
        assert time.monotonic() < deadline, f"process {pid} never told {sorted(variables)}"
        time.sleep(0.01)


@contextmanager
def training(run_folder: Path, launcher_pid: int) -> Iterator["subprocess.Popen[bytes]"]:
    """A trainer in `run_folder`, recorded as started by `launcher_pid`."""
    token = uuid.uuid4().hex
    with sleeping(**{TOKEN_VARIABLE: token}) as trainer:
        record(run_folder, trainer.pid, launcher_pid, token)
        yield trainer


def record(run_folder: Path, group: int, launcher_pid: int, token: str, host: str | None = None) -> Path:
    """Writes what a launch leaves in its run folder."""
    run_folder.mkdir(parents=True, exist_ok=True)
    noted = {"group": group, "launcher_pid": launcher_pid, "started_at": own_mark().seen_at, "token": token}
    path = run_folder / PROCESS_FILE
    path.write_text(json.dumps(noted | {"host": host or os.uname().nodename}))
    return path


def dead_pid() -> int:
    """The number of a process that has ended."""
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        process.wait()
    assert not psutil.pid_exists(process.pid)
    return process.pid
