"""Checks of pages."""

import dagster as dg
import numpy as np

from ecg_assets.checks.result import verdict
from ecg_assets.pages.mask_check import disagreements
from ecg_assets.records.index import accepted_records
from ecg_assets.resources.data_root import DataRootResource

_PAGES_LOOKED_AT = 24


@dg.asset_check(asset="wave_masks", blocking=True, additional_deps=["rendered_waves"])
def masks_lie_on_the_ink(data_root: DataRootResource) -> dg.AssetCheckResult:
    """A pixel is wave if and only if the trace covers half of it and no print hides it (up to 24 pages are read)."""
    root = data_root.open()
    ids = accepted_records(root)["id"].tolist()
    looked_at = [str(ids[place]) for place in np.linspace(0, len(ids) - 1, min(len(ids), _PAGES_LOOKED_AT)).astype(int)]
    return verdict(disagreements(root, looked_at), pages=len(looked_at))
