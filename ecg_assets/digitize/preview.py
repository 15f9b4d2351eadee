"""A look at images that were read."""

import io

from PIL import Image

from ecg_assets.digitize.outputs import outputs_of
from ecg_assets.digitize.stage import results
from ecg_assets.scans.inbox import image_names
from ecg_assets.store.root import DataRoot

_TILE_PX, _GAP_PX, _COLOURS = (420, 320), 8, 128


def check_sheet(root: DataRoot, names: list[str]) -> bytes:
    """The check pictures of images of the inbox side by side, as PNG."""
    places = outputs_of(results(root), image_names(root))
    sheet = Image.new("RGB", (max(1, len(names)) * (_TILE_PX[0] + _GAP_PX) - _GAP_PX, _TILE_PX[1]), "white")
    for number, name in enumerate(names):
        with Image.open(places[name].check) as image:
            shown = image.convert("RGB")
            shown.thumbnail(_TILE_PX, Image.Resampling.LANCZOS)
            sheet.paste(shown, (number * (_TILE_PX[0] + _GAP_PX), 0))
    target = io.BytesIO()
    sheet.quantize(_COLOURS).save(target, "PNG", optimize=True)
    return target.getvalue()
