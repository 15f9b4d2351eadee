"""The evaluation's report and the champion as assets: files, key numbers, and a decision that is told."""

import io
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from PIL import Image

from ecg_assets.assets.champion import champion
from ecg_assets.assets.evaluation import evaluation_report
from ecg_assets.resources.data_root import DataRootResource
from ecg_assets.store.fingerprint import sha256_file
from ecg_assets.store.root import DataRoot, open_root
from ecg_assets.training.config import TrainConfig
from ecg_assets.training.evaluation.scorecard import read_scorecard
from ecg_assets.training.runs.events import EventLog
from ecg_assets.training.runs.prepare import prepare_run
from ecg_assets.training.runs.published import note_published
from ecg_assets.training.runs.run_folder import RunFolder
from ecg_assets_tests.conftest import AdviceGiven, quiet
from ecg_assets_tests.training.conftest import SMALL
from ecg_assets_tests.training.networks_at_hand import put_checkpoint


@pytest.fixture
def root(mixed_root: DataRoot, tmp_path: Path) -> DataRoot:
    """Records, pages and samples of the shared root, and a place of its own for runs."""
    root = open_root(tmp_path / "data_root")
    for name in ("ori_csv", "grids", "data", "dataset_grid_wave_mix"):
        (root.path / name).symlink_to(mixed_root.path / name)
    return root


def put_run(root: DataRoot, name: str, seed: int) -> RunFolder:
    run = prepare_run(root, TrainConfig(**(SMALL | {"experiment": name})), quiet)
    put_checkpoint(run.best, seed)
    dice = {"background": 0.5, "wave": None}
    EventLog(run.events).write(
        "epoch", "epoch 1", epoch=1, loss=1.0, validation_loss=1.0, learning_rate=0.01, dice=dice
    )
    note_published(root, name, run.best, sha256_file(run.best))
    return run


def materialized(root: DataRoot) -> dict[str, dict[str, Any]]:
    """Metadata of both assets, in one run."""
    before = [dg.AssetSpec(name) for name in ("trained_checkpoint", "mixed_dataset")]
    result = dg.materialize(
        [evaluation_report, champion, *before],
        selection=["evaluation_report", "champion"],
        resources={"data_root": DataRootResource(path=str(root.path))},
    )
    return {
        name: dict(result.asset_materializations_for_node(name)[0].metadata)
        for name in ("evaluation_report", "champion")
    }


def never(*_: object) -> bytes:
    raise AssertionError


@pytest.fixture
def no_page(monkeypatch: pytest.MonkeyPatch) -> None:
    """The page in the report, which takes as long as all the rest to read, is looked at by the first test alone."""
    monkeypatch.setattr("ecg_assets.scans.preview.page_overlay", lambda *_: png(Image.new("RGB", (8, 8))))


def png(picture: Image.Image) -> bytes:
    target = io.BytesIO()
    picture.save(target, "PNG")
    return target.getvalue()


def test_report_and_champion_tell_their_numbers_and_the_second_is_compared_with_the_first(
    root: DataRoot, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = put_run(root, "first", 0)
    made = materialized(root)
    card = read_scorecard(run)
    numbers = made["evaluation_report"]
    assert numbers["made"].value == 1
    assert float(numbers["dice_clean_wave"].value) == card.dice_by_recipe["clean"]["wave"]
    assert {"dice_wave", "f_1px_wave", "f_2px_horizontal", "wave_f_1px_photo"} <= set(numbers)
    report = (run.path / "report" / "index.html").read_text("utf-8")
    assert "There is no champion yet." in report
    assert report.count("data:image/png") == 2 + len(card.best) + len(card.worst)
    assert len(card.worst) == 10
    assert "://" not in report
    assert made["champion"]["promoted"].value is True

    with monkeypatch.context() as patch:  # the same again reads no page and draws no curve
        patch.setattr("ecg_assets.scans.preview.page_overlay", never)
        patch.setattr("ecg_assets.training.monitoring.plots.loss_curve", never)
        again = materialized(root)["evaluation_report"]
    assert again["skipped"].value == 1
    assert again["picture"].value == numbers["picture"].value
    assert "This checkpoint is the champion." in (run.path / "report" / "index.html").read_text("utf-8")

    second = put_run(root, "second", 1)
    made = materialized(root)
    assert made["evaluation_report"]["picture"].value != numbers["picture"].value
    assert "champion (first)" in (second.path / "report" / "index.html").read_text("utf-8")
    assert "first" in str(made["champion"]["summary"].value)
    better = float(made["evaluation_report"]["dice_wave"].value) > float(numbers["dice_wave"].value)
    assert better or made["champion"]["promoted"].value is False


@pytest.mark.usefixtures("no_page")
def test_a_retraining_that_was_cancelled_is_neither_evaluated_nor_promoted(root: DataRoot) -> None:
    """It has written a better epoch of its own over the run folder's checkpoint, and was not published."""
    run = put_run(root, "first", 0)
    published = sha256_file(run.best)
    put_checkpoint(run.best, 1)
    assert sha256_file(run.best) != published
    made = materialized(root)
    assert read_scorecard(run).sha256 == published
    assert made["champion"]["sha256"].value == published
    assert sha256_file(root.champion / "champion.safetensors") == published
    assert "holds a training that was not published" in str(made["evaluation_report"]["not_evaluated"].value)


@pytest.mark.usefixtures("no_page")
def test_another_config_in_the_run_s_place_leaves_the_published_checkpoint_to_be_evaluated(root: DataRoot) -> None:
    run = put_run(root, "first", 0)
    published = sha256_file(run.best)
    prepare_run(root, TrainConfig(**(SMALL | {"experiment": "first", "learning_rate": 1e-4})), quiet)
    assert not run.best.exists()
    assert materialized(root)["champion"]["sha256"].value == published


@pytest.mark.usefixtures("no_page")
@pytest.mark.advice(
    "assets/champion.py", " belong to another checkpoint than the published one: materialise evaluation_report first"
)
def test_scores_of_another_checkpoint_promote_nothing(root: DataRoot, advice: AdviceGiven) -> None:
    put_run(root, "first", 0)
    materialized(root)
    run = put_run(root, "first", 1)
    with pytest.raises(dg.Failure) as caught:
        dg.materialize(
            [champion, *(dg.AssetSpec(name) for name in ("evaluation_report", "trained_checkpoint", "mixed_dataset"))],
            selection=["champion"],
            resources={"data_root": DataRootResource(path=str(root.path))},
        )
    advice.in_message(caught.value.description)
    made = materialized(root)
    assert read_scorecard(run).sha256 == sha256_file(run.best)
    assert made["champion"]["challenger_score"].value == read_scorecard(run).score
