"""The papers of a config: one per style of its mix, or the user's own for all."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
from PIL import Image
from pydantic import ValidationError

from ecg_assets.pages.config import PagesConfig
from ecg_assets.pages.paper.drawn_paper import PAPER_COLOURS, Paper, paper_of
from ecg_assets.pages.paper.scanned_paper import NoGridError, find_grid, grid_mask_of, read_user_mask
from ecg_assets.pages.raster.png import read_rgb
from ecg_assets.pages.style.page_style import MM_PER_INCH, PageStyle
from ecg_assets.pages.style.style_mix import style_for, styles_of
from ecg_assets.store.safe_yaml import first_problem

OWN = "own"


@dataclass(frozen=True)
class StyledPaper:
    """A style with the paper that its pages are printed on.

    Attributes:
        name: `own` for the user's paper, else the style's.
        style: the style of the print.
        own: the user's paper; None for the style's.
    """

    name: str
    style: PageStyle
    own: Paper | None

    @property
    def paper(self) -> Paper:
        """The empty paper."""
        return self.own if self.own is not None else paper_of(self.style)


class StyledPapers(Mapping[str, StyledPaper]):
    """All papers of a config by name, and which record is printed on which."""

    def __init__(self, config: PagesConfig) -> None:
        """Finds the grid of the user's paper, if there is one.

        Raises:
            NoGridError: the user's paper has no grid, or is too small or too large for a page.
        """
        self._config = config
        styles = {name: style for name, (style, _) in styles_of(config.styles).items()}
        if config.grid_png is None:
            self._papers = {name: StyledPaper(name, style, None) for name, style in styles.items()}
        else:
            path = Path(config.grid_png)
            paper, px_per_mm = own_paper(path, config.grid_mask_png)
            self._papers = {
                f"{OWN}-{name}": StyledPaper(f"{OWN}-{name}", _fitted(style, paper, px_per_mm, path), paper)
                for name, style in styles.items()
            }

    def __getitem__(self, name: str) -> StyledPaper:
        return self._papers[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._papers)

    def __len__(self) -> int:
        return len(self._papers)

    def name_for(self, record_id: str) -> str:
        """Name of a record's paper."""
        name = style_for(self._config.styles, self._config.seed, record_id)
        return name if self._config.grid_png is None else f"{OWN}-{name}"


@lru_cache(maxsize=2)
def own_paper(path: Path, mask_path: str | None) -> tuple[Paper, float]:
    """The user's paper, in at most eight colours, and its pixels per millimetre.

    Raises:
        NoGridError: no grid is found in the picture.
        UserMaskError: the mask does not fit.
    """
    image = read_rgb(path)
    grid = find_grid(image)
    shape = (image.shape[0], image.shape[1])
    mask = grid_mask_of(grid, shape) if mask_path is None else read_user_mask(Path(mask_path), shape)
    few = Image.fromarray(image).quantize(PAPER_COLOURS + 1, dither=Image.Dither.NONE)
    colours = np.array(few.getpalette(), dtype=np.uint8).reshape(-1, 3)[: PAPER_COLOURS + 1]
    return Paper(np.asarray(few, dtype=np.uint8), mask, colours), grid.px_per_mm


def _fitted(style: PageStyle, paper: Paper, px_per_mm: float, path: Path) -> PageStyle:
    """The style at the paper's own scale and size; the lines come from the paper.

    Raises:
        NoGridError: no page fits on it.
    """
    height, width = paper.index_hw.shape
    fields = style.model_dump() | {
        "dpi": px_per_mm * MM_PER_INCH,
        "paper_mm": (width / px_per_mm, height / px_per_mm),
        "layout": "3x4+1" if style.layout == "kaggle" else style.layout,
    }
    try:
        return PageStyle.model_validate(fields)
    except ValidationError as error:
        raise NoGridError(f"{path} is no paper that a page fits on: {first_problem(error)}") from error
