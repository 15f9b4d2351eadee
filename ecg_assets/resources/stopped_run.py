"""Shows the end of a cancelled step in the run's log as one sentence instead of a stack trace."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from dagster._core.errors import DagsterExecutionInterruptedError, DagsterUserCodeProcessError
from dagster_shared.error import SerializableErrorInfo

from ecg_assets.training.runs.events import Event, read_events
from ecg_assets.training.runs.run_folder import RunFolder


class StoppedAsAskedError(DagsterExecutionInterruptedError, DagsterUserCodeProcessError):
    """The interrupt of a cancelled step, shown by its message only.

    Dagster shows errors of other processes unchanged, and distinguishes interrupts from failures by class name.
    """

    def __init__(self, message: str) -> None:
        told = SerializableErrorInfo(message, stack=[], cls_name=DagsterExecutionInterruptedError.__name__)
        super().__init__(message, user_code_process_error_infos=[told])  # type: ignore[no-untyped-call]


@contextmanager
def told_where_it_stopped(run_folder: Path) -> Iterator[None]:
    """Adds where the training stopped to an interrupt; the training must have ended before the context is left."""
    events = RunFolder(run_folder).events
    before = len(read_events(events))
    try:
        yield
    except DagsterExecutionInterruptedError:
        raise StoppedAsAskedError(where_it_stopped(read_events(events)[before:])) from None


def where_it_stopped(told: list[Event]) -> str:
    """The trainer's last message on its stop, or what follows from its events if there is no such message."""
    said = [event.message for event in told if event.kind in ("stopped", "finished")]
    if said:
        return said[-1]
    if any(event.kind == "started" for event in told):
        return "killed before it could save; the next run continues from its last checkpoint"
    return "stopped before its first step; the next run continues from the last checkpoint, if there is one"
