"""Draws small pictures of pages and masks for the asset pages of the UI."""

import io
from collections.abc import Sequence
from math import ceil

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image

from ecg_assets.pages.layout.layout_file import read_layout
from ecg_assets.pages.paths import mask_path, page_path, paper_mask_path, paper_path
from ecg_assets.pages.raster.png import read_grey, read_rgb
from ecg_assets.records.index import accepted_records
from ecg_assets.store.root import DataRoot

Rgb = npt.NDArray[np.uint8]

_PAGE_WIDTH_PX = 420
_DETAIL_PX = 480
_GAP_PX = 6
_COLOURS = 64
_LOOKED_AT = 60

# Horizontal red, vertical blue, intersection yellow on white; the wave dark green.
_LINE_COLOURS = np.array([[255, 255, 255], [220, 40, 40], [40, 80, 220], [240, 190, 0]], dtype=np.uint8)
_WAVE_COLOUR = np.array([0, 110, 50], dtype=np.uint8)


def contact_sheet(root: DataRoot, count: int) -> bytes:
    """Pages, one of each style first, as a PNG."""
    record_ids = _shown_ids(root, count)
    return encode_picture(
        tile([read_rgb(page_path(root, one)) for one in record_ids], columns=2, width_px=_PAGE_WIDTH_PX)
    )


def mask_sheet(root: DataRoot, count: int) -> bytes:
    """The same pages' masks in class colours, as a PNG."""
    masks = []
    for record_id in _shown_ids(root, count):
        coloured = _LINE_COLOURS[read_grey(paper_mask_path(root, _style_of(root, record_id)))]
        coloured[read_grey(mask_path(root, record_id)) > 0] = _WAVE_COLOUR
        masks.append(coloured)
    return encode_picture(tile(masks, columns=2, width_px=_PAGE_WIDTH_PX))


def paper_preview(root: DataRoot, styles: Sequence[str]) -> bytes:
    """A corner of each empty paper at full size, as a PNG."""
    return encode_picture(_corners([read_rgb(paper_path(root, style)) for style in styles]))


def grid_mask_preview(root: DataRoot, styles: Sequence[str]) -> bytes:
    """The same corners of the grid masks in class colours, as a PNG."""
    return encode_picture(_corners([_LINE_COLOURS[read_grey(paper_mask_path(root, style))] for style in styles]))


def _corners(pictures: Sequence[Rgb]) -> Rgb:
    return tile([picture[:_DETAIL_PX, :_DETAIL_PX] for picture in pictures], columns=4, width_px=_DETAIL_PX)


def tile(pictures: Sequence[Rgb], columns: int, width_px: int) -> Rgb:
    """Lays pictures in rows, each scaled to the first one's shape `width_px` wide, on light grey. (h, w, 3) uint8.

    Raises:
        ValueError: there is no picture.
    """
    if not pictures:
        raise ValueError("there is nothing to lay out; expected at least one picture")
    height_px = round(pictures[0].shape[0] * width_px / pictures[0].shape[1])
    columns = min(columns, len(pictures))
    rows = ceil(len(pictures) / columns)
    sheet = np.full(
        (rows * (height_px + _GAP_PX) - _GAP_PX, columns * (width_px + _GAP_PX) - _GAP_PX, 3), 225, np.uint8
    )
    for number, picture in enumerate(pictures):
        row, column = divmod(number, columns)
        y, x = row * (height_px + _GAP_PX), column * (width_px + _GAP_PX)
        small = cv2.resize(picture, (width_px, height_px), interpolation=cv2.INTER_AREA)
        sheet[y : y + height_px, x : x + width_px] = small
    return sheet


def encode_picture(rgb_hwc: Rgb) -> bytes:
    """A small PNG of few colours, because it is stored in Dagster's database."""
    target = io.BytesIO()
    picture = Image.fromarray(rgb_hwc).quantize(_COLOURS, dither=Image.Dither.NONE)
    picture.save(target, "PNG", optimize=True)
    return target.getvalue()


def _style_of(root: DataRoot, record_id: str) -> str:
    return read_layout(root, record_id)[0].style_name


def _shown_ids(root: DataRoot, count: int) -> list[str]:
    """Up to `count` ids: the first record of each style, then the others in order."""
    ids = [str(record_id) for record_id in accepted_records(root)["id"].head(_LOOKED_AT)]
    first_of_style: dict[str, str] = {}
    for record_id in ids:
        first_of_style.setdefault(_style_of(root, record_id), record_id)
    chosen = list(first_of_style.values())
    return (chosen + [record_id for record_id in ids if record_id not in chosen])[:count]
