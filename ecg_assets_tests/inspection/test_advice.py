"""What to do is said for every file of a data root; that it helps, here and in `integration/test_advice.py`."""

import os
import re
import shutil
from pathlib import Path

import dagster as dg
import pytest
from click.testing import CliRunner

from ecg_assets.automation.sensors import new_records
from ecg_assets.cli import main
from ecg_assets.inspection.advice import advice_for
from ecg_assets.resources.data_root import DataRootResource
from ecg_assets.store.cached_file import kept
from ecg_assets.store.root import DataRoot, open_root
from ecg_assets_tests.assets.test_scan_segmentations import materialise_champion, publish
from ecg_assets_tests.conftest import AdviceGiven
from ecg_assets_tests.integration.test_definitions import ASSETS
from ecg_assets_tests.scans.test_stage import checkpoint


@pytest.mark.parametrize(
    ("name", "asset"),
    [
        ("ori_csv/index.parquet", "raw_csvs"),
        ("ori_csv/train/1/1.csv", "raw_csvs"),
        ("grids/kaggle_mask.png", "clean_grid"),
        ("data/wave_masks/1_mask.png", "rendered_waves"),
        ("dataset_grid_wave_mix/shard-000.arrow", "mixed_dataset"),
        ("scans/inbox/1/1-0001.png", "kaggle_subset"),
        ("scans/segmentations/a.png", "scan_segmentations"),
        ("scans/digitized/a.csv", "digitized_signals"),
        ("scans/digitization/pages/a.png", "digitization_report"),
        ("runs/demo/checkpoints/best.safetensors", "trained_checkpoint"),
        ("runs/published.safetensors", "trained_checkpoint"),
        ("champion/champion.safetensors", "champion"),
        ("champion/champion.json", "champion"),
    ],
)
def test_every_kind_of_file_names_the_asset_that_makes_it(name: str, asset: str) -> None:
    said = advice_for(name)
    assert said.startswith("delete it")
    assert asset in ASSETS and re.search(rf"materialise {asset}\b", said)


def test_a_training_is_named_by_its_experiment() -> None:
    assert "experiment other" in advice_for("runs/other/checkpoints/last.safetensors")
    assert "is not needed" in advice_for("runs/.archive/demo/2026/checkpoints/best.safetensors")


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("runs/demo/process.json", "when no training is running"),
        ("runs/demo/stamp.json", "the next training"),
        ("runs/demo/report/scores.json", "materialise evaluation_report"),
        ("champion/history.jsonl", "lines are skipped"),
        ("pictures/a.kept", "drawn again"),
        (".bucket/known/runs/demo.json", "reads the bucket again"),
    ],
)
def test_small_files_of_state_have_advice_of_their_own(name: str, said: str) -> None:
    assert said in advice_for(name)


def test_files_of_all_made_stages_are_known(made_root: DataRoot) -> None:
    names = [made_root.relative(path) for path in made_root.path.rglob("*.*") if path.is_file()]
    kinds = {name.split("/")[0] for name in names if "/" in name and not name.startswith(".")}
    assert {"ori_csv", "grids", "data", "dataset_grid_wave_mix"} <= kinds
    assert all("no asset makes it" not in advice_for(f"{kind}/x/y") for kind in kinds)


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> DataRoot:
    """A data root with a champion, whose training is there."""
    root = open_root(tmp_path / "data_root")
    monkeypatch.setenv("ECG_ASSETS_DATA", str(root.path))
    publish(root, "first", checkpoint(tmp_path))
    materialise_champion(root)
    return root


def verified() -> str:
    result = CliRunner().invoke(main, ["verify"])
    return "" if result.exit_code == 0 else result.output


def cut_off(path: Path) -> bytes:
    whole = path.read_bytes()
    path.write_bytes(whole[:-20])
    return whole


@pytest.mark.advice(
    "inspection/advice.py", "delete it and materialise champion: it is copied again from its run folder; "
)
@pytest.mark.parametrize("gone", [False, True])
def test_the_champion_s_weights_are_deleted(gone: bool, root: DataRoot, tmp_path: Path, advice: AdviceGiven) -> None:
    path = root.champion / "champion.safetensors"
    expected = cut_off(path)
    if gone:
        shutil.rmtree(root.runs / "first")
        expected = publish(root, "second", checkpoint(tmp_path, seed=1)).best.read_bytes()
    advice.in_message(verified())
    path.unlink()
    materialise_champion(root)
    assert path.read_bytes() == expected
    assert verified() == ""


