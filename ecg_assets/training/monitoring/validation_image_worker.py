"""Runs a process beside the training that draws pictures with the best weights, one at a time."""

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

from ecg_assets.training.monitoring.validation_images import due_epoch
from ecg_assets.training.runs.events import Event, EventLog
from ecg_assets.training.runs.run_folder import RunFolder

_MODULE = "ecg_assets.training.monitoring.validation_images"
_TIMEOUT_S = 180.0
# A launcher that cancels a training signals the whole process group.
_ASKED_TO_END = (-signal.SIGTERM, -signal.SIGINT)


class PictureMaker:
    """Listener that starts a picture at each new best, and reports it as an event with `picture`.

    Of the bests that come while one is drawn, only the last is drawn next. Failures are logged, and the training
    continues.
    """

    def __init__(self, run: RunFolder, events: EventLog) -> None:
        self._run, self._events = run, events
        self._wanted, self._closing, self._ending = threading.Event(), threading.Event(), threading.Event()
        self.process: subprocess.Popen[str] | None = None
        self._failed: set[int] = set()
        self._thread = threading.Thread(target=self._work, name="pictures", daemon=True)
        self._thread.start()

    def __call__(self, event: Event) -> None:
        """Requests a picture at a new best, and at the start, because an earlier session may not have drawn it."""
        if event.kind == "started" or (event.kind == "checkpoint" and event.values.get("best")):
            self._wanted.set()

    def close(self, finished: bool) -> None:
        """Ends the process: after a finished training once its best is drawn, otherwise at once."""
        self._closing.set()
        if not finished:
            self._ending.set()
            if self.process is not None:
                self.process.kill()
        self._wanted.set()
        self._thread.join()

    def _work(self) -> None:
        while not self._ending.is_set():
            self._wanted.wait()
            self._wanted.clear()
            closing = self._closing.is_set()
            while not self._ending.is_set():
                epoch = due_epoch(self._run)
                if epoch is None or epoch in self._failed:
                    break
                self._draw(epoch)
            if closing:
                return

    def _draw(self, epoch: int) -> None:
        command = [sys.executable, "-m", _MODULE, str(self._run.path)]
        # More torch threads would compete for the training's cores.
        environment = {**os.environ, "OMP_NUM_THREADS": "1"}
        pipe = subprocess.PIPE
        process = subprocess.Popen(
            command, env=environment, text=True, stdin=subprocess.DEVNULL, stdout=pipe, stderr=pipe
        )
        self.process = process
        if self._ending.is_set():
            process.kill()
        try:
            said, complaint = process.communicate(timeout=_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            process.kill()
            said, complaint = process.communicate()
        if self._ending.is_set() or process.returncode in _ASKED_TO_END:
            self._failed.add(epoch)
            return
        if process.returncode == 0:
            self._tell(Path(said))
        else:
            self._failed.add(epoch)
            reason = (complaint.strip().splitlines() or [f"exit code {process.returncode}"])[-1]
            self._events.write("log", f"no picture of the validation samples at epoch {epoch}: {reason}")

    def _tell(self, picture: Path) -> None:
        epoch = int(picture.stem.rpartition("_")[2])
        self._events.write(
            "log",
            f"validation samples as the best network so far (epoch {epoch}) sees them: {picture}",
            picture=picture.as_posix(),
            epoch=epoch,
        )
