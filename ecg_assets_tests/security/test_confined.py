"""Ids, names and links of other people stay where they belong: nothing outside is read, written or deleted."""

import csv
import json
import os
import shutil
from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq
import pytest

from ecg_assets.records.index import IndexMissingError, accepted_records, read_index, write_index
from ecg_assets.records.ingest import IngestReport, csv_path, ingest
from ecg_assets.records.sources.base import SourceError
from ecg_assets.records.sources.config import SourceConfig
from ecg_assets.scans.inbox import images_in, inbox
from ecg_assets.scans.stage import segment_inbox
from ecg_assets.store.manifest import ManifestError, read_manifest
from ecg_assets.store.root import DataRoot, open_root
from ecg_assets.store.safe_paths import is_inside
from ecg_assets.store.sealed import read_unsealed, write_sealed_json
from ecg_assets_tests.conftest import quiet
from ecg_assets_tests.records.wfdb.recordings import sines_mv, write_recording

NAMES_THAT_LEAD_OUT = ("../x", "a/../../x", "/etc/x", "a/..", "", ".", "a//b", "a/./b", "a\\..\\x", "a\0b", "..")


@pytest.fixture
def root(tmp_path: Path) -> DataRoot:
    return open_root(tmp_path / "deep" / "data_root")


def take(root: DataRoot, source: Path) -> IngestReport:
    return ingest(root, SourceConfig(source=str(source)), quiet)


def reasons(report: IngestReport) -> dict[str, tuple[str, str]]:
    refused = report.index[report.index["status"] == "quarantined"]
    return {str(row.id): (str(row.code), str(row.reason)) for row in refused.itertuples()}


@pytest.mark.parametrize(
    "record_id",
    ["../7", "..", ".", "a/b", "/etc/7", "7\\8", "7\r8", "7 8", "-7", "é", "7" * 65, "%2e%2e", "~", "$HOME"],
)
def test_an_id_that_is_no_plain_name_writes_nothing(root: DataRoot, source_copy: Path, record_id: str) -> None:
    table = pd.read_csv(source_copy / "train.csv", dtype=str)
    line = pd.DataFrame([{**table.iloc[0].to_dict(), "id": record_id}])
    pd.concat([table, line]).to_csv(source_copy / "train.csv", index=False, quoting=csv.QUOTE_ALL)
    report = take(root, source_copy)
    assert report.accepted == 6
    assert set(report.quarantined) == {"bad_id"}
    assert len(list((root.ori_csv / "train").iterdir())) == 6
    assert [path.name for path in root.path.parent.iterdir()] == ["data_root"]


@pytest.mark.parametrize("name", ["a\nb.csv", "a\tb.csv", "a b.csv", "\x1b[2J.csv"])
def test_a_files_name_with_control_characters_is_refused_and_told_in_one_line(
    root: DataRoot, source_copy: Path, name: str
) -> None:
    (source_copy / "train" / name).write_text("I\n1\n")
    report = take(root, source_copy)
    ((code, reason),) = reasons(report).values()
    assert code == "bad_id"
    assert reason.isprintable()


def test_a_linked_record_that_leads_out_is_refused_and_a_linked_folder_is_not_entered(
    root: DataRoot, source_copy: Path, synthetic_source: Path
) -> None:
    ids = sorted(path.name for path in (source_copy / "train").iterdir())
    one, other = (source_copy / "train" / ids[place] / f"{ids[place]}.csv" for place in (0, 1))
    outside = synthetic_source / "train" / ids[0] / f"{ids[0]}.csv"
    one.unlink()
    one.symlink_to(outside)
    shutil.rmtree(other.parent)
    other.parent.symlink_to(synthetic_source / "train" / ids[1])
    refused = reasons(take(root, source_copy))
    assert refused[ids[0]][0] == "unreadable"
    assert "link out of the source" in refused[ids[0]][1]
    assert refused[ids[1]][0] == "missing_file"
    assert not csv_path(root, ids[0]).exists()


def test_a_link_within_the_source_and_a_source_that_is_a_link_are_read(
    root: DataRoot, source_copy: Path, tmp_path: Path
) -> None:
    one = next((source_copy / "train").rglob("*.csv"))
    one.rename(source_copy / "train" / "kept.bin")
    one.symlink_to("../kept.bin")
    (tmp_path / "linked").symlink_to(source_copy)
    assert take(root, tmp_path / "linked").accepted == 6


@pytest.mark.timeout(60)
def test_a_pipe_and_a_link_to_a_device_are_no_records(root: DataRoot, source_copy: Path) -> None:
    """Reading either would wait, or fill the memory, for ever."""
    first, second, *_ = sorted((source_copy / "train").rglob("*.csv"))
    first.unlink()
    os.mkfifo(first)
    second.unlink()
    second.symlink_to("/dev/zero")
    assert {code for code, _ in reasons(take(root, source_copy)).values()} == {"missing_file"}


@pytest.mark.parametrize("name", ["train", "train.csv", "train-csvs.tar.gz"])
def test_a_source_whose_table_or_folder_leads_elsewhere_is_refused_and_nothing_of_it_is_shown(
    root: DataRoot, source_copy: Path, tmp_path: Path, name: str
) -> None:
    outside = tmp_path / "outside"
    if (source_copy / name).exists():
        (source_copy / name).rename(outside)
    else:
        outside.write_text("secret,of,others\n")
    if name == "train.csv":
        outside.write_text("secret,of,others\n")
    (source_copy / name).symlink_to(outside)
    with pytest.raises(SourceError, match=f"{name} is a link out of the source") as caught:
        take(root, source_copy)
    assert "secret" not in str(caught.value)


