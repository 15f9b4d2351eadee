"""Chooses the layout: of those with the page's number of rows, the one whose leads disagree least."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ecg_assets.digitize.lead_layout.einthoven import disagreement
from ecg_assets.pages.style.layouts import Layout, layout_named, layouts

Values = npt.NDArray[np.float64]

# The competition's page is 3x4+1 with its own row positions, which are found on each page.
_SAME = {"kaggle": "3x4+1"}


@dataclass(frozen=True)
class Slot:
    """One lead's place on a page.

    Attributes:
        lead: its name; a minus in front when it is printed upside down.
        row: from the top.
        column, columns: index and number of equal parts of the row's width; a rhythm strip is part 0 of 1.
        rhythm: whether it is a strip over the whole width.
    """

    lead: str
    row: int
    column: int
    columns: int
    rhythm: bool


@dataclass(frozen=True)
class Arrangement:
    """The leads' places on a page.

    Attributes:
        name: in layouts.yaml.
        slots: row by row, rhythm strips last.
        confidence: 0 to 1: how much less its leads disagree than those of the second-best layout.
        others: disagreement of each layout that was compared.
    """

    name: str
    slots: tuple[Slot, ...]
    confidence: float
    others: dict[str, float]


def slots_of(layout: Layout) -> tuple[Slot, ...]:
    """The places of a layout's leads."""
    across, rows = len(layout.columns), len(layout.columns[0])
    slots = [
        Slot(column[row], row, place, across, False)
        for row in range(rows)
        for place, column in enumerate(layout.columns)
    ]
    return tuple(slots + [Slot(lead, rows + strip, 0, 1, True) for strip, lead in enumerate(layout.rhythm)])


def candidates(rows: int) -> list[str]:
    """Names of the layouts with this number of rows."""
    return [name for name, layout in layouts().items() if name not in _SAME and layout.rows == rows]


def arrange(rows_mv: Values, wanted: str = "auto") -> Arrangement | None:
    """Chooses the layout.

    Args:
        rows_mv: (rows, n) float64, each row's trace over the printed width, in any unit common to all; NaN where it
            has no trace.
        wanted: a name in layouts.yaml, or "auto".

    Returns:
        None if no layout has this number of rows.

    Raises:
        UnknownLayoutError: layout `wanted` does not exist.
    """
    if wanted != "auto":
        named = layout_named(wanted)
        return Arrangement(wanted, slots_of(named), 1.0, {}) if named.rows == len(rows_mv) else None
    found = {name: _contradiction(slots_of(layout_named(name)), rows_mv) for name in candidates(len(rows_mv))}
    if not found:
        return None
    order = sorted(found, key=lambda name: found[name])
    best = order[0]
    margin = 1.0 if len(order) == 1 else 1 - found[best] / max(found[order[1]], 1e-9)
    return Arrangement(best, slots_of(layout_named(best)), round(float(margin), 3), found)


def _contradiction(slots: tuple[Slot, ...], rows_mv: Values) -> float:
    """Mean disagreement of the leads printed at the same time; 1 if none can be compared."""
    across = max(slot.columns for slot in slots)
    width = rows_mv.shape[1]
    found = []
    for place in range(across):
        part = slice(place * width // across, (place + 1) * width // across)
        together = [slot for slot in slots if slot.rhythm or slot.column == place]
        value = disagreement([slot.lead for slot in together], rows_mv[[slot.row for slot in together], part])
        if value is not None:
            found.append(value)
    return float(np.mean(found)) if found else 1.0
