"""Pictures of a training, from its events."""

import io
from pathlib import Path
from typing import Any

from ecg_assets.training.events import read_events

_SIZE_IN, _DPI = (9, 3.2), 90


def loss_curve(events: Path) -> bytes:
    """Losses and learning rate, and Dice of each class, over the epochs; a PNG.

    Of an epoch that was trained twice, because a host died, the later one counts.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    epochs = {event.values["epoch"]: event.values for event in read_events(events) if event.kind == "epoch"}
    history = [epochs[number] for number in sorted(epochs)]
    figure = Figure(figsize=_SIZE_IN, layout="constrained")
    canvas = FigureCanvasAgg(figure)
    losses, dice = figure.subplots(1, 2)
    _draw_losses(losses, history)
    _draw_dice(dice, history)
    picture = io.BytesIO()
    canvas.print_png(picture, pil_kwargs={"optimize": True})  # type: ignore[no-untyped-call]
    return picture.getvalue()


def _draw_losses(axes: Any, history: list[dict[str, Any]]) -> None:
    numbers = [epoch["epoch"] for epoch in history]
    axes.plot(numbers, [epoch["loss"] for epoch in history], marker=".", label="training")
    axes.plot(numbers, [epoch["validation_loss"] for epoch in history], marker=".", label="validation")
    axes.set(xlabel="epoch", ylabel="loss", yscale="log")
    axes.legend(loc="upper left")
    rate = axes.twinx()
    rate.step(numbers, [epoch["learning_rate"] for epoch in history], where="mid", color="grey", linestyle=":")
    rate.set(ylabel="learning rate (dotted)", yscale="log")


def _draw_dice(axes: Any, history: list[dict[str, Any]]) -> None:
    numbers = [epoch["epoch"] for epoch in history]
    for name in history[0]["dice"] if history else ():
        values = [epoch["dice"][name] for epoch in history]
        axes.plot(numbers, [float("nan") if value is None else value for value in values], marker=".", label=name)
    axes.set(xlabel="epoch", ylabel="validation Dice", ylim=(0, 1.01))
    axes.legend(loc="lower right")
