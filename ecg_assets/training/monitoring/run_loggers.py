"""Writes history.csv, stamp.json, TensorBoard files and pictures from a training's events while it runs.

Each of several hosts follows its own events, and only the first host's lead to tables and pictures.

A failing logger does not end the training: the error is logged, and the logger is off until the next start.
"""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager

from ecg_assets.training.monitoring.history import History, HistoryCsv
from ecg_assets.training.monitoring.provenance import Stamp
from ecg_assets.training.monitoring.tensorboard import TensorBoardFiles
from ecg_assets.training.monitoring.validation_image_worker import PictureMaker
from ecg_assets.training.runs.events import Event, EventLog, EventTail, Listener, read_events
from ecg_assets.training.runs.run_folder import RunFolder
from ecg_assets.training.runs.run_state import is_finished


class Watcher:
    """Listener that updates the run folder's tables, stamp and TensorBoard files."""

    def __init__(self, run: RunFolder, events: EventLog) -> None:
        self._events = events
        self._history = History(read_events(run.events))
        self._tensorboard = TensorBoardFiles(run.path / "tensorboard", self._history)
        self._keepers: dict[str, Listener] = {
            "stamp.json": Stamp(run),
            "history.csv": HistoryCsv(run.path / "history.csv", self._history),
            "tensorboard": self._tensorboard,
        }

    def __call__(self, event: Event) -> None:
        """Passes the event to all loggers that have not failed."""
        self._history.add(event)
        for name, keeper in list(self._keepers.items()):
            try:
                keeper(event)
            except Exception as error:  # no failure of a logger may end hours of training
                del self._keepers[name]
                self._events.write(
                    "log", f"{name} is not kept any more until the next start: {type(error).__name__}: {error}"
                )

    def close(self) -> None:
        """Flushes pending output."""
        if "tensorboard" in self._keepers:
            self._tensorboard.close()


@contextmanager
def watched(run: RunFolder, listeners: Sequence[Listener], pictures: bool) -> Iterator[None]:
    """Runs all loggers, and passes each new event to `listeners`.

    Args:
        run: the run's folder; its file of events must not have a torn line.
        listeners: receive each event, in this process.
        pictures: also draw validation samples at each new best, in a process beside the training. After a finished
            training the last picture is waited for.
    """
    events = EventLog(run.events)
    with ExitStack() as stack:
        watcher = Watcher(run, events)
        stack.callback(watcher.close)
        maker = PictureMaker(run, events) if pictures else None
        stack.enter_context(EventTail(run.events, [watcher, *([maker] if maker else []), *listeners]))
        if maker:
            # Before the tail ends, so that the last picture's event is passed on too.
            stack.callback(lambda: maker.close(finished=is_finished(run)))
        yield
