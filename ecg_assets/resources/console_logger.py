"""A run's log in a terminal, one line per event, without Dagster's internal events."""

import logging
import sys
from typing import Any

import dagster as dg

_SHOWN_EVENTS = {
    "STEP_FAILURE": "failed",
    "STEP_SKIPPED": "skipped",
}


class ReadableLines(logging.Formatter):
    """`12:03:41  rendered_waves       shard 3 made (2 of 16)`."""

    def format(self, record: logging.LogRecord) -> str:
        meta: dict[str, Any] = getattr(record, "dagster_meta", {})
        event = meta.get("dagster_event")
        step = str(meta.get("step_key") or (event.step_key if event else None) or "")
        text = str(meta.get("orig_message") or record.getMessage()).splitlines()
        return f"{self.formatTime(record, '%H:%M:%S')}  {step:<30.30}  {text[0] if text else ''}"


def worth_showing(record: logging.LogRecord) -> bool:
    """Whether a record is a log line of an asset or the trainer, a failed or skipped step, or a warning or worse."""
    meta: dict[str, Any] = getattr(record, "dagster_meta", {})
    event = meta.get("dagster_event")
    if event is None:
        return record.levelno >= logging.INFO
    return record.levelno >= logging.WARNING or event.event_type_value in _SHOWN_EVENTS


@dg.logger({}, description="One readable line per event.")
def readable_logger(_: dg.InitLoggerContext) -> logging.Logger:
    """Writes to stderr, because stdout is for results."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(ReadableLines())
    handler.addFilter(worth_showing)
    logger = logging.Logger("ecg_assets", level=logging.INFO)
    logger.addHandler(handler)
    return logger
