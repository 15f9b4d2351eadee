"""Keeps a training's valid events and writes the table of its epochs, history.csv."""

import csv
import io
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ecg_assets.store.atomic import write_text
from ecg_assets.training.runs.events import Event

Number = int | float


def numbers(values: Mapping[str, Any], separator: str) -> dict[str, Number]:
    """The numbers of an event's values, those of nested dicts as `<outer><separator><inner>`; others are dropped."""
    flat: dict[str, Number] = {}
    for name, value in values.items():
        if isinstance(value, Mapping):
            flat |= {f"{name}{separator}{inner}": number for inner, number in numbers(value, separator).items()}
        elif isinstance(value, Number) and not isinstance(value, bool):
            flat[name] = value
    return flat


class History:
    """The valid events of a training.

    A training that resumes from a checkpoint (after a stop, a crash or a flaw) repeats some steps; earlier events of
    those steps belong to discarded weights and are dropped.

    Attributes:
        events: valid events, oldest first.
    """

    def __init__(self, events: Iterable[Event] = ()) -> None:
        self.events: list[Event] = []
        for event in events:
            self.add(event)

    def add(self, event: Event) -> bool:
        """Adds the next event; returns whether the training begins or goes back with it."""
        goes_back = event.kind in ("started", "recovery")
        if goes_back:
            place = (int(event.values["epoch"]), int(event.values["step"]))
            self.events = [kept for kept in self.events if _place(kept) <= place]
        self.events.append(event)
        return goes_back

    @property
    def epochs(self) -> list[Event]:
        """The completed epochs, each once, in order."""
        by_number = {event.values["epoch"]: event for event in self.events if event.kind == "epoch"}
        return [by_number[number] for number in sorted(by_number)]


def _place(event: Event) -> tuple[int, int]:
    """Completed epochs, and steps after them, at the event; the beginning for events that are always valid."""
    if event.kind in ("epoch", "checkpoint"):
        return int(event.values["epoch"]), 0
    if event.kind == "log" and "step" in event.values:
        return int(event.values["epoch"]) - 1, int(event.values["step"])
    return 0, 0


class HistoryCsv:
    """Listener that writes history.csv: one row per epoch, one column per number, empty where an epoch lacks it."""

    def __init__(self, path: Path, history: History) -> None:
        self._path, self._history = path, history

    def __call__(self, event: Event) -> None:
        """Rewrites the table when an epoch ends, and when the training begins or goes back."""
        if event.kind in ("epoch", "started", "recovery"):
            write_text(self._path, history_csv(self._history.epochs))


def history_csv(epochs: Iterable[Event]) -> str:
    """The table as text: `epoch` and `time` (UTC) first, then all numbers in order of first appearance."""
    rows = [{"epoch": event.values["epoch"], "time": utc(event.time)} | numbers(event.values, "_") for event in epochs]
    columns = dict.fromkeys(("epoch", "time")) | dict.fromkeys(name for row in rows for name in row)
    text = io.StringIO()
    writer = csv.DictWriter(text, list(columns), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def utc(seconds: float) -> str:
    """Seconds since 1970 as text, e.g. 2026-11-23T01:30:00Z."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
