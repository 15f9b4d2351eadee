"""The plan of a page before it is drawn: places of everything, in millimetres of paper."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ecg_assets.pages.layout.header import Text, header_of
from ecg_assets.pages.layout.panels import NO_BASELINES, Panel, column_mm, panels_of, row_zeros_mm
from ecg_assets.pages.style.grid_style import Colour
from ecg_assets.pages.style.page_style import PageStyle
from ecg_assets.records.record import Record
from ecg_assets.store.config_fields import fingerprint_fields
from ecg_assets.store.rng import rng_for

# 24.8 px up and down and 6.25 px wide at 200 dpi.
_SEPARATOR_HALF_HEIGHT_MM, _SEPARATOR_MM = 3.15, 0.794
_NAME_BELOW_ZERO_MM, _RHYTHM_NAME_BELOW_MM, _NAME_INDENT_MM = 7.0, 8.0, 1.27
_FOOTER_ABOVE_BOTTOM_MM = 5.0038
_SPEED_X_MM, _GAIN_X_MM = 50.0, 100.0


class LayoutError(ValueError):
    """A page's layout JSON cannot be used; the message names the record and the field."""


@dataclass(frozen=True)
class Bar:
    """An upright filled rectangle on the paper, in mm."""

    x0_mm: float
    x1_mm: float
    y0_mm: float
    y1_mm: float


@dataclass(frozen=True)
class PagePlan:
    """Places of everything on one record's page.

    Attributes:
        record_id: the record's id.
        style_name, style: its style.
        seed: of the header and the pen.
        ink: colour of trace and print.
        stroke_mm: width of the trace.
        panels: row by row, rhythm strips last.
        header: texts of this record only; `style_texts` are common to all pages of the style.
        own_paper: whether it is printed on the user's paper, whose lines are not the style's.
    """

    record_id: str
    style_name: str
    style: PageStyle
    seed: int
    ink: Colour
    stroke_mm: float
    panels: tuple[Panel, ...]
    header: tuple[Text, ...]
    own_paper: bool = False

    @property
    def stroke_px(self) -> float:
        """Width of the trace on the upright page."""
        return self.stroke_mm * self.style.px_per_mm

    @property
    def empty_panels(self) -> list[str]:
        """Leads without samples for their panel."""
        return [panel.lead for panel in self.panels if not panel.count]

    @property
    def partial_panels(self) -> list[str]:
        """Leads whose panel is only partly filled."""
        return [panel.lead for panel in self.panels if 0 < panel.count < panel.window - 1]

    @property
    def baselines_mv(self) -> dict[str, float]:
        """By lead, the offset subtracted before printing; empty for nearly all pages."""
        return {panel.lead: panel.baseline_mv for panel in self.panels if panel.baseline_mv}

    def describe(self) -> dict[str, Any]:
        """The plan as JSON values, from which `plan_from` restores it."""
        return {
            "record_id": self.record_id,
            "style": self.style_name,
            "own_paper": self.own_paper,
            "seed": self.seed,
            "dpi": self.style.dpi,
            "width_px": self.style.shape_px[1],
            "height_px": self.style.shape_px[0],
            "px_per_mm": self.style.px_per_mm,
            "paper_speed_mm_per_s": self.style.paper_speed_mm_per_s,
            "gain_mm_per_mv": self.style.gain_mm_per_mv,
            "layout": self.style.layout,
            "stroke_px": self.stroke_px,
            "stroke_mm": self.stroke_mm,
            "ink": list(self.ink),
            "panels": [panel.describe() for panel in self.panels],
            "empty_panels": self.empty_panels,
            "partial_panels": self.partial_panels,
            "style_fields": fingerprint_fields(self.style),
            **({"baselines_mv": self.baselines_mv} if self.baselines_mv else {}),
        }


