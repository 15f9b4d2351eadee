"""Segmentations of the inbox as an asset: what comes and goes with its images."""

from pathlib import Path

import dagster as dg
import pytest
from PIL import Image

from ecg_assets.assets.scan_segmentations import scan_segmentations
from ecg_assets.resources.compute import EngineResource
from ecg_assets.resources.data_root import DataRootResource
from ecg_assets.scans.inbox import inbox
from ecg_assets.scans.stage import results
from ecg_assets.store.fingerprint import sha256_file
from ecg_assets.store.root import DataRoot, open_root
from ecg_assets.training.evaluation.champion import decide
from ecg_assets.training.evaluation.scorecard import Scorecard
from ecg_assets_tests.conftest import quiet
from ecg_assets_tests.scans.test_stage import checkpoint
from ecg_assets_tests.training.evaluation.cards import card_with


@pytest.fixture
def root(tmp_path: Path) -> DataRoot:
    return open_root(tmp_path / "data_root")


def summary_of(root: DataRoot, success: bool = True) -> str:
    before = [dg.AssetSpec(name) for name in ("champion", "kaggle_subset")]
    result = dg.materialize(
        [scan_segmentations, *before],
        selection=[scan_segmentations],
        resources={"data_root": DataRootResource(path=str(root.path)), "engine": EngineResource(engine="local")},
        raise_on_error=False,
    )
    assert result.success == success
    if not success:
        (failure,) = [event for event in result.all_events if event.is_step_failure]
        return str(failure.step_failure_data.user_failure_data)
    (made,) = result.asset_materializations_for_node("scan_segmentations")
    return str(made.metadata["summary"].value)


def unused(*_: object) -> Scorecard:
    raise AssertionError("there is one champion, which is scored")


def test_with_the_last_image_its_results_go(root: DataRoot, tmp_path: Path) -> None:
    weights = checkpoint(tmp_path)
    decide(root, card_with("first", sha256=sha256_file(weights), wave=0.9), weights, unused, quiet)
    image = inbox(root) / "page.png"
    Image.new("RGB", (300, 200), "white").save(image)
    assert summary_of(root) == "1 images segmented, 0 unreadable"
    assert list(results(root).glob("page*"))
    image.unlink()
    assert summary_of(root).startswith("nothing to segment: put scans or photos")
    assert not list(results(root).rglob("page*"))


def test_images_without_a_champion_are_an_error_that_says_what_to_make(root: DataRoot) -> None:
    assert summary_of(root).startswith("nothing to segment")
    Image.new("RGB", (300, 200), "white").save(inbox(root) / "page.png")
    assert "no champion to segment them with: materialise champion" in summary_of(root, success=False)
