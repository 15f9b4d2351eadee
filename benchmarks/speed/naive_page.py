"""The baseline: a page and its 5-class mask as one would write them with matplotlib.

It is not slowed down: figures, grid lines, names and pulses are made once, and only the traces change from record to
record. Text, grid and traces stand where the project's own page has them. The grid is drawn in two ways: as the grid of
the axes' major and minor ticks, as plotting packages for ECGs do it, and as collections of lines, which is faster.
"""

import io

import matplotlib

matplotlib.use("Agg")

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.pyplot import figure
from matplotlib.ticker import MultipleLocator

from ecg_assets.pages.classes import CLASS_LINE_MM
from ecg_assets.pages.layout.calibration_pulse import pulses
from ecg_assets.pages.layout.plan import PagePlan, separators, style_texts
from ecg_assets.records.record import Record

POINTS_PER_MM = 72 / 25.4
GRIDS = ("ticks", "lines")


class NaivePage:
    """Draws records of one style."""

    def __init__(self, plan: PagePlan, grid: str) -> None:
        """Makes both figures with all that does not change; `grid` is one of `GRIDS`."""
        self._page, page = _figure(plan)
        self._mask, mask = _figure(plan)
        if grid == "ticks":
            _ticks(page)
        else:
            page.axis("off")
            _grid(page, plan, 1.0, 0.12, ("#fedfdb", "#fedfdb"))
            _grid(page, plan, 5.0, 0.13, ("#ff0000", "#ff0000"))
        mask.axis("off")
        _grid(mask, plan, 5.0, CLASS_LINE_MM, ("#010101", "#020202"))
        for bar in (*separators(plan.style), *pulses(plan.style, plan.stroke_mm)):
            page.fill_between([bar.x0_mm, bar.x1_mm], bar.y0_mm, bar.y1_mm, color="black", linewidth=0)
        for text in (*style_texts(plan.style), *plan.header):
            page.text(text.x_mm, text.baseline_mm, text.text, fontsize=plan.style.text_mm * POINTS_PER_MM)
        self._traces = [_trace(page, plan, "#141414", True) for _ in plan.panels]
        self._classes = [_trace(mask, plan, "#040404", False) for _ in plan.panels]
        self._dpi = plan.style.dpi
        mask.figure.set_facecolor("black")

    def draw(self, plan: PagePlan, record: Record) -> tuple[bytes, bytes]:
        """PNGs of the page and of its classes as grey values."""
        for panel, trace, classes in zip(plan.panels, self._traces, self._classes, strict=True):
            points = panel.points_mm(record, plan.style)
            trace.set_data(points[:, 0], points[:, 1])
            classes.set_data(points[:, 0], points[:, 1])
        return _png(self._page, self._dpi), _png(self._mask, self._dpi)


def _figure(plan: PagePlan) -> tuple[Figure, Axes]:
    width_mm, height_mm = plan.style.paper_mm
    made = figure(figsize=(width_mm / 25.4, height_mm / 25.4), dpi=plan.style.dpi)
    axes = made.add_axes((0, 0, 1, 1))
    axes.set_xlim(0, width_mm)
    axes.set_ylim(height_mm, 0)
    return made, axes


def _ticks(axes: Axes) -> None:
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_locator(MultipleLocator(5))
        axis.set_minor_locator(MultipleLocator(1))
    axes.grid(which="minor", color="#fedfdb", linewidth=0.12 * POINTS_PER_MM)
    axes.grid(which="major", color="#ff0000", linewidth=0.13 * POINTS_PER_MM)
    axes.tick_params(which="both", length=0, labelbottom=False, labelleft=False)


def _grid(axes: Axes, plan: PagePlan, spacing_mm: float, width_mm: float, colours: tuple[str, str]) -> None:
    width, height = plan.style.paper_mm
    grid = plan.style.grid_lines
    for colour, first, size, draw in (
        (colours[0], grid.first_y_mm, height, axes.hlines),
        (colours[1], grid.first_x_mm, width, axes.vlines),
    ):
        places = [first % spacing_mm + spacing_mm * number for number in range(int(size / spacing_mm) + 1)]
        draw(places, 0, width if size == height else height, colors=colour, linewidth=width_mm * POINTS_PER_MM)


def _trace(axes: Axes, plan: PagePlan, colour: str, smooth: bool) -> Line2D:
    width = plan.stroke_mm * POINTS_PER_MM
    (line,) = axes.plot([], [], color=colour, linewidth=width, antialiased=smooth, solid_joinstyle="round")
    return line


def _png(made: Figure, dpi: float) -> bytes:
    content = io.BytesIO()
    made.savefig(content, dpi=dpi, format="png")
    return content.getvalue()
