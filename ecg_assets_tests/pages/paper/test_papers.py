"""The user's own paper: pages are drawn on it to the scale of its grid, its mask is used as it is."""

from pathlib import Path

import numpy as np
import pytest
from pydantic import ValidationError

from ecg_assets.pages.config import PagesConfig
from ecg_assets.pages.layout.plan import plan_page
from ecg_assets.pages.mask_check import disagreement
from ecg_assets.pages.paper.drawn_paper import line_places_px, paper_of
from ecg_assets.pages.paper.papers import StyledPapers
from ecg_assets.pages.paper.scanned_paper import NoGridError, UserMaskError
from ecg_assets.pages.paths import paper_mask_path, paper_path
from ecg_assets.pages.raster.png import encode, read_grey, read_rgb
from ecg_assets.pages.style.page_style import PageStyle
from ecg_assets.pages.upright.page import inked, render_page
from ecg_assets.records.index import accepted_records
from ecg_assets.samples.config import SamplesConfig
from ecg_assets.samples.reader import SampleReader
from ecg_assets_tests.conftest import make_root
from ecg_assets_tests.pages.pages import record_of

OWN = PageStyle(grid="green", dpi=150, paper_mm=(240.0, 190.0))


def put_paper(folder: Path) -> tuple[Path, Path]:
    """A green paper of 150 dpi, and a mask that no grid finder would make: its classes are mirrored."""
    paper = paper_of(OWN)
    image, mask = folder / "clean_ecg_grid.png", folder / "complete_mask.png"
    image.write_bytes(encode(paper.index_hw, paper.colours))
    mask.write_bytes(encode(np.ascontiguousarray(paper.mask_hw[::-1])))
    return image, mask


def test_pages_and_pictures_are_drawn_on_it_and_its_mask_is_used_as_it_is(
    synthetic_source: Path, tmp_path: Path
) -> None:
    image, mask = put_paper(tmp_path)
    config = PagesConfig(styles="pink-3x4", grid_png=str(image), grid_mask_png=str(mask))
    samples = SamplesConfig(crop_px=256, positives=1, recipes={"clean": 1, "photo": 1})
    root = make_root(tmp_path, synthetic_source, config, samples)
    np.testing.assert_array_equal(read_grey(paper_mask_path(root, "own-pink-3x4")), read_grey(mask))
    np.testing.assert_array_equal(read_rgb(paper_path(root, "own-pink-3x4")), read_rgb(image))
    record_id = accepted_records(root)["id"].iloc[0]
    assert disagreement(root, record_id) is None
    styled = StyledPapers(config)[StyledPapers(config).name_for(record_id)]
    assert styled.style.px_per_mm == pytest.approx(150 / 25.4, rel=1e-3)
    reader = SampleReader(root.dataset, None)
    pictures = [reader[number] for number in range(len(reader))]
    greens = [sample.image_hwc for sample in pictures if sample.recipe == "photo" and sample.kind == "positive"]
    assert len(greens) > 2
    assert {3, 4} <= set(np.concatenate([sample.mask_hw.ravel() for sample in pictures]).tolist())


def test_without_a_mask_the_lines_that_are_found_make_it(tmp_path: Path) -> None:
    image, _ = put_paper(tmp_path)
    styled = StyledPapers(PagesConfig(styles="pink-3x4", grid_png=str(image)))["own-pink-3x4"]
    found, truth = styled.paper.mask_hw, paper_of(OWN).mask_hw
    assert ((found > 0) & (truth > 0)).sum() / ((found > 0) | (truth > 0)).sum() > 0.97
    rows, _ = line_places_px(OWN.grid_lines, OWN.px_per_mm, 5.0, OWN.shape_px)
    assert (found[rows.astype(int)[1:-1], 3] != 0).all()


def test_on_a_narrow_paper_each_lead_is_printed_as_far_as_there_is_room(tmp_path: Path) -> None:
    image, _ = put_paper(tmp_path)
    styled = StyledPapers(PagesConfig(styles="machine-3x4", grid_png=str(image)))["own-machine-3x4"]
    record = record_of({"V6": np.sin(np.arange(5000) / 9)})
    page = render_page(plan_page(record, styled.name, styled.style, 0, own_paper=True), record, styled.paper)
    width_mm = page.layout["width_px"] / page.layout["px_per_mm"]
    ends_mm = [panel["x0_mm"] + 25 * panel["count"] / panel["fs_hz"] for panel in page.layout["panels"]]
    assert 200 < max(ends_mm) < width_mm
    # The pulses stand at the right end and are whole.
    ink = inked(page.index_hw)
    columns = np.flatnonzero(ink[:, int(max(ends_mm) * page.layout["px_per_mm"]) + 6 :].any(axis=0))
    assert np.ptp(columns) == pytest.approx(5 * page.layout["px_per_mm"], abs=4)
    assert not ink[:, -3:].any()


def test_a_paper_too_small_for_a_page_is_refused_by_name(tmp_path: Path) -> None:
    paper = paper_of(OWN)
    image = tmp_path / "slip.png"
    image.write_bytes(encode(np.ascontiguousarray(paper.index_hw[:400, :500]), paper.colours))
    with pytest.raises(NoGridError, match=r"slip\.png is no paper that a page fits on: .*paper_mm"):
        StyledPapers(PagesConfig(styles="kaggle", grid_png=str(image)))


def test_a_picture_without_a_grid_and_a_mask_that_does_not_fit_are_refused(tmp_path: Path) -> None:
    image, mask = put_paper(tmp_path)
    noise = tmp_path / "noise.png"
    noise.write_bytes(encode(np.random.default_rng(0).integers(0, 255, (900, 1200), dtype=np.uint8)))
    with pytest.raises(NoGridError, match="no horizontal 5-mm lines were found"):
        StyledPapers(PagesConfig(grid_png=str(noise)))
    small = tmp_path / "small.png"
    small.write_bytes(encode(np.zeros((10, 10), dtype=np.uint8)))
    with pytest.raises(UserMaskError, match=r"small\.png is 10 x 10 px but its paper 1417 x 1122"):
        StyledPapers(PagesConfig(grid_png=str(image), grid_mask_png=str(small)))
    with pytest.raises(ValidationError, match="grid_mask_png is set but grid_png is not"):
        PagesConfig(grid_mask_png=str(mask))
    with pytest.raises(ValidationError, match="which is not a file"):
        PagesConfig(grid_png=str(tmp_path / "none.png"))
