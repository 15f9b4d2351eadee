"""Writes and reads a training's events: one JSON line each, in the run folder's events.jsonl."""

import os
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

Kind = Literal["started", "log", "epoch", "checkpoint", "flaw", "recovery", "restart", "error", "stopped", "finished"]
Listener = Callable[["Event"], None]

_POLL_S = 0.2


class Event(BaseModel):
    """One event.

    Attributes:
        kind: type of event.
        message: a sentence for people.
        values: numbers and texts for programs.
        time: seconds since 1970.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Kind
    message: str
    values: dict[str, Any] = Field(default_factory=dict)
    time: float


class EventLog:
    """Appends events to a file; several processes may do so at once."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def write(self, kind: Kind, message: str, **values: Any) -> None:
        """Appends one line in one write, so that lines of different processes do not mix."""
        line = Event(kind=kind, message=message, values=values, time=time.time()).model_dump_json() + "\n"
        self.path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
        try:
            os.write(descriptor, line.encode("utf-8"))
        finally:
            os.close(descriptor)

    def drop_torn_line(self) -> None:
        """Removes an incomplete last line left by a killed host. Call it only while nobody else writes."""
        content = self.path.read_bytes() if self.path.exists() else b""
        whole = content.rfind(b"\n") + 1
        if whole < len(content):
            os.truncate(self.path, whole)


def read_events(path: Path) -> list[Event]:
    """All complete events of a file, oldest first; an incomplete last line is left out."""
    content = path.read_bytes() if path.exists() else b""
    return [Event.model_validate_json(line) for line in content[: content.rfind(b"\n") + 1].splitlines()]


def stopped_at(epochs: int, steps: int) -> str:
    """The sentence for a training that stopped on request, from its completed epochs and the next one's steps."""
    return f"stopped at epoch {epochs + 1}, step {steps}; the next run goes on from there"


class EventTail:
    """Passes each new event of a file to listeners, from a thread of this process.

    Used as a context manager; on leaving, the remaining events are passed on, and a listener's exception is raised.
    """

    def __init__(self, path: Path, listeners: Sequence[Listener]) -> None:
        self._path = path
        self._listeners = listeners
        self._offset = path.stat().st_size if path.exists() else 0
        self._ending = threading.Event()
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._follow, name="event-tail", daemon=True)

    def __enter__(self) -> "EventTail":
        self._thread.start()
        return self

    def __exit__(self, kind: object, error: BaseException | None, traceback: object) -> None:
        self._ending.set()
        self._thread.join()
        if self._error is not None and error is None:
            raise self._error

    def _follow(self) -> None:
        try:
            while not self._ending.wait(_POLL_S):
                self._hand_over()
            self._hand_over()
        except BaseException as error:  # a listener's; it is raised in the thread that waits for the training
            self._error = error

    def _hand_over(self) -> None:
        if not self._path.exists():
            return
        with self._path.open("rb") as handle:
            handle.seek(self._offset)
            content = handle.read()
        whole = content[: content.rfind(b"\n") + 1]
        self._offset += len(whole)
        for line in whole.splitlines():
            event = Event.model_validate_json(line)
            for listener in self._listeners:
                listener(event)
