"""Every picture's results have names of their own."""

import pytest

from ecg_assets.scans.result_names import result_stems


@pytest.mark.parametrize(
    ("names", "stems"),
    [
        (["page.png"], ["page"]),
        (["a/page.png", "b/page.png"], ["a/page", "b/page"]),
        (["page.png", "page.jpg"], ["page.png", "page.jpg"]),
        (["x.png", "x.jpg", "x.png.tif"], ["x.png", "x.jpg", "x.png.tif"]),
        (["x.png", "x.png.tif"], ["x", "x.png"]),
        (["x.png", "x.jpg", "x.png.tif", "x.png.tif.bmp"], ["x.png", "x.jpg", "x.png.tif", "x.png.tif.bmp"]),
    ],
)
def test_stems(names: list[str], stems: list[str]) -> None:
    assert list(result_stems(names).values()) == stems
