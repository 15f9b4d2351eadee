"""Checks of the dataset: leaks between splits, samples that are none, classes out of bounds."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from ecg_assets.checks.dataset import class_shares_are_within_bounds, no_record_is_in_two_splits, samples_are_decodable
from ecg_assets.samples.arrow_shard import Labelled, write_shard
from ecg_assets.samples.crops import Crop
from ecg_assets.store.root import DataRoot
from ecg_assets.store.splits import SPLITS, split_of
from ecg_assets_tests.checks.test_checks import reason, result_of, root

__all__ = ["root"]

SIDE_PX = 64
IDS = {split: next(str(one) for one in range(100) if split_of(str(one)) == split) for split in SPLITS}


def put_samples(root: DataRoot, records: dict[str, list[Any]], highest_class: int = 0, about: object = None) -> Path:
    image, mask = np.zeros((SIDE_PX, SIDE_PX, 3), np.uint8), np.full((SIDE_PX, SIDE_PX), highest_class, np.uint8)
    crop = Crop(image, mask, {} if about is None else about)  # type: ignore[arg-type]
    labelled = [
        Labelled(
            id=f"{record_id}-{number}", record_id=record_id, split=split, kind="positive", recipe="clean", crop=crop
        )
        for record_id, splits in records.items()
        for number, split in enumerate(splits)
    ]
    path = root.dataset / "shard-000.arrow"
    write_shard(path, SIDE_PX, [labelled])
    return path


SOUND: dict[str, list[Any]] = {IDS[split]: [split] for split in SPLITS}


def test_a_record_in_each_split_passes(root: DataRoot) -> None:
    put_samples(root, SOUND)
    result = result_of(no_record_is_in_two_splits, root)
    assert result.passed, result.description
    assert result.metadata["train_records"].value == 1


@pytest.mark.parametrize(
    ("records", "said"),
    [
        (SOUND | {IDS["train"]: ["train", "test"]}, f"records in more than one split: ['{IDS['train']}']"),
        ({IDS["train"]: ["train"], IDS["validation"]: ["validation"]}, "no sample in split 'test'"),
        (SOUND | {IDS["test"]: ["train"]}, f"another split than follows from their id: ['{IDS['test']}']"),
        (SOUND | {IDS["test"]: ["test", "exam"]}, "splits that are none: ['exam']"),
    ],
)
def test_a_leak_between_splits_fails_by_name(root: DataRoot, records: dict[str, list[Any]], said: str) -> None:
    put_samples(root, records)
    assert said in reason(no_record_is_in_two_splits, root)


def test_a_missing_dataset_is_said(root: DataRoot) -> None:
    for check in (no_record_is_in_two_splits, samples_are_decodable):
        assert "materialise mixed_dataset first" in reason(check, root)
    assert "has no class shares" in reason(class_shares_are_within_bounds, root)


def test_sound_samples_pass(made_root: DataRoot) -> None:
    for check in (
        samples_are_decodable,
        no_record_is_in_two_splits,
        class_shares_are_within_bounds,
    ):
        result = result_of(check, made_root)
        assert result.passed, result.description


def test_a_class_that_is_none_fails_with_the_sample_s_name(root: DataRoot) -> None:
    put_samples(root, SOUND, highest_class=5)
    assert f"sample {IDS['train']}-0 has class 5 in its mask" in reason(samples_are_decodable, root)


def test_a_description_that_is_none_fails(root: DataRoot) -> None:
    put_samples(root, SOUND, about=[1])
    assert "has no description; expected a JSON object" in reason(samples_are_decodable, root)


def test_samples_of_another_size_than_the_shard_says_fail(root: DataRoot) -> None:
    path = put_samples(root, SOUND)
    table = pa.ipc.open_file(path).read_all()
    with (
        pa.OSFile(str(path), "wb") as sink,
        pa.ipc.new_file(sink, table.schema.with_metadata({"crop_px": "65"})) as out,
    ):
        out.write_table(table.replace_schema_metadata({"crop_px": "65"}))
    assert "sample 0 cannot be decoded" in reason(samples_are_decodable, root)


def test_a_shard_that_was_cut_off_fails_by_name(root: DataRoot) -> None:
    path = put_samples(root, SOUND)
    path.write_bytes(path.read_bytes()[:-200])
    for check in (samples_are_decodable, no_record_is_in_two_splits):
        assert "shard-000.arrow is no whole Arrow file" in reason(check, root)


@pytest.mark.parametrize(
    ("shares", "said"),
    [
        ([0.98, 0.0, 0.01, 0.001, 0.009], "horizontal has 0.000%"),
        ([0.60, 0.06, 0.06, 0.005, 0.275], "wave has 27.500%"),
        ([0.999, 0.0002, 0.0002, 0.0001, 0.0005], "background has 99.900%"),
        ([0.5, 0.1], "expected 5 numbers that sum to 1"),
        ([float("nan")] * 5, "expected 5 numbers that sum to 1"),
        (["much"], "has no class shares"),
    ],
)
def test_class_shares_out_of_bounds_fail_by_name(root: DataRoot, shares: list[object], said: str) -> None:
    root.dataset.mkdir()
    (root.dataset / "dataset.json").write_text(json.dumps({"class_shares": shares}))
    assert said in reason(class_shares_are_within_bounds, root)
