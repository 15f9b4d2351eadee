"""A folder of synthetic records is a source in the competition's shape."""

import csv
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from ecg_assets.records.ingest import ingest
from ecg_assets.records.record import LEADS, SAMPLING_RATES_HZ
from ecg_assets.records.record_csv import read_record
from ecg_assets.records.sources.base import SourceError
from ecg_assets.records.sources.config import SourceConfig
from ecg_assets.records.synthetic.ecg import synthesize
from ecg_assets.records.synthetic.folder import FIRST_ID, GENERATOR_VERSION, record_csv, write_synthetic_source
from ecg_assets.store.fingerprint import sha256_bytes, sha256_file
from ecg_assets.store.root import open_root
from ecg_assets.store.splits import split_of
from ecg_assets_tests.conftest import AdviceGiven, quiet

QUARTERS = (("I", "III"), ("aVR", "aVL", "aVF"), ("V1", "V2", "V3"), ("V4", "V5", "V6"))


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("synthetic") / "source"
    write_synthetic_source(folder, 6, 3, lambda line: None)
    return folder


def table(folder: Path) -> list[dict[str, str]]:
    with (folder / "train.csv").open(newline="") as handle:
        return list(csv.DictReader(handle))


def contents(folder: Path) -> dict[str, str]:
    return {str(path.relative_to(folder)): sha256_file(path) for path in folder.rglob("*.csv")}


def test_table_lists_id_rate_and_length_as_the_competition_does(source: Path) -> None:
    rows = table(source)
    assert list(rows[0]) == ["id", "fs", "sig_len", "labels"]
    assert [int(row["fs"]) for row in rows] == list(SAMPLING_RATES_HZ)
    assert all(int(row["sig_len"]) == 10 * int(row["fs"]) for row in rows)
    assert [int(row["id"]) for row in rows] == list(range(FIRST_ID, FIRST_ID + 6))


def test_each_lead_is_written_in_its_quarter_only_and_ii_throughout(source: Path) -> None:
    for row in table(source):
        n = int(row["sig_len"])
        record = read_record(source / "train" / row["id"] / f"{row['id']}.csv", row["id"], int(row["fs"]))
        assert not np.isnan(record.lead("II")).any()
        for quarter, leads in enumerate(QUARTERS):
            for name in leads:
                rows = np.flatnonzero(~np.isnan(record.lead(name)))
                assert (rows[0], rows[-1] + 1) == (int(quarter * n / 4), int((quarter + 1) * n / 4))
                assert len(rows) == rows[-1] + 1 - rows[0]


def test_cells_have_three_decimals_at_most_and_the_header_names_the_leads(source: Path) -> None:
    for row in table(source):
        text = (source / "train" / row["id"] / f"{row['id']}.csv").read_text()
        lines = text.splitlines()
        assert lines[0] == ",".join(LEADS)
        cells = [cell for line in lines[1:] for cell in line.split(",") if cell]
        assert all(len(cell.partition(".")[2]) <= 3 and cell != "-0.0" for cell in cells)