@pytest.mark.timeout(30)
@pytest.mark.parametrize("name", ["train.csv", "train-csvs.tar.gz"])
def test_a_pipe_in_place_of_a_sources_file_is_named_and_never_opened(
    root: DataRoot, source_copy: Path, name: str
) -> None:
    (source_copy / name).unlink(missing_ok=True)
    os.mkfifo(source_copy / name)
    with pytest.raises(SourceError, match=f"{name} is a pipe, expected a file"):
        take(root, source_copy)


@pytest.mark.timeout(30)
def test_a_linked_collection_is_not_entered_and_a_header_that_is_a_pipe_is_named(
    root: DataRoot, tmp_path: Path
) -> None:
    folder, outside = tmp_path / "wfdb", tmp_path / "outside" / "ptb-xl"
    write_recording(folder / "ludb", "r1", sines_mv(500))
    write_recording(outside, "r2", sines_mv(500) * 0.9)
    (folder / "ptb-xl").symlink_to(outside)
    os.mkfifo(folder / "ludb" / "r3.hea")
    lines: list[str] = []
    report = ingest(root, SourceConfig(source=str(folder)), lines.append)
    assert report.index["id"].tolist() == ["ludb-r1"]
    assert any("ptb-xl is a linked folder and is not entered" in line for line in lines)
    assert any("r3.hea is a pipe, no header" in line for line in lines)


def test_a_linked_header_is_refused_without_being_read(root: DataRoot, tmp_path: Path) -> None:
    folder, outside = tmp_path / "wfdb", tmp_path / "outside"
    write_recording(folder, "r1", sines_mv(500))
    path = write_recording(outside, "r2", sines_mv(500))
    (folder / "r2.hea").symlink_to(path)
    before = take(root, folder).index.set_index("id")["input_sha256"]["wfdb-r2"]
    path.write_text("another text\n")
    after = take(root, folder)
    assert (after.accepted, after.quarantined) == (1, {"unreadable": 1})
    assert after.index.set_index("id")["input_sha256"]["wfdb-r2"] == before


def test_a_wfdb_recording_whose_samples_are_linked_from_outside_is_refused(root: DataRoot, tmp_path: Path) -> None:
    folder, outside = tmp_path / "wfdb", tmp_path / "outside"
    folder.mkdir()
    outside.mkdir()
    write_recording(folder, "r1", sines_mv(500))
    write_recording(folder, "r2", sines_mv(500))
    (folder / "r1.dat").rename(outside / "r1.dat")
    (folder / "r1.dat").symlink_to(outside / "r1.dat")
    os.mkfifo(folder / "r3.hea")
    report = take(root, folder)
    assert report.accepted == 1
    ((code, reason),) = reasons(report).values()
    assert code == "unreadable"
    assert "r1.dat is a link out of the source" in reason


def test_links_out_of_the_inbox_are_told_and_left_out(root: DataRoot, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "page.png").write_bytes(b"not looked at")
    (inbox(root) / "linked.png").symlink_to(outside / "page.png")
    (inbox(root) / "folder").symlink_to(outside)
    os.mkfifo(inbox(root) / "pipe.png")
    assert images_in(root) == []
    lines: list[str] = []
    segment_inbox(root, tmp_path / "no.safetensors", lines.append)
    told = [line for line in lines if "link out of the inbox" in line]
    assert [line.split()[1] for line in told] == ["folder", "linked.png"]


@pytest.mark.parametrize("name", NAMES_THAT_LEAD_OUT)
def test_a_manifest_whose_names_lead_out_is_refused_by_its_name(root: DataRoot, name: str) -> None:
    path = root.grids / "_manifests" / "shard-000.json"
    path.parent.mkdir(parents=True)
    path.write_text(
        pd.Series([{"stage": "x", "fingerprint": "f", "files": {name: "0"}}]).to_json(orient="records")[1:-1]
    )
    assert not is_inside(name)
    with pytest.raises(ManifestError, match=r"shard-000\.json is no manifest .*leads outside of the data root"):
        read_manifest(path)


def test_usual_names_are_inside() -> None:
    names = ("data/wave_images/7.png", "a", ".tmp-1", "scans/..hidden/x", "runs/a b/é.json", "x...y")
    assert all(is_inside(name) for name in names)


def test_forgetting_records_deletes_nothing_but_folders_of_records(root: DataRoot, source_copy: Path) -> None:
    """A manifest that lists, as a record's file, something else: the folder around it is not deleted for that."""
    take(root, source_copy)
    path = root.ori_csv / "_manifests" / "records.json"
    keep = root.path / "mine" / "notes.txt"
    keep.parent.mkdir()
    keep.touch()
    manifest = json.loads(read_unsealed(path))
    manifest["files"] |= {"mine/notes.txt": "0", "ori_csv/index.parquet": "0"}
    write_sealed_json(path, manifest)
    next((source_copy / "train").rglob("*.csv")).unlink()
    assert take(root, source_copy).accepted == 5
    assert keep.exists()
    assert root.index.exists()


@pytest.mark.parametrize("record_id", ["../../evil", "a/b", "..", "a\nb", ""])
def test_an_index_whose_ids_lead_out_is_refused(root: DataRoot, record_id: str) -> None:
    row = {"id": record_id, "status": "accepted", "fs_hz": 500, "samples": 5000, "shard": 0, "split": "train"}
    write_index(root.index, [row])
    with pytest.raises(IndexMissingError, match=r"index\.parquet holds the id .* materialise raw_csvs"):
        accepted_records(root)
    write_index(root.index, [{**row, "status": "quarantined", "code": "bad_id", "reason": "so"}])
    assert len(read_index(root)) == 1
    assert pq.read_table(root.index).num_rows == 1
