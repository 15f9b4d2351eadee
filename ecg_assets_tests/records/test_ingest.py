"""From a source to the index: who is accepted, who is quarantined and why, and what is left alone."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from ecg_assets.records.index import INDEX_SCHEMA, accepted_records, read_index, write_index
from ecg_assets.records.ingest import IngestReport, csv_path, ingest, load_record
from ecg_assets.records.preview import rhythm_strips
from ecg_assets.records.schema import index_problems
from ecg_assets.records.sources.archive import ArchiveError
from ecg_assets.records.sources.base import SourceError
from ecg_assets.records.sources.config import SourceConfig
from ecg_assets.store.root import DataRoot, open_root
from ecg_assets_tests.conftest import pack, quiet
from ecg_assets_tests.real import real_data


@pytest.fixture
def root(tmp_path: Path) -> DataRoot:
    return open_root(tmp_path / "data")


def take(root: DataRoot, source: Path, **config: int) -> IngestReport:
    return ingest(root, SourceConfig(source=str(source), **config), quiet)


def ids_of(source: Path) -> list[str]:
    return sorted(pd.read_csv(source / "train.csv", dtype=str)["id"])


def content_of(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def csv_of(source: Path, number: int) -> Path:
    record_id = ids_of(source)[number]
    return source / "train" / record_id / f"{record_id}.csv"


def rewrite(path: Path, change: Callable[[str], str]) -> None:
    path.write_text(change(path.read_text()))


def test_packed_and_unpacked_sources_give_the_same_records(root: DataRoot, source_copy: Path, tmp_path: Path) -> None:
    unpacked = take(root, source_copy)
    packed_source = tmp_path / "packed"
    shutil.copytree(source_copy, packed_source)
    pack(packed_source)
    packed_root = open_root(tmp_path / "packed_root")
    packed = take(packed_root, packed_source)
    assert unpacked.accepted == packed.accepted == 6
    assert unpacked.digest == packed.digest
    assert content_of(root.ori_csv / "train") == content_of(packed_root.ori_csv / "train")
    assert not (packed_root.ori_csv / ".unpacked").exists()


def test_the_index_tells_of_each_record_where_it_belongs(root: DataRoot, source_copy: Path) -> None:
    take(root, source_copy)
    index = read_index(root)
    assert list(index.columns) == INDEX_SCHEMA.names
    assert index["id"].tolist() == ids_of(source_copy)
    assert (index["samples"] == 10 * index["fs_hz"]).all()
    assert set(index["split"]) <= {"train", "validation", "test"}
    assert index["shard"].between(0, root.shards - 1).all()
    row = index.iloc[0]
    assert load_record(root, row["id"], int(row["fs_hz"])).signal_mv.shape == (12, row["samples"])


def test_an_unchanged_source_is_skipped_and_a_changed_record_is_taken_again(root: DataRoot, source_copy: Path) -> None:
    before = take(root, source_copy)
    assert take(root, source_copy).skipped
    rewrite(csv_of(source_copy, 2), lambda text: text.replace("0.", "1.", 1))
    after = take(root, source_copy)
    assert not after.skipped
    changed = before.index["sha256"] != after.index["sha256"]
    assert changed.tolist() == [False, False, True, False, False, False]


def test_a_record_that_vanished_from_the_source_vanishes_here(root: DataRoot, source_copy: Path) -> None:
    take(root, source_copy)
    gone = ids_of(source_copy)[0]
    shutil.rmtree(source_copy / "train" / gone)
    rewrite(source_copy / "train.csv", lambda text: "\n".join(x for x in text.splitlines() if not x.startswith(gone)))
    assert take(root, source_copy).accepted == 5
    assert not csv_path(root, gone).exists()


def test_a_limit_draws_by_the_seed(root: DataRoot, source_copy: Path) -> None:
    drawn = {seed: accepted_ids(root, source_copy, seed) for seed in range(6)}
    assert all(len(ids) == 3 for ids in drawn.values())
    assert accepted_ids(root, source_copy, 0) == drawn[0]
    assert len({tuple(ids) for ids in drawn.values()}) > 1


def accepted_ids(root: DataRoot, source: Path, seed: int) -> list[str]:
    take(root, source, records=3, seed=seed)
    return accepted_records(root)["id"].tolist()


def test_a_cut_off_archive_is_named_and_leaves_what_was_there_untouched(root: DataRoot, source_copy: Path) -> None:
    archive = pack(source_copy)
    take(root, source_copy)
    before = content_of(root.ori_csv)
    archive.write_bytes(archive.read_bytes()[:-2000])
    with pytest.raises(ArchiveError, match=r"train-csvs\.tar\.gz cannot be unpacked: it is cut off"):
        take(root, source_copy)
    assert content_of(root.ori_csv) == before


@pytest.mark.parametrize(
    ("damage", "says"),
    [
        (lambda source: shutil.rmtree(source), "is no folder; set what names it (ECG_SOURCE"),
        (lambda source: (source / "train.csv").unlink(), "has no train.csv"),
        (lambda source: shutil.rmtree(source / "train"), "has neither train-csvs.tar.gz nor a folder train/"),
        (lambda source: (source / "train.csv").write_text("name,fs\n1,500\n"), "lacks column 'id'"),
        (lambda source: (source / "train.csv").write_bytes(b"\xff\xfe\x00"), "cannot be read as a table"),
        (lambda source: [path.write_text("I\n1\n") for path in (source / "train").rglob("*.csv")], "none of 6"),
    ],
)
def test_a_source_that_cannot_be_used_at_all_says_what_is_missing(
    root: DataRoot, source_copy: Path, damage: Callable[[Path], object], says: str
) -> None:
    damage(source_copy)
    with pytest.raises(SourceError) as caught:
        take(root, source_copy)
    assert says in str(caught.value)


# Each breaks one record of an unpacked source, given the source and the record's id.
DAMAGES: dict[str, tuple[str, Callable[[Path, str], object]]] = {
    "a lead is missing": ("missing_lead", lambda s, i: rewrite(one(s, i), drop_last_column)),
    "a lead too many": ("extra_lead", lambda s, i: rewrite(one(s, i), add_column)),
    "a lead is misspelt": ("misspelt_lead", lambda s, i: rewrite(one(s, i), lambda t: t.replace("aVR", "aRV", 1))),
    "a lead is empty": ("no_number", lambda s, i: rewrite(one(s, i), empty_last_column)),
    "a word among numbers": ("not_a_number", lambda s, i: rewrite(one(s, i), lambda t: t.replace("\n", "\nNoise", 1))),
    "an infinite value": ("infinite_value", lambda s, i: rewrite(one(s, i), lambda t: first_cell(t, "inf"))),
    "microvolts": ("absurd_value", lambda s, i: rewrite(one(s, i), lambda t: first_cell(t, "195.0"))),
    "too short for its fs": (
        "wrong_length",
        lambda s, i: rewrite(one(s, i), lambda t: "".join(t.splitlines(keepends=True)[:-300])),
    ),
    "cut off in a row": ("unreadable", lambda s, i: rewrite(one(s, i), lambda t: t[: t.index("\n", len(t) // 2) + 4])),
    "no text": ("unreadable", lambda s, i: one(s, i).write_bytes(b"\x89PNG\r\n\x1a\n\xff" * 50)),
    "an empty file": ("unreadable", lambda s, i: one(s, i).write_bytes(b"")),
    "no file": ("missing_file", lambda s, i: one(s, i).unlink()),
    "an fs that nobody records at": ("unknown_fs", lambda s, i: set_fs(s, i, "30")),
    "an fs without end": ("unknown_fs", lambda s, i: set_fs(s, i, "9" * 5000)),
    "another record's fs": ("wrong_length", lambda s, i: set_fs(s, i, "300")),
    "no fs": ("unknown_fs", lambda s, i: set_fs(s, i, "")),
    "not in train.csv": ("unknown_fs", lambda s, i: edit_table(s, lambda t: t[t["id"] != i])),
    "twice in train.csv": (
        "duplicate_id",
        lambda s, i: edit_table(s, lambda t: pd.concat([t, t[t["id"] == i].assign(fs="499")])),
    ),
    "two files": ("duplicate_id", lambda s, i: copy_to(one(s, i), s / "train" / "again" / f"{i}.csv")),
}


def one(source: Path, record_id: str) -> Path:
    return source / "train" / record_id / f"{record_id}.csv"


def drop_last_column(text: str) -> str:
    return "\n".join(line.rpartition(",")[0] for line in text.splitlines()) + "\n"


def add_column(text: str) -> str:
    return "\n".join(line + (",V9" if number == 0 else ",") for number, line in enumerate(text.splitlines())) + "\n"


def empty_last_column(text: str) -> str:
    lines = text.splitlines()
    return "\n".join([lines[0], *(line.rpartition(",")[0] + "," for line in lines[1:])]) + "\n"


def first_cell(text: str, value: str) -> str:
    header, _, rows = text.partition("\n")
    return f"{header}\n{value},{rows.partition(',')[2]}"


def copy_to(path: Path, target: Path) -> None:
    target.parent.mkdir(parents=True)
    shutil.copy(path, target)


def edit_table(source: Path, change: Callable[[pd.DataFrame], pd.DataFrame]) -> None:
    change(pd.read_csv(source / "train.csv", dtype=str)).to_csv(source / "train.csv", index=False)


def set_fs(source: Path, record_id: str, fs_text: str) -> None:
    edit_table(source, lambda table: table.assign(fs=table["fs"].where(table["id"] != record_id, fs_text)))


def test_beside_quarantined_records_the_accepted_keep_whole_numbers(root: DataRoot, source_copy: Path) -> None:
    one(source_copy, ids_of(source_copy)[0]).unlink()
    take(root, source_copy)
    accepted = accepted_records(root)
    assert [accepted[name].dtype.kind for name in ("fs_hz", "samples", "shard")] == ["i", "i", "i"]
    few = accepted_records(root, ["shard"])
    assert list(few) == ["id", "shard"]
    assert few.equals(accepted[["id", "shard"]])
    assert len(rhythm_strips(root, 4)) > 1000


@pytest.mark.parametrize("damage", DAMAGES)
def test_one_bad_record_is_quarantined_with_its_reason_and_stops_no_other(
    root: DataRoot, source_copy: Path, damage: str
) -> None:
    code, apply = DAMAGES[damage]
    victim = ids_of(source_copy)[3]
    apply(source_copy, victim)
    report = take(root, source_copy)
    assert report.accepted == 5
    assert report.quarantined == {code: 1}
    row = report.index[report.index["status"] == "quarantined"].iloc[0]
    assert row["id"] == victim
    assert victim in row["reason"]
    assert not csv_path(root, victim).exists()


def test_an_id_with_a_path_in_it_is_quarantined_and_writes_nothing_outside(root: DataRoot, source_copy: Path) -> None:
    with (source_copy / "train.csv").open("a") as table:
        table.write("../../evil,500,5000\n.hidden,500,5000\n,500,5000\n")
    report = take(root, source_copy)
    assert report.accepted == 6
    assert report.quarantined == {"bad_id": 3}
    assert not list(root.path.parent.rglob("*evil*"))


@pytest.mark.parametrize(
    "harm",
    [
        Path.unlink,
        lambda index: index.write_bytes(index.read_bytes()[:-9]),
        lambda index: index.write_bytes(b""),
        lambda index: write_index(index, [{"id": "1", "status": "accepted"}]),
    ],
    ids=["deleted", "cut off", "emptied", "without rates"],
)
def test_an_index_that_is_lost_or_damaged_is_made_again_though_no_record_has_changed(
    root: DataRoot, source_copy: Path, harm: Callable[[Path], object]
) -> None:
    before, content = take(root, source_copy), root.index.read_bytes()
    harm(root.index)
    after = take(root, source_copy)
    assert (after.skipped, after.digest) == (False, before.digest)
    assert root.index.read_bytes() == content


def limbs_changed(source: Path, record_id: str, change: Callable[[pd.DataFrame], pd.DataFrame]) -> None:
    path = one(source, record_id)
    change(pd.read_csv(path)).to_csv(path, index=False)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda t: t.assign(II=-t["II"]), "II is upside down"),
        (lambda t: t.assign(aVL=-t["aVL"]), "aVL is upside down"),
        (lambda t: t.rename(columns={"I": "II", "II": "I"}), "I and II are swapped"),
    ],
)
def test_a_record_whose_limb_leads_are_turned_or_swapped_is_quarantined(
    root: DataRoot, source_copy: Path, change: Callable[[pd.DataFrame], pd.DataFrame], says: str
) -> None:
    victim = ids_of(source_copy)[2]
    limbs_changed(source_copy, victim, change)
    report = take(root, source_copy)
    assert report.quarantined == {"wrong_leads": 1}
    row = report.index.set_index("id").loc[victim]
    assert says in row["reason"]
    assert victim in row["reason"]


def test_limb_leads_that_do_not_fit_are_noted_in_the_index_and_the_note_stays(
    root: DataRoot, source_copy: Path
) -> None:
    victim, other = ids_of(source_copy)[2:4]
    limbs_changed(source_copy, victim, lambda t: t.assign(III=t["II"].to_numpy()[::-1] * 0.7))
    lines: list[str] = []
    first = ingest(root, SourceConfig(source=str(source_copy)), lines.append)
    assert first.accepted == 6
    assert first.noted == {"limb_leads": 1}
    assert sum("noted as limb_leads" in line for line in lines) == 1
    row = first.index.set_index("id").loc[victim]
    assert victim in row["reason"]
    assert index_problems(first.index, root.shards) == []
    rewrite(one(source_copy, other), lambda text: text.replace("0.", "1.", 1))
    again = take(root, source_copy)
    assert (again.reused, again.noted) == (5, {"limb_leads": 1})
    assert again.index.set_index("id").loc[victim, "reason"] == row["reason"]


def test_records_by_older_rules_are_judged_once_more_and_what_is_sound_stays_the_same(
    root: DataRoot, source_copy: Path
) -> None:
    """As a data root has it that was made before there were notes: nothing in it is stale."""
    before, content = take(root, source_copy), root.index.read_bytes()
    path = root.ori_csv / "_manifests" / "records.json"
    manifest = json.loads(path.read_text())
    assert manifest["info"].pop("judged") and manifest.pop("seal")
    path.write_text(json.dumps(manifest))
    again = take(root, source_copy)
    assert (again.skipped, again.reused, again.digest) == (False, 0, before.digest)
    assert root.index.read_bytes() == content
    assert json.loads(path.read_text())["fingerprint"] == manifest["fingerprint"]
    assert take(root, source_copy).skipped


def test_a_lead_far_off_zero_is_noted_with_its_offset(root: DataRoot, source_copy: Path) -> None:
    victim = ids_of(source_copy)[2]
    limbs_changed(source_copy, victim, lambda t: t.assign(V2=t["V2"] + 3.25 - t["V2"].median()))
    report = take(root, source_copy)
    row = report.index.set_index("id").loc[victim]
    assert (row["status"], row["code"]) == ("accepted", "dc_offset")
    assert "V2 +3.25 mV" in row["reason"]


def test_a_record_that_nobody_may_read_is_refused_alone(
    root: DataRoot, source_copy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Permissions do not stop whoever is root, so the system's answer is put in its place."""
    victim = ids_of(source_copy)[2]
    opening = Path.open

    def refusing(path: Path, *args: Any, **more: Any) -> Any:
        if path.name == f"{victim}.csv" and source_copy in path.parents:
            raise PermissionError(13, "Permission denied", str(path))
        return opening(path, *args, **more)

    monkeypatch.setattr(Path, "open", refusing)
    report = take(root, source_copy)
    assert (report.accepted, report.quarantined) == (5, {"unreadable": 1})
    assert f"{victim}.csv cannot be read (Permission denied)" in str(report.index.set_index("id").loc[victim, "reason"])


@pytest.mark.real
def test_600_real_records_go_in_and_those_broken_are_quarantined_with_the_right_reason(
    root: DataRoot, tmp_path: Path
) -> None:
    from ecg_assets.records.sources.archive import unpack

    source = tmp_path / "real"
    unpack(real_data() / "ori_csv" / "train-csvs.tar.gz", source)
    shutil.copy(real_data() / "ori_csv" / "train.csv", source / "train.csv")
    assert take(root, source).accepted == 600
    victims = dict(zip(ids_of(source)[:: 600 // len(DAMAGES)], DAMAGES, strict=False))
    for record_id, damage in victims.items():
        DAMAGES[damage][1](source, record_id)
    report = take(root, source)
    assert report.accepted == 600 - len(DAMAGES)
    quarantined = report.index[report.index["status"] == "quarantined"]
    assert dict(zip(quarantined["id"], quarantined["code"], strict=True)) == {
        record_id: DAMAGES[damage][0] for record_id, damage in victims.items()
    }
