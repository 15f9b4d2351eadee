"""A trainer's process tree without its torch: three epochs or an endless one, with children that ignore SIGTERM.

With `step_s` in its plan it has steps of so many seconds, the second of which it ends before it stops.
"""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import FrameType

from dagster_pipes import PipesContext, open_dagster_pipes

from ecg_assets.resources.pipes_trainer import LAUNCHER_VARIABLE, follow_launcher, tell
from ecg_assets.training.runs.events import Event, EventLog, stopped_at
from ecg_assets.training.runs.run_folder import RunFolder
from ecg_assets.training.runs.stop_point import StopPoints

STUBBORN = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(600)"


def main() -> None:
    folder = Path(sys.argv[1])
    follow_launcher(int(os.environ[LAUNCHER_VARIABLE]), folder)
    plan = json.loads((folder / "plan.json").read_text())
    children = [subprocess.Popen([sys.executable, "-c", STUBBORN]) for _ in range(plan["children"])]
    (folder / "pids.json").write_text(json.dumps([os.getpid(), *(child.pid for child in children)]))
    (folder / "environment.json").write_text(json.dumps(dict(os.environ)))
    with open_dagster_pipes() as pipes:
        if plan.get("step_s"):
            stop_slowly(RunFolder(folder), plan["step_s"], pipes)
        for epoch in range(1, plan["epochs"] + 1):
            time.sleep(plan["seconds"])
            values = {"epoch": float(epoch), "loss": 1.0 / epoch}
            tell(pipes, Event(kind="epoch", message=f"epoch {epoch}", values=values, time=time.time()))
        if plan["fail"]:
            raise RuntimeError("the stand-in was told to fail")


def stop_slowly(run: RunFolder, step_s: float, pipes: PipesContext) -> None:
    """TERM is answered after two steps."""
    points = StopPoints(run, 0)
    points.reached()
    time.sleep(step_s)
    points.reached()

    def stop(number: int, frame: FrameType | None) -> None:
        time.sleep(1.8 * step_s)
        EventLog(run.events).write("stopped", stopped_at(2, 120), epoch=2, step=120)
        pipes.log.info(stopped_at(2, 120))
        pipes.close()
        os._exit(75)

    signal.signal(signal.SIGTERM, stop)


if __name__ == "__main__":
    main()
