"""Checks masks against their pages: wave if and only if ink covers at least half of the pixel."""

from collections.abc import Iterable

import numpy as np

from ecg_assets.pages.classes import HALF_COVERED
from ecg_assets.pages.layout.layout_file import read_layout
from ecg_assets.pages.paths import mask_path, page_path
from ecg_assets.pages.raster.png import read_grey, read_indices
from ecg_assets.pages.upright.page import inked
from ecg_assets.pages.upright.print import page_print
from ecg_assets.store.root import DataRoot


def disagreement(root: DataRoot, record_id: str) -> str | None:
    """The disagreement of a page and its wave mask, as a sentence; None if they agree.

    They agree if they have one size; a pixel without other print is wave exactly if ink covers at least half of it; a
    pixel with other print is wave only if it is inked; and things that hide the trace are not wave. The page's palette
    index gives the ink exactly.

    Raises:
        PngError: one of the two is missing or damaged.
    """
    index_hw, mask_hw = read_indices(page_path(root, record_id)), read_grey(mask_path(root, record_id)) > 0
    if index_hw.shape != mask_hw.shape:
        return f"{record_id}: the page is {index_hw.shape[::-1]} px, its mask {mask_hw.shape[::-1]}"
    printed, code = page_print(read_layout(root, record_id)[0])
    ink_hw = inked(index_hw)
    # Trace and print have the same ink, so ink without wave is correct where there is print.
    wrong = int(np.count_nonzero((ink_hw != mask_hw) & ((printed == 0) | mask_hw)))
    if code is not None:
        height, width = code.coverage.shape
        beneath = mask_hw[code.row : code.row + height, code.column : code.column + width]
        wrong += int(np.count_nonzero(beneath & (code.coverage >= HALF_COVERED)))
    return f"{record_id}: {wrong} pixels are wave in the mask or half covered by the trace, not both" if wrong else None


def disagreements(root: DataRoot, record_ids: Iterable[str]) -> list[str]:
    """The sentences of all records whose page and mask disagree."""
    return [said for record_id in record_ids if (said := disagreement(root, record_id)) is not None]
