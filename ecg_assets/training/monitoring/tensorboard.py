"""Writes a training's numbers as TensorBoard files while it runs."""

from pathlib import Path

from torch.utils.tensorboard import SummaryWriter

from ecg_assets.training.monitoring.history import History, numbers
from ecg_assets.training.runs.events import Event

# Values that locate an event and are not plotted.
_NO_SCALARS = ("epoch", "step")
_FLUSH_S = 10


class TensorBoardFiles:
    """Listener that writes scalars: `train/*` by log line, `epoch/*` by epoch, over the steps of all epochs.

    When the training begins or goes back, the file is written again from all valid events, so that each step is in it
    once, even after a killed process.
    """

    def __init__(self, folder: Path, history: History) -> None:
        self._folder, self._history = folder, history
        self._writer: SummaryWriter | None = None
        # All epochs have the same number of steps; during the first one it need not be known.
        self._steps = 0

    def __call__(self, event: Event) -> None:
        """Writes the event's values; `history` already contains the event."""
        if event.kind in ("started", "recovery"):
            self._make_anew()
        elif self._writer is not None:
            self._write(self._writer, event)

    def close(self) -> None:
        """Flushes pending output."""
        if self._writer is not None:
            self._writer.close()  # type: ignore[no-untyped-call]
            self._writer = None

    def _make_anew(self) -> None:
        self.close()
        before = list(self._folder.glob("events.out.tfevents.*"))
        self._writer = SummaryWriter(self._folder, flush_secs=_FLUSH_S)  # type: ignore[no-untyped-call]
        for event in self._history.events:
            self._write(self._writer, event)
        self._writer.flush()  # type: ignore[no-untyped-call]
        for path in before:
            path.unlink(missing_ok=True)

    def _write(self, writer: SummaryWriter, event: Event) -> None:
        if event.kind not in ("log", "epoch") or not {"epoch", "step"} <= event.values.keys():
            return
        if event.kind == "epoch":
            self._steps = int(event.values["step"])
        before = int(event.values["epoch"]) - 1
        if before and not self._steps:
            return  # earlier epochs' events are missing, so this one's step is known only at its end
        step = before * self._steps + int(event.values["step"])
        group = "train" if event.kind == "log" else "epoch"
        for name, number in numbers(event.values, "/").items():
            if name not in _NO_SCALARS:
                writer.add_scalar(f"{group}/{name}", number, step, event.time)  # type: ignore[no-untyped-call]
        if event.kind == "epoch":
            writer.add_scalar("epoch/epoch", event.values["epoch"], step, event.time)  # type: ignore[no-untyped-call]
            writer.flush()  # type: ignore[no-untyped-call]
