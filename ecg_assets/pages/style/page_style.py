"""The look of a page: paper, grid, layout, pen and print. Styles are data; each page's pen is drawn from its style."""

from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from ecg_assets.pages.style.fonts import check_font
from ecg_assets.pages.style.grid_style import Colour, GridStyle, grid_style
from ecg_assets.pages.style.layouts import Layout, layout_named

MM_PER_INCH = 25.4
PAPER_SPEEDS_MM_PER_S = (12.5, 25.0, 50.0)
GAINS_MM_PER_MV = (5.0, 10.0, 20.0)


def _one_of(allowed: tuple[float, ...]) -> AfterValidator:
    def check(value: float) -> float:
        if value not in allowed:
            raise ValueError(f"expected one of {', '.join(f'{one:g}' for one in allowed)}")
        return value

    return AfterValidator(check)


PaperSpeed = Annotated[float, _one_of(PAPER_SPEEDS_MM_PER_S)]
Gain = Annotated[float, _one_of(GAINS_MM_PER_MV)]


class PageStyle(BaseModel):
    """One named look. Where a field is a tuple of choices or a range, each page draws its own."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    layout: str = Field(default="3x4+1", description="Leads in rows and columns: a name in layouts.yaml.")
    paper_mm: tuple[float, float] = Field(default=(279.4, 215.9), description="Width and height of the paper, in mm.")
    dpi: float = Field(default=200, ge=100, le=400, description="Resolution, in dpi.")
    paper_speed_mm_per_s: PaperSpeed = Field(default=25.0, description="Paper speed, in mm/s.")
    gain_mm_per_mv: Gain = Field(default=10.0, description="Gain, in mm/mV.")
    grid: str = Field(default="red", description="The paper's lines: a name in grids.yaml.")
    paper: Colour = Field(default=(255, 255, 255), description="Colour of the paper.")
    inks: tuple[Colour, ...] = Field(default=((20, 20, 20),), min_length=1, description="Colours of trace and text.")
    stroke_mm: tuple[float, float] = Field(
        default=(0.2667, 0.2667), description="Range of the trace's line width, in mm."
    )
    pulse: Literal["none", "left", "right"] = Field(default="left", description="Position of the calibration pulses.")
    separators: bool = Field(default=True, description="Bars between the leads of a row.")
    names: bool = Field(default=True, description="Lead names.")
    font: str = Field(default="pillow", description="Font of all text: a name in fonts.py.")
    text_mm: float = Field(default=4.064, ge=1, le=10, description="Text size, in mm.")
    header: Literal["none", "kaggle", "clinic", "machine"] = Field(default="kaggle", description="Kind of header.")
    footer: bool = Field(default=True, description="Paper speed and gain at the bottom.")
    qr: bool = Field(default=False, description="A QR code in the upper right corner.")

    @model_validator(mode="after")
    def _tables_know_it(self) -> "PageStyle":
        layout_named(self.layout)
        grid_style(self.grid)
        check_font(self.font)
        low, high = self.stroke_mm
        if not 0.05 <= low <= high <= 2:
            raise ValueError(f"stroke_mm is {self.stroke_mm}, expected a range from 0.05 to 2 mm")
        width, height = self.paper_mm
        if not (100 <= width <= 420 and 80 <= height <= 420):
            raise ValueError(f"paper_mm is {self.paper_mm}, expected 100 to 420 wide and 80 to 420 high")
        return self

    @property
    def px_per_mm(self) -> float:
        """Pixels per millimetre of paper."""
        return self.dpi / MM_PER_INCH

    @property
    def shape_px(self) -> tuple[int, int]:
        """Height and width of the page."""
        width, height = (round(side * self.px_per_mm) for side in self.paper_mm)
        return height, width

    @property
    def grid_lines(self) -> GridStyle:
        """The paper's lines."""
        return grid_style(self.grid)

    @property
    def leads(self) -> Layout:
        """The layout itself."""
        return layout_named(self.layout)