@pytest.mark.advice(
    "inspection/advice.py", "delete it and the other file named previous beside it: only `ecg-assets demote` "
)
@pytest.mark.parametrize("name", ["previous.json", "previous.safetensors"])
def test_the_champion_before_is_deleted(name: str, root: DataRoot, tmp_path: Path, advice: AdviceGiven) -> None:
    publish(root, "second", checkpoint(tmp_path, seed=1), wave=0.95)
    materialise_champion(root)
    cut_off(root.champion / name)
    advice.in_message(verified())
    before = (root.champion / "champion.safetensors").read_bytes()
    for path in root.champion.glob("previous.*"):
        path.unlink()
    assert verified() == ""
    materialise_champion(root)
    assert (root.champion / "champion.safetensors").read_bytes() == before
    assert CliRunner().invoke(main, ["demote"]).exit_code == 1


@pytest.mark.advice("inspection/advice.py", "leave it: unreadable lines are skipped, and the next decision moves ")
def test_a_torn_history_is_left(root: DataRoot, tmp_path: Path, advice: AdviceGiven) -> None:
    history = root.champion / "history.jsonl"
    with history.open("a") as file:
        file.write('{"torn')
    advice.in_message(verified())
    publish(root, "second", checkpoint(tmp_path, seed=1), wave=0.95)
    materialise_champion(root)
    assert history.with_name("history.torn.jsonl").read_text().strip().endswith('{"torn')
    assert "torn" not in history.read_text()
    assert verified() == ""


@pytest.mark.advice("inspection/advice.py", "delete it: it belongs to an earlier training and is not needed")
@pytest.mark.parametrize("name", [".archive/first/2026-01-01T00-00-00Z", ".previous/first"])
def test_what_is_left_of_an_earlier_training_is_deleted(name: str, root: DataRoot, advice: AdviceGiven) -> None:
    weights = root.runs / name / "checkpoints" / "best.safetensors"
    shutil.copytree(root.runs / "first", root.runs / name)
    cut_off(weights)
    advice.in_message(verified())
    weights.unlink()
    assert verified() == ""


@pytest.mark.advice("inspection/advice.py", "delete it when no training is running in that folder")
@pytest.mark.advice("inspection/advice.py", "delete it: the next training writes it again")
def test_notes_of_a_process_and_of_a_start_are_deleted(root: DataRoot, advice: AdviceGiven) -> None:
    for name in ("process.json", "stamp.json"):
        (root.runs / "first" / name).write_text("{")
        advice.in_message(verified())
        (root.runs / "first" / name).unlink()
        assert verified() == ""


@pytest.mark.advice("inspection/advice.py", "delete it: it is drawn again when it is shown")
def test_a_picture_is_deleted(root: DataRoot, advice: AdviceGiven) -> None:
    path = root.pictures / "page.kept"
    kept(path, "as it is", lambda: b"a picture of a page")
    cut_off(path)
    advice.in_message(verified())
    path.unlink()
    assert kept(path, "as it is", lambda: b"drawn again") == b"drawn again"
    assert verified() == ""


@pytest.mark.advice("inspection/advice.py", "delete it: the sensor new_records reads every file of the source again")
def test_the_listing_of_a_source_is_deleted(
    root: DataRoot, source_copy: Path, monkeypatch: pytest.MonkeyPatch, advice: AdviceGiven
) -> None:
    def looked() -> None:
        with dg.DagsterInstance.ephemeral() as instance:
            context = dg.build_sensor_context(instance, resources={"data_root": DataRootResource(path=str(root.path))})
            new_records(context)

    monkeypatch.setenv("ECG_SOURCE", str(source_copy))
    for path in source_copy.rglob("*"):
        os.utime(path, (0, 0))
    looked()
    listing = root.path / "source_listing.json"
    whole = cut_off(listing)
    advice.in_message(verified())
    listing.unlink()
    looked()
    assert listing.read_bytes() == whole
    assert verified() == ""
