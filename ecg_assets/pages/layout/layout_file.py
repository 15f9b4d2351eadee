"""Reads the layout JSON beside each page."""

import json
from typing import Any

from ecg_assets.pages.layout.plan import LayoutError, PagePlan, plan_from
from ecg_assets.pages.paths import layout_path
from ecg_assets.store.root import DataRoot


def read_layout(root: DataRoot, record_id: str) -> tuple[PagePlan, dict[str, Any]]:
    """The plan of a record's page, and all fields of its layout file.

    Raises:
        LayoutError: the file is missing or damaged; the message names it and says what to do.
    """
    path = layout_path(root, record_id)
    try:
        fields = json.loads(path.read_text("utf-8"))
        return plan_from(fields), fields
    except FileNotFoundError as error:
        raise LayoutError(f"{path} is not there; materialise rendered_waves") from error
    except (ValueError, TypeError, RecursionError) as error:
        said = " ".join(str(error).split())[:200]
        raise LayoutError(f"{path} is no whole layout ({said}); delete it and materialise rendered_waves") from error
