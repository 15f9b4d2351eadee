"""Draws previews of segmented images."""

import io
from pathlib import Path

from PIL import Image

from ecg_assets.pages.paths import page_path
from ecg_assets.scans.image import read_image
from ecg_assets.scans.segment import Segmenter
from ecg_assets.scans.stage import outputs
from ecg_assets.store.root import DataRoot

_TILE_PX = (420, 320)
_GAP_PX = 8
_DETAIL_PX = (860, 720)


def overlay_sheet(root: DataRoot, count: int) -> bytes:
    """The overlays of the first `count` segmented images side by side, as PNG."""
    paths = [places.overlay for places in outputs(root).values() if places.overlay.exists()][:count]
    sheet = Image.new("RGB", (max(1, len(paths)) * (_TILE_PX[0] + _GAP_PX) - _GAP_PX, _TILE_PX[1]), "white")
    for number, path in enumerate(paths):
        with Image.open(path) as image:
            image.thumbnail(_TILE_PX, Image.Resampling.LANCZOS)
            sheet.paste(image, (number * (_TILE_PX[0] + _GAP_PX), 0))
    target = io.BytesIO()
    sheet.quantize(128).save(target, "PNG", optimize=True)
    return target.getvalue()


def page_overlay(root: DataRoot, checkpoint: Path, record_id: str) -> bytes:
    """A corner of a record's page, at its traces, with a checkpoint's prediction, as PNG.

    Raises:
        CheckpointError: the checkpoint cannot be used.
        UnreadableImageError: the page cannot be read.
    """
    page = read_image(page_path(root, record_id))
    result = Segmenter.load(checkpoint).segment_image(page)
    with Image.open(io.BytesIO(result.overlay_png(page))) as drawn:
        top = drawn.height // 3
        detail = drawn.crop((0, top, _DETAIL_PX[0], top + _DETAIL_PX[1]))
        target = io.BytesIO()
        detail.quantize(32, dither=Image.Dither.NONE).save(target, "PNG", optimize=True)
    return target.getvalue()
