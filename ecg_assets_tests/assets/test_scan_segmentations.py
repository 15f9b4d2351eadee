"""Segmentations of the inbox as an asset: what comes and goes with its images."""

import shutil
from pathlib import Path

import dagster as dg
import pytest
from PIL import Image

from ecg_assets.assets.champion import champion
from ecg_assets.assets.scan_segmentations import scan_segmentations
from ecg_assets.checks.training import champion_beats_baseline
from ecg_assets.resources.compute import EngineResource
from ecg_assets.resources.data_root import DataRootResource
from ecg_assets.scans.inbox import inbox
from ecg_assets.scans.stage import results
from ecg_assets.store.fingerprint import sha256_file
from ecg_assets.store.root import DataRoot, open_root
from ecg_assets.training.evaluation.champion import decide
from ecg_assets.training.evaluation.champion_store import read_champion
from ecg_assets.training.evaluation.scorecard import Scorecard, scorecard_path
from ecg_assets.training.runs.published import note_published
from ecg_assets.training.runs.run_folder import RunFolder
from ecg_assets_tests.checks.test_checks import reason
from ecg_assets_tests.conftest import AdviceGiven, quiet
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


@pytest.mark.advice("assets/scan_segmentations.py", "nothing to segment: put scans or photos of paper ECGs into ")
def test_with_the_last_image_its_results_go(root: DataRoot, tmp_path: Path, advice: AdviceGiven) -> None:
    weights = checkpoint(tmp_path)
    decide(root, card_with("first", sha256=sha256_file(weights), wave=0.9), weights, unused, quiet)
    said = summary_of(root)
    advice.in_message(said)
    image = Path(said.partition(" into ")[2]) / "page.png"
    Image.new("RGB", (300, 200), "white").save(image)
    assert summary_of(root) == "1 images segmented, 0 unreadable"
    assert list(results(root).glob("page*"))
    image.unlink()
    assert summary_of(root) == said
    assert not list(results(root).rglob("page*"))


def publish(root: DataRoot, name: str, weights: Path, wave: float = 0.9) -> RunFolder:
    """A training that has ended and was evaluated."""
    run = RunFolder(root.runs / name)
    run.best.parent.mkdir(parents=True)
    shutil.copy(weights, run.best)
    note_published(root, name, run.best, sha256_file(run.best))
    scorecard_path(run).parent.mkdir()
    scorecard_path(run).write_text(card_with(name, sha256=sha256_file(run.best), wave=wave).model_dump_json())
    return run


def materialise_champion(root: DataRoot) -> None:
    before = [dg.AssetSpec(name) for name in ("evaluation_report", "trained_checkpoint", "mixed_dataset")]
    dg.materialize(
        [champion, *before], selection=[champion], resources={"data_root": DataRootResource(path=str(root.path))}
    )


@pytest.mark.advice("assets/scan_segmentations.py", ", but there is no champion to segment them: materialise champion")
@pytest.mark.advice("assets/scan_segmentations.py", " is damaged or missing: materialise champion")
@pytest.mark.advice("checks/training.py", " holds no champion with scores; materialise champion")
def test_a_champion_is_made_for_what_wants_one(root: DataRoot, tmp_path: Path, advice: AdviceGiven) -> None:
    Image.new("RGB", (300, 200), "white").save(inbox(root) / "page.png")
    advice.in_message(summary_of(root, success=False))
    advice.in_message(reason(champion_beats_baseline, root))
    first = publish(root, "first", checkpoint(tmp_path))
    materialise_champion(root)
    found = read_champion(root)
    assert found is not None and found.card is not None
    # Its weights are damaged, and no training has them any more.
    publish(root, "second", checkpoint(tmp_path, seed=1))
    shutil.rmtree(first.path)
    weights = root.champion / "champion.safetensors"
    weights.write_bytes(weights.read_bytes()[:-9])
    advice.in_message(summary_of(root, success=False))
    materialise_champion(root)
    assert summary_of(root) == "1 images segmented, 0 unreadable"
