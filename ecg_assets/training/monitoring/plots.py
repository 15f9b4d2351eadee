"""Plots a training from its events."""

import io
from pathlib import Path
from typing import Any

from ecg_assets.samples.classes import CLASS_COLOURS, CLASSES
from ecg_assets.store.cached_file import kept
from ecg_assets.store.fingerprint import fingerprint, sha256_file
from ecg_assets.store.root import DataRoot
from ecg_assets.training.monitoring.history import History
from ecg_assets.training.runs.events import read_events

_SIZE_IN, _DPI = (10, 3.4), 90
# White is the background.
_COLOURS = dict(zip(CLASSES, CLASS_COLOURS / 255, strict=True)) | {"background": "grey"}


def kept_loss_curve(root: DataRoot, events: Path) -> bytes:
    """As `loss_curve`, drawn again only if the events have changed."""
    follows_from = fingerprint(sha256_file(events), sha256_file(Path(__file__)))
    return kept(root.pictures / "loss_curve.kept", follows_from, lambda: loss_curve(events))


def loss_curve(events: Path) -> bytes:
    """Losses and learning rate, and Dice of each class in the project's colours, over the epochs; a PNG.

    Epochs that the training has discarded by going back are left out.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    history = [event.values for event in History(read_events(events)).epochs]
    figure = Figure(figsize=_SIZE_IN, dpi=_DPI, layout="constrained")
    canvas = FigureCanvasAgg(figure)
    losses, dice = figure.subplots(1, 2)
    for axes in (losses, dice):
        axes.grid(alpha=0.3)
        axes.xaxis.get_major_locator().set_params(integer=True)
    _draw_losses(losses, history)
    _draw_dice(dice, history)
    picture = io.BytesIO()
    canvas.print_png(picture, pil_kwargs={"optimize": True})  # type: ignore[no-untyped-call]
    return picture.getvalue()


def _draw_losses(axes: Any, history: list[dict[str, Any]]) -> None:
    numbers = [epoch["epoch"] for epoch in history]
    axes.plot(numbers, [epoch["loss"] for epoch in history], marker=".", label="training")
    axes.plot(numbers, [epoch["validation_loss"] for epoch in history], marker=".", label="validation")
    axes.set(xlabel="epoch", ylabel="loss", ylim=(0, None))
    axes.legend(loc="upper right")
    rate = axes.twinx()
    rate.step(numbers, [epoch["learning_rate"] for epoch in history], where="mid", color="grey", linestyle=":")
    rate.set(ylabel="learning rate (dotted)", ylim=(0, None))


def _draw_dice(axes: Any, history: list[dict[str, Any]]) -> None:
    numbers = [epoch["epoch"] for epoch in history]
    for name in history[0]["dice"] if history else ():
        values = [epoch["dice"].get(name) for epoch in history]
        shown = [float("nan") if value is None else value for value in values]
        axes.plot(numbers, shown, marker=".", label=name, color=_COLOURS.get(name))
    axes.set(xlabel="epoch", ylabel="validation Dice", ylim=(0, 1.01))
    if history:
        axes.legend(loc="lower right")
