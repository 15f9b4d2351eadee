"""Reads a printed page with the classes of all its pixels."""

from dataclasses import dataclass, field
from typing import Any

from ecg_assets.pages.layout.layout_file import read_layout
from ecg_assets.pages.layout.plan import LayoutError, PagePlan
from ecg_assets.pages.paths import layout_path, mask_path, page_path, paper_mask_path, paper_path
from ecg_assets.pages.raster.png import read_grey, read_palette, read_rgb
from ecg_assets.pages.upright.page import inked
from ecg_assets.samples.crops import Image, Mask, mix
from ecg_assets.store.root import DataRoot


@dataclass(frozen=True)
class LabelledPage:
    """A page.

    Attributes:
        plan: places of everything on the page.
        image_hwc: (h, w, 3) uint8 RGB.
        mask_hw: (h, w) uint8, classes 0 to 4.
        provenance: the record's source, licence and labels.
    """

    plan: PagePlan
    image_hwc: Image
    mask_hw: Mask
    provenance: dict[str, Any] = field(default_factory=dict)


def style_name_of(root: DataRoot, record_id: str) -> str:
    """Name of the style of a record's page."""
    return read_layout(root, record_id)[0].style_name


def read_page(root: DataRoot, record_id: str) -> LabelledPage:
    """The page of a record with all its classes.

    Raises:
        PngError: page, mask or paper's mask is missing or damaged.
        LayoutError: the page's layout is damaged.
    """
    plan, layout = read_layout(root, record_id)
    if "provenance" not in layout:
        raise LayoutError(
            f"{layout_path(root, record_id)} is no whole layout (it has no provenance); delete it and materialise "
            "rendered_waves"
        )
    index_hw, palette = read_palette(page_path(root, record_id))
    wave_hw = read_grey(mask_path(root, record_id)) > 0
    grid_hw = read_grey(paper_mask_path(root, plan.style_name))
    # The palette index gives the ink of every pixel: the palette is each paper colour under every level of ink.
    mask = mix(grid_hw, wave_hw, inked(index_hw))
    return LabelledPage(plan, palette[index_hw], mask, layout["provenance"])


def read_paper(root: DataRoot, style_name: str) -> tuple[Image, Mask]:
    """The empty paper of a style, (h, w, 3) uint8 RGB, and its lines' classes, (h, w) uint8.

    Raises:
        PngError: one of the two is missing or damaged.
    """
    return read_rgb(paper_path(root, style_name)), read_grey(paper_mask_path(root, style_name))
