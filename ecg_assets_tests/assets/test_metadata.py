"""Pictures in metadata are data URIs that stay small."""

import base64
import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ecg_assets.assets.metadata import MAX_PICTURE_BYTES, drawn, picture
from ecg_assets.pages.preview import contact_sheet
from ecg_assets.store.root import DataRoot, open_root


def png(side: int) -> bytes:
    target = io.BytesIO()
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (side, side, 3), np.uint8)).save(target, "PNG")
    return target.getvalue()


@pytest.mark.parametrize("side", [16, 1000])
def test_a_picture_is_a_data_uri_under_the_limit(side: int) -> None:
    text = picture(png(side), "noise").value
    assert text is not None
    content = base64.b64decode(text.partition(";base64,")[2].removesuffix(")"))
    assert len(content) <= MAX_PICTURE_BYTES
    shown = Image.open(io.BytesIO(content))
    assert shown.width == shown.height <= side
    if side == 16:
        assert content == png(16)


def test_a_large_drawing_keeps_its_size(made_root: DataRoot) -> None:
    sheet = contact_sheet(made_root, 6)
    assert len(sheet) > MAX_PICTURE_BYTES
    text = str(picture(sheet, "pages").value)
    shown = Image.open(io.BytesIO(base64.b64decode(text.partition(";base64,")[2].removesuffix(")"))))
    assert shown.size == Image.open(io.BytesIO(sheet)).size


def test_a_picture_is_drawn_again_only_when_what_it_shows_has_changed(tmp_path: Path) -> None:
    root, sides = open_root(tmp_path), list[int]()

    def draw(side: int) -> bytes:
        sides.append(side)
        return png(side)

    first = drawn(root, "noise", "noise", "digest 1", draw, 16)
    assert first.value == picture(png(16), "noise").value
    assert drawn(root, "noise", "noise", "digest 1", draw, 20).value == first.value
    assert drawn(root, "other", "noise", "digest 1", draw, 20).value != first.value
    assert drawn(root, "noise", "noise", "digest 2", draw, 24).value == picture(png(24), "noise").value
    assert sides == [16, 20, 24]
