"""The end of a step that was cancelled, as the run's log shows it: one sentence in the place of a stack."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from dagster._core.errors import DagsterExecutionInterruptedError, DagsterUserCodeProcessError
from dagster_shared.error import SerializableErrorInfo

from ecg_assets.training.runs.events import Event, read_events
from ecg_assets.training.runs.run_folder import RunFolder


class StoppedAsAskedError(DagsterExecutionInterruptedError, DagsterUserCodeProcessError):
    """The interrupt of a cancelled step, told by its message.

    Dagster shows the error of such another process as that process gave it, and goes by the class's name to tell an
    interrupt from a failure.
    """

    def __init__(self, message: str) -> None:
        told = SerializableErrorInfo(message, stack=[], cls_name=DagsterExecutionInterruptedError.__name__)
        super().__init__(message, user_code_process_error_infos=[told])  # type: ignore[no-untyped-call]


@contextmanager
def told_where_it_stopped(run_folder: Path) -> Iterator[None]:
    """An interrupt in this context is raised with where the training has stopped; it must have ended before leaving."""
    events = RunFolder(run_folder).events
    before = len(read_events(events))
    try:
        yield
    except DagsterExecutionInterruptedError:
        raise StoppedAsAskedError(where_it_stopped(read_events(events)[before:])) from None


def where_it_stopped(told: list[Event]) -> str:
    """What the trainer said of its stop last; without that, what must have become of it."""
    said = [event.message for event in told if event.kind in ("stopped", "finished")]
    if said:
        return said[-1]
    if any(event.kind == "started" for event in told):
        return "killed before it could save; the next run goes on from its last checkpoint"
    return "stopped before its first step; the next run goes on from where the one before had stopped"
