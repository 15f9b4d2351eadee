"""Each check passes what is sound and says what is wrong with what is not."""

from pathlib import Path
from typing import Any

import dagster as dg
import numpy as np
import pytest
from safetensors.numpy import save_file

from ecg_assets import checks
from ecg_assets.records.index import write_index
from ecg_assets.resources.storage import DataRootResource
from ecg_assets.samples.crops import Crop
from ecg_assets.samples.shard import Labelled, write_shard
from ecg_assets.store.fingerprint import sha256_file
from ecg_assets.store.placement import Split
from ecg_assets.store.root import DataRoot, open_root
from ecg_assets.training.published import note_published
from ecg_assets.training.run_folder import RunFolder
from ecg_assets.training.scorecard import Scorecard, scorecard_path

SIDE_PX = 64


@pytest.fixture
def root(tmp_path: Path) -> DataRoot:
    return open_root(tmp_path / "data_root")


def result_of(check: Any, root: DataRoot) -> dg.AssetCheckResult:
    result: dg.AssetCheckResult = check(data_root=DataRootResource(path=str(root.path)))
    return result


def index_row(record_id: str, status: str = "accepted") -> dict[str, object]:
    return {"id": record_id, "fs_hz": 500, "samples": 5000, "shard": 0, "split": "train", "status": status}


@pytest.mark.parametrize(
    ("rows", "reason"),
    [
        ([index_row("1"), index_row("2", "quarantined")], None),
        ([index_row("1"), index_row("1")], "more than once: ['1']"),
        ([index_row("1", "quarantined")], "no record was accepted"),
    ],
)
def test_the_index_must_hold_each_id_once_and_an_accepted_record(
    root: DataRoot, rows: list[dict[str, object]], reason: str | None
) -> None:
    write_index(root.index, rows)
    result = result_of(checks.index_is_sound, root)
    assert result.passed == (reason is None)
    assert reason is None or reason in str(result.description)


def test_a_missing_index_is_said(root: DataRoot) -> None:
    assert "materialise raw_csvs first" in str(result_of(checks.index_is_sound, root).description)


def put_samples(root: DataRoot, records: dict[str, list[Split]]) -> None:
    image, mask = np.zeros((SIDE_PX, SIDE_PX, 3), np.uint8), np.zeros((SIDE_PX, SIDE_PX), np.uint8)
    crop = Crop(image, mask)
    labelled = [
        Labelled(
            id=f"{record_id}-{number}", record_id=record_id, split=split, kind="positive", recipe="clean", crop=crop
        )
        for record_id, splits in records.items()
        for number, split in enumerate(splits)
    ]
    write_shard(root.dataset / "shard-000.arrow", SIDE_PX, [labelled])


@pytest.mark.parametrize(
    ("records", "reason"),
    [
        ({"1": ["train", "train"], "2": ["validation"], "3": ["test"]}, None),
        ({"1": ["train", "test"], "2": ["validation"], "3": ["test"]}, "more than one split: ['1']"),
        ({"1": ["train"], "2": ["validation"]}, "no sample in split 'test'"),
    ],
)
def test_no_record_may_be_in_two_splits_and_no_split_empty(
    root: DataRoot, records: dict[str, list[Split]], reason: str | None
) -> None:
    put_samples(root, records)
    result = result_of(checks.no_record_is_in_two_splits, root)
    assert result.passed == (reason is None)
    assert reason is None or reason in str(result.description)


def put_weights(root: DataRoot, values: list[float]) -> RunFolder:
    run = RunFolder(root.runs / "demo")
    run.best.parent.mkdir(parents=True)
    save_file({"layer": np.array(values, np.float32)}, run.best)
    note_published(root, "demo", sha256_file(run.best))
    return run


def test_finite_weights_that_were_published_pass(root: DataRoot) -> None:
    put_weights(root, [1.0, 2.0])
    assert result_of(checks.weights_are_sound, root).passed


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_weights_that_are_not_finite_fail_by_name(root: DataRoot, bad: float) -> None:
    put_weights(root, [1.0, bad])
    assert "not finite: ['layer']" in str(result_of(checks.weights_are_sound, root).description)


def test_weights_that_were_exchanged_after_publishing_fail(root: DataRoot) -> None:
    run = put_weights(root, [1.0])
    save_file({"layer": np.array([2.0], np.float32)}, run.best)
    assert "another file than was published" in str(result_of(checks.weights_are_sound, root).description)


@pytest.mark.parametrize(("wave", "passed"), [(0.97, True), (0.5, False), (None, True)])
def test_low_dice_is_a_warning_and_no_error(root: DataRoot, wave: float | None, passed: bool) -> None:
    run = put_weights(root, [1.0])
    scores = {"background": 0.99, "grid": 0.95, "wave": wave}
    card = Scorecard(
        code_version="1",
        experiment="demo",
        sha256="s",
        dataset_digest="d",
        samples=1,
        dice=scores,
        dice_by_recipe={},
        iou=scores,
        precision=scores,
        recall=scores,
        three_class_dice=scores,
    )
    scorecard_path(run).parent.mkdir(parents=True)
    scorecard_path(run).write_text(card.model_dump_json())
    result = result_of(checks.dice_is_high_enough, root)
    assert result.passed == passed
    if not passed:
        assert result.severity == dg.AssetCheckSeverity.WARN
        assert "wave 0.500" in str(result.description)
