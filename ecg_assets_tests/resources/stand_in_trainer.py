"""A trainer's process tree without its torch: three epochs or an endless one, with children that ignore SIGTERM."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

from dagster_pipes import open_dagster_pipes

from ecg_assets.resources.pipes_trainer import LAUNCHER_VARIABLE, follow_launcher, tell
from ecg_assets.training.runs.events import Event

STUBBORN = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(600)"


def main() -> None:
    folder = Path(sys.argv[1])
    follow_launcher(int(os.environ[LAUNCHER_VARIABLE]), folder)
    plan = json.loads((folder / "plan.json").read_text())
    children = [subprocess.Popen([sys.executable, "-c", STUBBORN]) for _ in range(plan["children"])]
    (folder / "pids.json").write_text(json.dumps([os.getpid(), *(child.pid for child in children)]))
    (folder / "environment.json").write_text(json.dumps(dict(os.environ)))
    with open_dagster_pipes() as pipes:
        for epoch in range(1, plan["epochs"] + 1):
            time.sleep(plan["seconds"])
            values = {"epoch": float(epoch), "loss": 1.0 / epoch}
            tell(pipes, Event(kind="epoch", message=f"epoch {epoch}", values=values, time=time.time()))
        if plan["fail"]:
            raise RuntimeError("the stand-in was told to fail")


if __name__ == "__main__":
    main()
