"""Trains in a run folder: `python -m ecg_assets.training.trainer RUN_FOLDER`.

Exit codes: 0 trained to the end, 75 stopped on request (the next launch resumes), others: failed.
"""

import signal
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from types import FrameType

import click

from ecg_assets.training.checkpoints.checkpoint import saved_progress
from ecg_assets.training.config import TrainConfig
from ecg_assets.training.loop.train_loop import train_replica
from ecg_assets.training.monitoring.run_loggers import watched
from ecg_assets.training.runs.events import EventLog, Listener, read_events, stopped_at
from ecg_assets.training.runs.run_folder import RunFolder
from ecg_assets.training.runs.run_state import is_finished, read_start, read_state
from ecg_assets.training.runs.stop_point import StopNamer
from ecg_assets.training.runtime import launch
from ecg_assets.training.runtime.base import ReplicaError
from ecg_assets.training.runtime.heartbeat import Silence
from ecg_assets.training.runtime.restart import begin_again, times_begun_again
from ecg_assets.training.tpu.host import hosts_together

STOPPED = 75  # EX_TEMPFAIL of sysexits(3)
# Seconds for listeners, which receive events a few times per second, before the process ends.
_TOLD_WITHIN_S = 1.0


class TrainingStopped(SystemExit):
    """The training stopped on request and can be resumed; ends a process that does not catch it with code 75."""

    def __init__(self) -> None:
        super().__init__(STOPPED)


class TrainingFailedError(RuntimeError):
    """A replica failed; the message is its error, and its traceback is the last `error` event."""


def train(
    run_folder: Path, listeners: Sequence[Listener] = (), pictures: bool = False, own_process: bool = False
) -> None:
    """Trains in all replicas to the last epoch; resumes from the last checkpoint if there is one.

    After TERM or INT it stops on all hosts at the end of the step after the present one, with everything saved. A
    validation stops equally soon, and starts again with the next launch.

    Args:
        run_folder: prepared by `prepare_run`.
        listeners: receive each event, in this process, while the training runs.
        pictures: draw validation samples at each new best, beside the training.
        own_process: whether this process only trains: if plain torch hangs in it, its command is restarted. Otherwise
            the process ends with code 70, and the next launch resumes.

    Raises:
        TrainingStopped: it was asked to stop.
        TpuEnvironmentError: this host's index in the slice is unknown.
        TrainingFailedError: a replica failed.
    """
    config = read_start(RunFolder(run_folder)).config
    number, hosts = (0, 1) if config.runtime == "torch" else hosts_together()
    run = RunFolder(run_folder, number)
    events = EventLog(run.events)
    events.drop_torn_line()
    before = len(read_events(run.events))
    run.stop_request.unlink(missing_ok=True)
    with watched(run, listeners, pictures), StopNamer(run, hosts) as stop, _stop_on_signals(run.stop_request):
        _launch_again_and_again(run, config, events, before, own_process, stop)
        if not is_finished(run):
            _require_best(run)
            raise TrainingStopped


def _require_best(run: RunFolder) -> None:
    state = read_state(run)
    if state is not None and state.finished and not run.best.exists():
        raise TrainingFailedError(f"{run.best} is gone, though all epochs are trained; materialise trained_checkpoint")


def _launch_again_and_again(
    run: RunFolder, config: TrainConfig, events: EventLog, before: int, own_process: bool, stop: StopNamer
) -> None:
    """Launches the replicas; if they die or hang, again from the last checkpoint, as often as the config allows."""

    def on_stall(silence: Silence) -> None:
        _begin_again(run, config.restarts if own_process else 0, events, silence)

    for attempt in range(config.restarts + 1):
        try:
            launch(
                partial(train_replica, run),
                config,
                run.stop_request,
                run.heartbeats,
                lambda note: events.write("log", note),
                on_stall,
            )
        except Exception as error:
            failures = [event for event in read_events(run.events)[before:] if event.kind == "error"]
            if failures:
                raise TrainingFailedError(f"{failures[0].message}\n{failures[0].values['traceback']}") from error
            stop.forget_replicas()  # otherwise a new request would be answered with their old points
            if run.stop_request.exists():
                _tell_stopped(run, events, stop.furthest or 0)
                return
            if not isinstance(error, ReplicaError) or attempt == config.restarts:
                _tell_end(events, error, attempt)
                raise TrainingFailedError(str(error)) from error
            _tell_restart(events, error, attempt + 1, config.restarts)
        else:
            return


def _tell_stopped(run: RunFolder, events: EventLog, furthest: int) -> None:
    """Reports a stop of replicas that ended on request without an agreed stop point."""
    saved = saved_progress(run.last, run.previous)
    why = {
        0: "no step had begun",
        1: "its first step was still being compiled, nothing is lost",
    }.get(furthest, "its processes ended before they had saved what came after")
    events.write("stopped", f"{stopped_at(saved.epoch, saved.step)} ({why})", epoch=saved.epoch, step=saved.step)


def _begin_again(run: RunFolder, restarts: int, events: EventLog, why: Silence) -> None:
    """Restarts this process in place: if plain torch hangs in it, only the same command can resume.

    Returns if it was asked to stop, or has restarted as often as allowed.
    """
    done = times_begun_again()
    if done < restarts and not run.stop_request.exists():
        _tell_restart(events, why, done + 1, restarts)
        time.sleep(_TOLD_WITHIN_S)
        begin_again()
    _tell_end(events, why, done)
    time.sleep(_TOLD_WITHIN_S)


def _tell_restart(events: EventLog, why: object, number: int, restarts: int) -> None:
    told = f"{why}; starting again from the last checkpoint ({number} of {restarts})"
    events.write("restart", told, restart=number)


def _tell_end(events: EventLog, why: object, restarted: int) -> None:
    events.write("error", f"the training ended, restarted {restarted} times: {why}", traceback="")


@contextmanager
def _stop_on_signals(stop_request: Path) -> Iterator[None]:
    """Makes TERM and INT write the stop request, which replicas in all processes check for."""
    if threading.current_thread() is not threading.main_thread():
        yield  # signals are handled in the main thread only
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
    """Trains in the folder named on the command line, and prints its events."""
    if len(sys.argv) != 2:
        sys.exit("usage: python -m ecg_assets.training.trainer RUN_FOLDER")
    train(Path(sys.argv[1]), [lambda event: click.echo(event.message)], pictures=True, own_process=True)


if __name__ == "__main__":
    main()