def test_relations_hold_in_what_is_written(source: Path) -> None:
    """Both limb leads of a relation are written in no common quarter but I, II and III; the rest from the signal."""
    for row in table(source):
        record_id, fs_hz, n = row["id"], int(row["fs"]), int(row["sig_len"])
        written = read_record(source / "train" / record_id / f"{record_id}.csv", record_id, fs_hz)
        first, second = slice(0, n // 4), slice(int(n / 4), int(n / 2))
        full = synthesize(record_id, fs_hz, 3).signal_mv
        i, ii = full[0], written.lead("II")
        np.testing.assert_allclose(written.lead("III")[first], ii[first] - written.lead("I")[first], rtol=0, atol=2e-3)
        np.testing.assert_allclose(written.lead("aVR")[second], -(i + ii)[second] / 2, rtol=0, atol=2e-3)
        np.testing.assert_allclose(written.lead("aVL")[second], (i - ii / 2)[second], rtol=0, atol=2e-3)
        np.testing.assert_allclose(written.lead("aVF")[second], (ii - i / 2)[second], rtol=0, atol=2e-3)


def test_labels_of_rhythm_and_morphology_stand_in_the_table(source: Path, tmp_path: Path) -> None:
    for row in table(source):
        assert row["labels"] == synthesize(row["id"], int(row["fs"]), 3).labels
    write_synthetic_source(tmp_path / "normal", 3, 3, lambda line: None, mix="normal")
    assert {row["labels"] for row in table(tmp_path / "normal")} == {"sinus rhythm; normal"}


def test_a_second_call_leaves_equal_bytes(source: Path, tmp_path: Path) -> None:
    folder = tmp_path / "again"
    write_synthetic_source(folder, 6, 3, lambda line: None)
    write_synthetic_source(folder, 6, 3, lambda line: None)
    assert contents(folder) == contents(source)
    assert [path.name for path in tmp_path.iterdir()] == ["again"]


def test_what_is_there_already_is_not_made_again_unless_somebody_has_touched_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, made = tmp_path / "source", list[str]()

    def noted(record_id: str, fs_hz: int, seed: int, mix: str) -> object:
        made.append(record_id)
        return synthesize(record_id, fs_hz, seed, mix=mix)

    monkeypatch.setattr("ecg_assets.records.synthetic.folder.synthesize", noted)
    for _ in range(2):
        write_synthetic_source(folder, 2, 3, lambda line: None)
    assert len(made) == 2
    before = contents(folder)
    next((folder / "train").rglob("*.csv")).unlink()
    write_synthetic_source(folder, 2, 3, lambda line: None)
    assert len(made) == 4 and contents(folder) == before
    monkeypatch.setattr("ecg_assets.records.synthetic.folder.GENERATOR_VERSION", "another")
    write_synthetic_source(folder, 2, 3, lambda line: None)
    assert len(made) == 6


def test_fewer_records_are_the_first_of_more_and_replace_them(source: Path, tmp_path: Path) -> None:
    folder = tmp_path / "source"
    write_synthetic_source(folder, 3, 3, lambda line: None)
    write_synthetic_source(folder, 2, 3, lambda line: None)
    found = contents(folder)
    found.pop("train.csv")
    assert len(found) == 2
    assert found.items() <= contents(source).items()


def test_another_seed_gives_other_records_under_the_same_ids(source: Path, tmp_path: Path) -> None:
    write_synthetic_source(tmp_path / "source", 2, 4, lambda line: None)
    found, before = contents(tmp_path / "source"), contents(source)
    assert set(found) <= set(before)
    assert all(found[name] != before[name] for name in found if name != "train.csv")


def test_a_killed_run_leaves_nothing_behind_and_no_half_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls = iter(range(2))

    def stop_at_the_third(record_id: str, fs_hz: int, seed: int, mix: str) -> object:
        next(calls)
        return synthesize(record_id, fs_hz, seed, mix=mix)

    monkeypatch.setattr("ecg_assets.records.synthetic.folder.synthesize", stop_at_the_third)
    with pytest.raises(StopIteration):
        write_synthetic_source(tmp_path / "source", 6, 3, lambda line: None)
    assert list(tmp_path.iterdir()) == []


def test_what_a_kill_left_is_cleared_by_the_next_run(tmp_path: Path) -> None:
    (tmp_path / ".tmp-0a1b2c3d-source" / "train").mkdir(parents=True)
    write_synthetic_source(tmp_path / "source", 1, 3, lambda line: None)
    assert [path.name for path in tmp_path.iterdir()] == ["source"]


MOVED = pytest.mark.advice("records/synthetic/folder.py", ", which is no part of a synthetic source; move the folder")
FILE = pytest.mark.advice(
    "records/synthetic/folder.py", " is a file in the place of synthetic records; move it elsewhere"
)


@pytest.mark.parametrize(
    "name",
    [
        pytest.param("notes.txt", marks=MOVED),
        pytest.param("train/20000009/20000009.csv", marks=MOVED),
        pytest.param("", marks=FILE),
    ],
)
def test_a_folder_that_holds_something_else_is_left_alone_and_moved_as_the_message_says(
    tmp_path: Path, advice: AdviceGiven, name: str
) -> None:
    root, elsewhere = open_root(tmp_path / "data"), tmp_path / "elsewhere"
    folder, config = root.path / "synthetic_source", SourceConfig(synthetic_records=2)
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text("mine")
    with pytest.raises(SourceError) as caught:
        ingest(root, config, quiet)
    advice.in_message(caught.value)
    assert str(folder) in str(caught.value)
    folder.rename(elsewhere)
    assert ingest(root, config, quiet).accepted == 2
    assert (elsewhere / name).read_text() == "mine"


def test_no_record_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="at least 1"):
        write_synthetic_source(tmp_path / "source", 0, 3, lambda line: None)


@pytest.mark.parametrize(("count", "least"), [(24, 3), (12, 2)])
def test_the_demos_ids_fill_all_splits(count: int, least: int) -> None:
    splits = Counter(split_of(str(FIRST_ID + index)) for index in range(count))
    assert splits["train"] >= count / 2
    assert splits["validation"] >= least and splits["test"] >= least


def test_a_csv_of_a_flat_record_has_plain_zeros() -> None:
    lines = record_csv(np.full((12, 8), -0.0001)).splitlines()
    assert lines[1] == "0.0,0.0,0.0" + "," * 9


def test_the_generator_s_version_is_raised_when_its_records_change() -> None:
    """With other records under the same version, data roots would keep the old ones: raise GENERATOR_VERSION then."""
    made = [synthesize(str(FIRST_ID + index), SAMPLING_RATES_HZ[index % 6], 0, mix="default") for index in range(24)]
    text = "".join(record_csv(one.signal_mv) for one in made)
    digests = {"1": "e2962989a0bbd65fc37b51724087ce39cf344e906018db8ec2181dcc855ee999"}
    assert sha256_bytes(text.encode()) == digests[GENERATOR_VERSION]
