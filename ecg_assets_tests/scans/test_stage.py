"""The inbox: every image is segmented once per checkpoint, broken ones are named, gone ones are forgotten."""

import json
import shutil
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import pytest
import torch
from PIL import Image

from ecg_assets.pages.raster.png import read_grey
from ecg_assets.scans.inbox import images_in, inbox
from ecg_assets.scans.preview import overlay_sheet
from ecg_assets.scans.segment import Segmentation, Segmenter
from ecg_assets.scans.stage import outputs, results, segment_inbox
from ecg_assets.store.root import DataRoot, open_root
from ecg_assets.training.checkpoints.checkpoint import save_best
from ecg_assets.training.models.flat_parameters import FlatNetwork
from ecg_assets.training.models.registry import NetworkSpec
from ecg_assets.training.runs.run_state import EpochScores
from ecg_assets_tests.real import photos


@pytest.fixture
def root(tmp_path: Path) -> DataRoot:
    return open_root(tmp_path / "data_root")


def checkpoint(folder: Path, seed: int = 0, classes: int = 5) -> Path:
    """An untrained network: what it says is nonsense, where it says it is not."""
    torch.manual_seed(seed)
    spec = NetworkSpec(classes=classes, widths=(8, 8), patch_px=4)
    scores = EpochScores(epoch=1, loss=1, learning_rate=1, validation_loss=1, dice={}, iou={}, foreground_dice=0)
    path = folder / f"seed-{seed}.safetensors"
    save_best(path, spec, FlatNetwork(spec.build(), torch.device("cpu")), scores)
    return path


def put(root: DataRoot, name: str, height: int = 300, width: int = 400) -> None:
    path = inbox(root) / name
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(len(name)).integers(0, 255, (height, width, 3), np.uint8)
    Image.fromarray(pixels).save(path)


def bright_is_class_4(tiles_bhwc: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
    bright = (tiles_bhwc[..., 0] > 127).astype(np.float32)
    return np.stack([1 - bright, *[np.zeros_like(bright)] * 3, bright], axis=1)


def nowhere(_: str) -> None:
    pass


def test_each_image_gets_a_mask_an_overlay_and_facts_of_its_own_size(root: DataRoot, tmp_path: Path) -> None:
    put(root, "page.png")
    put(root, "more/photo.jpg", height=400, width=300)
    report = segment_inbox(root, checkpoint(tmp_path), nowhere)
    assert report.made == ["more/photo.jpg", "page.png"]
    places = outputs(root)
    for name, shape in (("more/photo.jpg", (400, 300)), ("page.png", (300, 400))):
        mask = read_grey(places[name].mask)
        assert mask.shape == shape
        assert mask.max() < 5
        with Image.open(places[name].overlay) as drawn:
            assert drawn.size == shape[::-1]
        facts = json.loads(places[name].info.read_text())
        assert (facts["height_px"], facts["width_px"]) == shape
        assert facts["scale_from"] in ("grid", "page size")
        assert sum(facts["class_shares"].values()) == pytest.approx(1, abs=1e-3)
    assert places["page.png"].mask.name == "page_mask.png"
    assert Image.open(Path(_saved(tmp_path, overlay_sheet(root, 3)))).width > 500


def test_images_of_one_stem_do_not_overwrite_each_other(root: DataRoot, tmp_path: Path) -> None:
    put(root, "page.png")
    put(root, "page.jpg", width=500)
    segment_inbox(root, checkpoint(tmp_path), nowhere)
    places = outputs(root)
    assert read_grey(places["page.png"].mask).shape == (300, 400)
    assert read_grey(places["page.jpg"].mask).shape == (300, 500)


def test_current_images_are_skipped_until_the_image_or_the_checkpoint_changes(root: DataRoot, tmp_path: Path) -> None:
    put(root, "one.png")
    put(root, "two.png")
    weights = checkpoint(tmp_path)
    first = segment_inbox(root, weights, nowhere)
    again = segment_inbox(root, weights, nowhere)
    assert (again.made, again.skipped) == ([], ["one.png", "two.png"])
    assert again.digest == first.digest
    put(root, "two.png", width=420)
    assert segment_inbox(root, weights, nowhere).made == ["two.png"]
    assert segment_inbox(root, checkpoint(tmp_path, seed=1), nowhere).made == ["one.png", "two.png"]


def test_an_unreadable_image_is_named_and_does_not_stop_the_others(root: DataRoot, tmp_path: Path) -> None:
    (inbox(root) / "broken.png").write_text("no image")
    put(root, "fine.png")
    lines: list[str] = []
    report = segment_inbox(root, checkpoint(tmp_path), lines.append)
    assert report.made == ["fine.png"]
    assert list(report.unreadable) == ["broken.png"]
    assert any("broken.png is left out" in line for line in lines)


def test_an_image_that_breaks_the_network_is_named_and_does_not_stop_the_others(
    root: DataRoot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(root, "breaks.png", height=333)
    put(root, "fine.png")
    real = Segmenter.segment_image

    def segment_image(self: Segmenter, image_hwc: npt.NDArray[np.uint8]) -> Segmentation:
        if image_hwc.shape[0] == 333:
            raise cv2.error("Failed to allocate 3758096384 bytes")
        return real(self, image_hwc)

    monkeypatch.setattr(Segmenter, "segment_image", segment_image)
    weights = checkpoint(tmp_path)
    report = segment_inbox(root, weights, nowhere)
    assert report.made == ["fine.png"]
    assert "breaks.png cannot be read (error: Failed to allocate" in report.unreadable["breaks.png"]
    monkeypatch.undo()
    assert segment_inbox(root, weights, nowhere).made == ["breaks.png"]


def test_results_of_an_image_that_is_gone_are_removed(root: DataRoot, tmp_path: Path) -> None:
    put(root, "gone.png")
    weights = checkpoint(tmp_path)
    segment_inbox(root, weights, nowhere)
    (inbox(root) / "gone.png").unlink()
    segment_inbox(root, weights, nowhere)
    assert [path for path in results(root).rglob("*") if path.is_file()] == []


def test_signals_and_hidden_files_in_the_inbox_are_not_looked_at(root: DataRoot) -> None:
    (inbox(root) / "record.csv").write_text("I,II\n")
    (inbox(root) / ".hidden.png").write_text("")
    assert images_in(root) == []


def test_a_network_of_three_classes_gives_masks_of_three(root: DataRoot, tmp_path: Path) -> None:
    put(root, "page.png")
    report = segment_inbox(root, checkpoint(tmp_path, classes=3), nowhere)
    assert set(report.manifests[0].info["class_shares"]) == {"background", "grid", "wave"}
    assert read_grey(outputs(root)["page.png"].mask).max() < 3


def test_a_page_and_its_mask_lie_alike() -> None:
    """A network that answers by brightness finds a bright quarter where it is."""
    pixels = np.zeros((850, 1100, 3), np.uint8)
    pixels[:425, :550] = 255
    mask = Segmenter(bright_is_class_4, 5).segment_image(pixels).mask_hw
    assert (mask[:420, :545] == 4).all()
    assert (mask[430:] == 0).all()


@pytest.mark.real
def test_real_photos_go_through(root: DataRoot, tmp_path: Path) -> None:
    for photo in photos()[:2]:
        shutil.copy(photo, inbox(root))
    assert len(segment_inbox(root, checkpoint(tmp_path), nowhere).made) == 2


def _saved(folder: Path, content: bytes) -> str:
    path = folder / "sheet.png"
    path.write_bytes(content)
    return str(path)
