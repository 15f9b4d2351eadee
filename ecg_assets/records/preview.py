"""A look at the records as signals."""

import io

import numpy as np

from ecg_assets.records.index import accepted_records
from ecg_assets.records.ingest import load_record
from ecg_assets.records.record import RHYTHM_LEAD
from ecg_assets.store.root import DataRoot

_INK, _MAJOR, _MINOR = "#1a1a2e", "#f2a7a7", "#fadcdc"
_STRIP_HEIGHT_IN = 1.25


def rhythm_strips(root: DataRoot, count: int) -> bytes:
    """Lead II of the first `count` accepted records on millimetre paper, as PNG.

    Raises:
        IndexMissingError: `raw_csvs` was not materialised.
    """
    from matplotlib.figure import Figure  # half a second, which the code server need not spend

    rows = accepted_records(root).head(count)
    figure = Figure(figsize=(9, _STRIP_HEIGHT_IN * max(1, len(rows))), dpi=80, layout="constrained")
    for axes, row in zip(
        np.atleast_1d(figure.subplots(max(1, len(rows)), squeeze=False)[:, 0]), rows.itertuples(), strict=False
    ):
        record = load_record(root, str(row.id), int(str(row.fs_hz)))
        lead_mv = record.lead(RHYTHM_LEAD)
        time_s = np.arange(len(lead_mv)) / record.fs_hz
        axes.set_xticks(np.arange(0, record.duration_s + 0.01, 0.2), labels=[])
        axes.set_yticks(np.arange(-1.5, 2.6, 0.5), labels=[])
        axes.set_xticks(np.arange(0, record.duration_s + 0.01, 0.04), minor=True)
        axes.grid(True, color=_MAJOR, linewidth=0.6)
        axes.grid(True, which="minor", axis="x", color=_MINOR, linewidth=0.3)
        axes.tick_params(length=0, which="both")
        axes.plot(time_s, lead_mv, color=_INK, linewidth=0.8)
        axes.set(xlim=(0, record.duration_s), ylim=(-1.5, 2.5))
        axes.set_title(f"{row.id}   {RHYTHM_LEAD}   {row.fs_hz} Hz   {row.split}", loc="left", fontsize=8)
    target = io.BytesIO()
    figure.savefig(target, format="png")
    return target.getvalue()
