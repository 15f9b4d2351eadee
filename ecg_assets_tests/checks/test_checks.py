"""Each check passes what is sound and says what is wrong with what is not."""

import shutil
from pathlib import Path
from typing import Any

import dagster as dg
import numpy as np
import pandas as pd
import pytest

from ecg_assets import checks
from ecg_assets.checks.records import index_is_sound, no_signal_is_in_two_splits, records_are_sound
from ecg_assets.records.index import accepted_records, read_index, write_index
from ecg_assets.records.ingest import csv_path
from ecg_assets.resources.data_root import DataRootResource
from ecg_assets.store.fingerprint import sha256_file
from ecg_assets.store.root import DataRoot, open_root
from ecg_assets.store.splits import split_of

BLOCKING = {
    "index_is_sound",
    "records_are_sound",
    "masks_lie_on_the_ink",
    "no_record_is_in_two_splits",
    "samples_are_decodable",
    "class_shares_are_within_bounds",
    "weights_are_sound",
}


@pytest.fixture
def root(tmp_path: Path) -> DataRoot:
    return open_root(tmp_path / "data_root")


@pytest.fixture
def records(made_root: DataRoot, tmp_path: Path) -> DataRoot:
    """A data root with records alone, to be broken."""
    shutil.copytree(made_root.ori_csv, tmp_path / "data" / "ori_csv")
    return open_root(tmp_path / "data")


def result_of(check: Any, root: DataRoot) -> dg.AssetCheckResult:
    result: dg.AssetCheckResult = check(data_root=DataRootResource(path=str(root.path)))
    return result


def reason(check: Any, root: DataRoot) -> str:
    result = result_of(check, root)
    assert not result.passed
    return str(result.description)


def test_what_would_waste_a_tpu_blocks_and_what_is_only_a_bad_result_does_not() -> None:
    blocking = {spec.name for check in checks.CHECKS for spec in check.check_specs if spec.blocking}
    assert blocking == BLOCKING


def rewritten(root: DataRoot, change: Any) -> None:
    """Writes the index again after `change` was done to it, a data frame."""
    index = read_index(root)
    changed = change(index)
    rows: Any = (index if changed is None else changed).to_dict("records")
    write_index(root.index, [{name: None if value != value else value for name, value in row.items()} for row in rows])


def setting(column: str, value: Any) -> Any:
    """A change of the first record's row."""

    def change(index: pd.DataFrame) -> pd.DataFrame:
        changed = index.astype(object)
        changed.loc[0, column] = value
        return changed

    return change


def test_a_sound_index_passes(made_root: DataRoot) -> None:
    result = result_of(index_is_sound, made_root)
    assert result.passed, result.description
    assert result.metadata["accepted"].value == 24


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (setting("fs_hz", 7), "fs_hz: expected 100 to 2000 Hz"),
        (setting("samples", 7), "samples: expected 10 s"),
        (setting("sha256", "abc"), "sha256: expected SHA-256 hashes"),
        (setting("sha256", None), "sha256: must not be empty"),
        (setting("shard", 99), "shard: expected 0 to 15"),
        (setting("split", "exam"), "split: expected train, validation, test"),
        (setting("status", "perhaps"), "status: expected accepted or quarantined"),
        (setting("status", "quarantined"), "code: must not be empty"),
        (setting("id", "../../etc"), "id: expected plain numbers or names as ids (../../etc)"),
        (setting("source", ""), "source: expected a text"),
        (setting("licence", None), "licence: must not be empty"),
        (lambda index: pd.concat([index, index.head(1)]), "id: occurs in the index more than once"),
        (lambda index: index.assign(status="quarantined", code="bad_id", reason="r"), "no record was accepted"),
    ],
)
def test_an_index_that_breaks_its_schema_fails(records: DataRoot, change: Any, said: str) -> None:
    rewritten(records, change)
    assert said in reason(index_is_sound, records)


def test_a_split_that_does_not_follow_from_the_id_fails_by_name(records: DataRoot) -> None:
    record_id = str(read_index(records)["id"][0])
    other = "train" if split_of(record_id) != "train" else "test"
    rewritten(records, setting("split", other))
    assert f"split: does not match the id ({record_id})" in reason(index_is_sound, records)


def test_a_missing_index_is_said(root: DataRoot) -> None:
    assert "materialise raw_csvs first" in reason(index_is_sound, root)


def test_sound_records_pass(made_root: DataRoot) -> None:
    result = result_of(records_are_sound, made_root)
    assert result.passed, result.description
    assert result.metadata["records_read"].value == 24


def first_csv(root: DataRoot) -> Path:
    return csv_path(root, str(accepted_records(root)["id"][0]))


def test_a_record_that_was_exchanged_or_is_gone_fails_by_name(records: DataRoot) -> None:
    path = first_csv(records)
    path.write_bytes(path.read_bytes() + b"\n")
    assert f"{path.stem}.csv differs from the accepted file" in reason(records_are_sound, records)
    path.unlink()
    assert f"{path.stem}.csv does not exist" in reason(records_are_sound, records)


def test_a_record_that_is_no_ecg_fails_though_its_hash_is_right(records: DataRoot) -> None:
    path = first_csv(records)
    path.write_text(path.read_text().replace("aVR", "aVX", 1))
    rewritten(records, setting("sha256", sha256_file(path)))
    assert f"{path.stem}.csv lacks aVR" in reason(records_are_sound, records)


def test_the_schema_of_a_signal_knows_length_range_and_empty_leads() -> None:
    from ecg_assets.records.record import Record
    from ecg_assets.records.schema import signal_problems

    signal_mv = np.zeros((12, 5000), np.float32)
    assert signal_problems(Record("1", 500, signal_mv)) == []
    assert signal_problems(Record("1", 500, signal_mv[:, :4000])) == ["length: expected 5000 rows"]
    signal_mv[2, 7], signal_mv[3] = 50, np.nan
    assert signal_problems(Record("1", 500, signal_mv)) == ["III: expected -20 to 20 mV", "aVR: holds no number"]


def test_the_same_signal_in_two_splits_is_a_warning_that_names_both_ids(records: DataRoot) -> None:
    assert result_of(no_signal_is_in_two_splits, records).passed
    index = read_index(records)
    here = int(np.flatnonzero(index["split"] == "train")[0])
    there = int(np.flatnonzero(index["split"] == "test")[0])

    def twice(rows: pd.DataFrame) -> None:
        rows.loc[there, "sha256"] = rows.loc[here, "sha256"]

    rewritten(records, twice)
    result = result_of(no_signal_is_in_two_splits, records)
    assert result.severity == dg.AssetCheckSeverity.WARN
    assert " = ".join(sorted([index["id"][here], index["id"][there]])) in str(result.description)
