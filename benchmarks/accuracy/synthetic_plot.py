"""The figure of two tables of measures: histograms of rate and intervals, boxes of amplitudes by lead."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import matplotlib
import numpy as np
import pandas as pd
from matplotlib.patches import Patch

from ecg_assets.records.record import LEADS

matplotlib.use("Agg")
import matplotlib.pyplot as plt

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_COLOURS = {"recorded": "#3b6ea5", "synthetic": "#d9822b"}
_ALONE = {
    "heart rate": ("heart rate (/min)", 30, 160),
    "RR variation": ("RR variation (SD / mean)", 0, 0.5),
    "PR": ("PR (ms)", 80, 300),
    "QRS": ("QRS (ms)", 45, 180),
    "QT": ("QT (ms)", 230, 520),
    "QTc": ("QTc, Fridericia (ms)", 290, 560),
    "QRS axis": ("QRS axis (degrees)", -120, 150),
    "P in II": ("P in II (mV)", 0, 0.3),
}
_BY_LEAD = ("R", "S or Q", "ST", "T")


def draw(recorded: pd.DataFrame, made: pd.DataFrame, distances: pd.Series, path: Path) -> None:
    """Writes the figure; `distances` by quantity stand in the titles."""
    figure = plt.figure(figsize=(13, 13), dpi=90, layout="constrained")
    rows = figure.add_gridspec(6, 4, height_ratios=[1, 1, 1.15, 1.15, 1.15, 1.15])
    for number, (name, (title, low, high)) in enumerate(_ALONE.items()):
        axes = figure.add_subplot(rows[number // 4, number % 4])
        _histogram(axes, recorded[name], made[name], low, high)
        axes.set_title(f"{title}, distance {distances[name]:.2f}", fontsize=9)
    for row, kind in enumerate(_BY_LEAD, start=2):
        axes = figure.add_subplot(rows[row, :])
        _boxes(axes, recorded, made, kind)
        mean = np.mean([distances[f"{kind} in {lead}"] for lead in LEADS])
        axes.set_title(f"{kind} (mV): 5, 25, 50, 75, 95 %; mean distance {mean:.2f}", fontsize=9)
    handles = [Patch(color=colour) for colour in _COLOURS.values()]
    labels = [f"recorded (PTB-XL, {len(recorded)})", f"synthetic ({len(made)})"]
    figure.legend(handles, labels, loc="outside upper center", ncols=2)
    figure.savefig(path)
    plt.close(figure)


def _histogram(axes: "Axes", recorded: "pd.Series[float]", made: "pd.Series[float]", low: float, high: float) -> None:
    bins = np.linspace(low, high, 36)
    for values, colour in zip((recorded, made), _COLOURS.values(), strict=True):
        axes.hist(values.dropna(), bins.tolist(), density=True, color=colour, alpha=0.5)
    axes.set_yticks([])
    axes.tick_params(labelsize=8)


def _boxes(axes: "Axes", recorded: pd.DataFrame, made: pd.DataFrame, kind: str) -> None:
    for offset, table, colour in zip((-0.18, 0.18), (recorded, made), _COLOURS.values(), strict=True):
        told: list[dict[str, Any]] = []
        for lead in LEADS:
            low, first, middle, third, high = table[f"{kind} in {lead}"].quantile([0.05, 0.25, 0.5, 0.75, 0.95])
            told.append({"whislo": low, "q1": first, "med": middle, "q3": third, "whishi": high, "fliers": []})
        places = (np.arange(len(LEADS)) + offset).tolist()
        axes.bxp(
            told,
            positions=places,
            widths=0.3,
            patch_artist=True,
            showfliers=False,
            boxprops={"facecolor": colour, "alpha": 0.7},
            medianprops={"color": "black"},
        )
    axes.set_xticks(range(len(LEADS)), LEADS)
    axes.axhline(0, color="grey", linewidth=0.5, zorder=0)
    axes.tick_params(labelsize=8)
