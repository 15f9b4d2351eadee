"""Entry point of the trainer under Dagster: `python -m ecg_assets.resources.pipes_trainer RUN_FOLDER`.

It reports log lines and epochs to the launcher's run through Dagster Pipes, and ends when the launcher dies.
"""

import os
import signal
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

from dagster_pipes import PipesContext, open_dagster_pipes

from ecg_assets.store.compute.parent_death import end_with_parent
from ecg_assets.training.runs.stop_point import seconds_to_stop

if TYPE_CHECKING:
    from ecg_assets.training.runs.events import Event

LAUNCHER_VARIABLE = "ECG_LAUNCHER_PID"
_ORPHAN_GRACE_S = 30.0
_POLL_S = 1.0


def main() -> None:
    """Trains in the folder named on the command line."""
    follow_launcher(int(os.environ.get(LAUNCHER_VARIABLE, os.getppid())), Path(sys.argv[1]))
    # Imported late: importing torch takes seconds, during which the launcher may die.
    from ecg_assets.training.trainer import train

    with open_dagster_pipes() as pipes:
        train(Path(sys.argv[1]), [lambda event: tell(pipes, event)], pictures=True, own_process=True)


def tell(pipes: PipesContext, event: "Event") -> None:
    """Writes log lines to the run's log; the launcher turns epochs and pictures into observations."""
    if event.kind == "epoch" or "picture" in event.values:
        pipes.report_custom_message(event.model_dump(mode="json"))
    if event.kind == "error":
        pipes.log.error(f"{event.message}\n{event.values.get('traceback', '')}".rstrip())
    else:
        pipes.log.info(event.message)


def follow_launcher(launcher_pid: int, run_folder: Path) -> None:
    """Ends this process and its group when the launcher dies: TERM from the kernel, then KILL after a grace period."""
    end_with_parent(launcher_pid, signal.SIGTERM)
    threading.Thread(target=_kill_when_orphaned, args=(launcher_pid, run_folder), daemon=True).start()


def _kill_when_orphaned(launcher_pid: int, run_folder: Path) -> None:
    while os.getppid() == launcher_pid:
        time.sleep(_POLL_S)
    time.sleep(_ORPHAN_GRACE_S + seconds_to_stop(run_folder))
    if os.getpgid(0) == os.getpid():  # started by hand, the group may be the shell's
        os.killpg(0, signal.SIGKILL)


if __name__ == "__main__":
    main()