def plan_page(
    record: Record,
    style_name: str,
    style: PageStyle,
    seed: int,
    own_paper: bool = False,
    baselines_mv: Mapping[str, float] = NO_BASELINES,
) -> PagePlan:
    """Lays a record out in a style; its pen and its person are drawn from the seed and the record's id."""
    rng = rng_for(seed, record.id, "pen")
    ink = style.inks[int(rng.integers(len(style.inks)))]
    stroke_mm = float(rng.uniform(*style.stroke_mm))
    return PagePlan(
        record_id=record.id,
        style_name=style_name,
        style=style,
        seed=seed,
        ink=ink,
        stroke_mm=stroke_mm,
        panels=tuple(panels_of(record, style, baselines_mv)),
        header=tuple(header_of(record.id, style, seed)),
        own_paper=own_paper,
    )


def plan_from(layout: dict[str, Any]) -> PagePlan:
    """Restores a plan from `PagePlan.describe`, e.g. read from a page's layout JSON.

    Raises:
        LayoutError: a field is missing or wrong.
    """
    try:
        style = PageStyle.model_validate(layout["style_fields"])
        red, green, blue = layout["ink"]
        return PagePlan(
            record_id=layout["record_id"],
            style_name=layout["style"],
            style=style,
            seed=layout["seed"],
            ink=(red, green, blue),
            stroke_mm=layout["stroke_mm"],
            panels=tuple(Panel(**panel) for panel in layout["panels"]),
            header=tuple(header_of(layout["record_id"], style, layout["seed"])),
            own_paper=layout["own_paper"],
        )
    except (KeyError, TypeError, ValueError) as error:
        raise LayoutError(f"the layout of {_id_of(layout)!r} is not whole: {error!r}") from error


def _id_of(layout: object) -> object:
    return layout.get("record_id") if isinstance(layout, dict) else None


def style_texts(style: PageStyle) -> list[Text]:
    """Texts common to all pages of a style: lead names and, in the footer, paper speed and gain."""
    texts = _names(style) if style.names else []
    if style.footer:
        baseline_mm = style.paper_mm[1] - _FOOTER_ABOVE_BOTTOM_MM
        texts.append(Text(_SPEED_X_MM, baseline_mm, f"{style.paper_speed_mm_per_s:g}mm/s", "footer"))
        texts.append(Text(_GAIN_X_MM, baseline_mm, f"{style.gain_mm_per_mv:g}mm/mV", "footer"))
    return texts


def _names(style: PageStyle) -> list[Text]:
    layout, zeros_mm = style.leads, row_zeros_mm(style)
    rows, across = len(layout.columns[0]), len(layout.columns)
    # Close rows leave less room below the line.
    pitch_mm = zeros_mm[1] - zeros_mm[0] if len(zeros_mm) > 1 else style.paper_mm[1]
    below_mm = min(_NAME_BELOW_ZERO_MM, 0.45 * pitch_mm)
    texts = [
        Text(column_mm(style, place, across) + _NAME_INDENT_MM, zeros_mm[row] + below_mm, column[row], "name")
        for row in range(rows)
        for place, column in enumerate(layout.columns)
    ]
    rhythm_below_mm = min(_RHYTHM_NAME_BELOW_MM, below_mm + 1)
    return texts + [
        Text(column_mm(style, 0, 1) + _NAME_INDENT_MM, zero_mm + rhythm_below_mm, lead, "name")
        for lead, zero_mm in zip(layout.rhythm, zeros_mm[rows:], strict=True)
    ]


def separators(style: PageStyle) -> list[Bar]:
    """The bars between the leads of a row."""
    layout = style.leads
    if not style.separators:
        return []
    across, half_mm = len(layout.columns), _SEPARATOR_MM / 2
    return [
        Bar(x_mm - half_mm, x_mm + half_mm, zero_mm - _SEPARATOR_HALF_HEIGHT_MM, zero_mm + _SEPARATOR_HALF_HEIGHT_MM)
        for zero_mm in row_zeros_mm(style)[: len(layout.columns[0])]
        for x_mm in (column_mm(style, place, across) for place in range(1, across))
    ]
