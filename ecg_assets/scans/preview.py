"""A look at segmented images."""

import io

from PIL import Image

from ecg_assets.scans.stage import images_in, inbox, overlay_path
from ecg_assets.store.root import DataRoot

_TILE_PX = (420, 320)
_GAP_PX = 8


def overlay_sheet(root: DataRoot, count: int) -> bytes:
    """The overlays of the first `count` segmented images side by side, as PNG."""
    names = [path.relative_to(inbox(root)).as_posix() for path in images_in(root)]
    paths = [path for name in names if (path := overlay_path(root, name)).exists()][:count]
    sheet = Image.new("RGB", (max(1, len(paths)) * (_TILE_PX[0] + _GAP_PX) - _GAP_PX, _TILE_PX[1]), "white")
    for number, path in enumerate(paths):
        with Image.open(path) as image:
            image.thumbnail(_TILE_PX, Image.Resampling.LANCZOS)
            sheet.paste(image, (number * (_TILE_PX[0] + _GAP_PX), 0))
    target = io.BytesIO()
    sheet.quantize(128).save(target, "PNG", optimize=True)
    return target.getvalue()
