"""Draws a preview of the records' signals."""

import io
from typing import Any

import numpy as np

from ecg_assets.records.index import accepted_records
from ecg_assets.records.ingest import load_record
from ecg_assets.records.record import RHYTHM_LEAD
from ecg_assets.store.root import DataRoot

_INK, _MAJOR, _MINOR = "#1a1a2e", "#f2a7a7", "#fadcdc"
_STRIP_HEIGHT_IN = 1.25
_RANGE_MV = (-1.5, 2.5)


def rhythm_strips(root: DataRoot, count: int) -> bytes:
    """Lead II of the first `count` accepted records on millimetre paper, as PNG.

    Raises:
        IndexMissingError: `raw_csvs` was not materialised.
    """
    from matplotlib.figure import Figure  # half a second, which the code server does not need

    rows = accepted_records(root, ["fs_hz", "split"]).head(count)
    figure = Figure(figsize=(9, _STRIP_HEIGHT_IN * max(1, len(rows))), dpi=80, layout="constrained")
    strips = figure.subplots(max(1, len(rows)), squeeze=False)[:, 0]
    for axes, row in zip(strips, rows.itertuples(), strict=False):
        record = load_record(root, str(row.id), int(str(row.fs_hz)))
        lead_mv = record.lead(RHYTHM_LEAD)
        _draw_paper(axes, record.duration_s)
        axes.plot(np.arange(len(lead_mv)) / record.fs_hz, lead_mv, color=_INK, linewidth=0.8)
        axes.set_title(f"{row.id}   {RHYTHM_LEAD}   {row.fs_hz} Hz   {row.split}", loc="left", fontsize=8)
    target = io.BytesIO()
    figure.savefig(target, format="png")
    return target.getvalue()


def _draw_paper(axes: Any, duration_s: float) -> None:
    """Lines of 0.2 s and 0.5 mV, and paler ones of 0.04 s; a grid of ticks would be a hundred times slower."""
    low_mv, high_mv = _RANGE_MV
    axes.set(xlim=(0, duration_s), ylim=_RANGE_MV, xticks=[], yticks=[])
    axes.vlines(np.arange(0, duration_s, 0.04), low_mv, high_mv, color=_MINOR, linewidth=0.3)
    axes.vlines(np.arange(0, duration_s, 0.2), low_mv, high_mv, color=_MAJOR, linewidth=0.6)
    axes.hlines(np.arange(low_mv, high_mv, 0.5), 0, duration_s, color=_MAJOR, linewidth=0.6)
