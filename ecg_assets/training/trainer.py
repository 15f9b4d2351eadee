"""Trains in a run folder: `python -m ecg_assets.training.trainer RUN_FOLDER`.

Exit codes: 0 trained to the end, 75 stopped as asked (the next launch goes on), others: failed.
"""

import signal
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from types import FrameType

import click

from ecg_assets.training.config import TrainConfig
from ecg_assets.training.events import EventLog, Listener, read_events
from ecg_assets.training.loop import train_replica
from ecg_assets.training.run_folder import RunFolder, is_finished, read_start
from ecg_assets.training.runtime import launch
from ecg_assets.training.runtime.base import ReplicaError
from ecg_assets.training.tpu_host import worker_number
from ecg_assets.training.watchers import watched

STOPPED = 75  # EX_TEMPFAIL of sysexits(3)


class TrainingStopped(SystemExit):
    """The training was asked to stop and can be gone on with; ends a process that does not catch it with code 75."""

    def __init__(self) -> None:
        super().__init__(STOPPED)


class TrainingFailedError(RuntimeError):
    """A replica failed; the message is its error, and its traceback is the last `error` event."""


def train(run_folder: Path, listeners: Sequence[Listener] = (), pictures: bool = False) -> None:
    """Trains in all replicas until the last epoch is done; goes on from the last checkpoint where there is one.

    TERM and INT make it save a checkpoint at the next log line, and stop.

    Args:
        run_folder: as `prepare_run` made it.
        listeners: get each event, in this process, while the training runs.
        pictures: have validation samples drawn at each new best, beside the training.

    Raises:
        TrainingStopped: it was asked to stop.
        TpuEnvironmentError: which host of a slice this is cannot be known.
        TrainingFailedError: a replica failed.
    """
    config = read_start(RunFolder(run_folder)).config
    run = RunFolder(run_folder, 0 if config.runtime == "torch" else worker_number())
    events = EventLog(run.events)
    events.drop_torn_line()
    before = len(read_events(run.events))
    run.stop_request.unlink(missing_ok=True)
    with watched(run, listeners, pictures), _stop_on_signals(run.stop_request):
        _launch_again_and_again(run, config, events, before)
        if not is_finished(run):
            raise TrainingStopped


def _launch_again_and_again(run: RunFolder, config: TrainConfig, events: EventLog, before: int) -> None:
    """Launches the replicas; when they die or hang, again from the last checkpoint, as often as the config says."""
    for attempt in range(config.restarts + 1):
        try:
            launch(
                partial(train_replica, run),
                config,
                run.stop_request,
                run.heartbeats,
                lambda note: events.write("log", note),
            )
        except Exception as error:
            failures = [event for event in read_events(run.events)[before:] if event.kind == "error"]
            if failures:
                raise TrainingFailedError(f"{failures[0].message}\n{failures[0].values['traceback']}") from error
            if run.stop_request.exists():
                # Its processes were ended while they were starting; there was nothing to save yet.
                events.write("stopped", "stopped as asked before the first step")
                return
            if not isinstance(error, ReplicaError) or attempt == config.restarts:
                events.write("error", f"the training ended, restarted {attempt} times: {error}", traceback="")
                raise TrainingFailedError(str(error)) from error
            events.write(
                "restart",
                f"{error}; starting again from the last checkpoint ({attempt + 1} of {config.restarts})",
                restart=attempt + 1,
            )
        else:
            return


@contextmanager
def _stop_on_signals(stop_request: Path) -> Iterator[None]:
    """TERM and INT write the stop request, which replicas in all processes look for."""
    if threading.current_thread() is not threading.main_thread():
        yield  # signals are the main thread's
        return

    def request(number: int, frame: FrameType | None) -> None:
        stop_request.parent.mkdir(parents=True, exist_ok=True)
        stop_request.touch()

    before = {number: signal.signal(number, request) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        stop_request.unlink(missing_ok=True)


def main() -> None:
    """Trains in the folder named on the command line, and shows its events."""
    if len(sys.argv) != 2:
        sys.exit("usage: python -m ecg_assets.training.trainer RUN_FOLDER")
    train(Path(sys.argv[1]), [lambda event: click.echo(event.message)], pictures=True)


if __name__ == "__main__":
    main()
