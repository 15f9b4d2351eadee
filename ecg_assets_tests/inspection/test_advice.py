"""What to do is said for every file of a data root; that it helps, `integration/test_advice.py` shows."""

import re

import pytest

from ecg_assets.inspection.advice import advice_for
from ecg_assets.store.root import DataRoot
from ecg_assets_tests.integration.test_definitions import ASSETS


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
    assert "nothing needs" in advice_for("runs/.archive/demo/2026/checkpoints/best.safetensors")


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("runs/demo/process.json", "when no training runs"),
        ("runs/demo/stamp.json", "the next training"),
        ("runs/demo/report/scores.json", "materialise evaluation_report"),
        ("champion/history.jsonl", "read past"),
        ("pictures/a.kept", "drawn again"),
        (".bucket/known/runs/demo.json", "looks into the bucket again"),
    ],
)
def test_small_files_of_state_have_advice_of_their_own(name: str, said: str) -> None:
    assert said in advice_for(name)


def test_files_of_all_made_stages_are_known(made_root: DataRoot) -> None:
    names = [made_root.relative(path) for path in made_root.path.rglob("*.*") if path.is_file()]
    kinds = {name.split("/")[0] for name in names if "/" in name and not name.startswith(".")}
    assert {"ori_csv", "grids", "data", "dataset_grid_wave_mix"} <= kinds
    assert all("no asset makes it" not in advice_for(f"{kind}/x/y") for kind in kinds)
