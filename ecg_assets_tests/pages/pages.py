"""Records and pages for tests."""

import numpy as np
import numpy.typing as npt

from ecg_assets.pages.layout.plan import PagePlan, plan_page
from ecg_assets.pages.style.page_style import PageStyle
from ecg_assets.pages.style.style_mix import read_styles
from ecg_assets.pages.upright.page import Page, render_page
from ecg_assets.records.index import accepted_records
from ecg_assets.records.ingest import load_record
from ecg_assets.records.record import LEADS, Record
from ecg_assets.store.root import DataRoot

KAGGLE = read_styles().styles["kaggle"]


def record_of(leads_mv: dict[str, npt.NDArray[np.float64]], fs_hz: int = 500) -> Record:
    """A record whose other leads are flat, all leads filled throughout."""
    signal = np.zeros((12, 10 * fs_hz), dtype=np.float32)
    for lead, values in leads_mv.items():
        signal[LEADS.index(lead)] = values
    return Record("1", fs_hz, signal)


def records_of(root: DataRoot) -> list[Record]:
    rows = accepted_records(root).itertuples()
    return [load_record(root, str(row.id), int(str(row.fs_hz))) for row in rows]


def plan_of(record: Record, style: PageStyle = KAGGLE) -> PagePlan:
    return plan_page(record, "tested", style, 0)


def page_of(record: Record, style: PageStyle = KAGGLE) -> Page:
    return render_page(plan_of(record, style), record)
