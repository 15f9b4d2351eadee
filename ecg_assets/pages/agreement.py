"""Whether masks lie on the ink of their pages."""

from collections.abc import Iterable

import numpy as np

from ecg_assets.pages.png import read_grey, read_rgb
from ecg_assets.pages.stage import mask_path, page_path
from ecg_assets.store.root import DataRoot

# A pixel that ink covers by half is this dark at least, on white paper; lines below it only make it darker.
DARK_ENOUGH = 170


def disagreement(root: DataRoot, record_id: str) -> str | None:
    """What is wrong between a page and its wave mask, as a sentence; None when they agree.

    They agree when they have one size, the mask holds a trace, and every pixel of it is dark on the page.

    Raises:
        PngError: one of the two is missing or damaged.
    """
    page_hwc, mask_hw = read_rgb(page_path(root, record_id)), read_grey(mask_path(root, record_id)) > 0
    if page_hwc.shape[:2] != mask_hw.shape:
        return f"{record_id}: the page is {page_hwc.shape[1::-1]} px, its mask {mask_hw.shape[::-1]}"
    if not mask_hw.any():
        return f"{record_id}: the mask is empty"
    light = int(np.count_nonzero(page_hwc[mask_hw].mean(axis=1) > DARK_ENOUGH))
    return f"{record_id}: {light} of {mask_hw.sum()} mask pixels lie on light paper" if light else None


def disagreements(root: DataRoot, record_ids: Iterable[str]) -> list[str]:
    """The sentences of all records whose page and mask disagree."""
    return [said for record_id in record_ids if (said := disagreement(root, record_id)) is not None]
