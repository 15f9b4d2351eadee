"""Several sources at once: whose records they are, under which ids and licences, and what a change touches."""

import json
import shutil
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from pydantic import ValidationError

from ecg_assets.pages.config import PagesConfig
from ecg_assets.pages.paths import layout_path
from ecg_assets.pages.stage import build_papers, render_pages
from ecg_assets.records import ingest_record as intake
from ecg_assets.records.index import accepted_records, read_index
from ecg_assets.records.ingest import IngestReport, csv_path, ingest, load_record
from ecg_assets.records.provenance import licence_of, name_of
from ecg_assets.records.sources.base import SourceError
from ecg_assets.records.sources.config import SourceConfig, SourceSpec
from ecg_assets.records.wfdb import folder as wfdb_source
from ecg_assets.records.wfdb import record as wfdb_record
from ecg_assets.records.wfdb.record import Reading, Window
from ecg_assets.samples.config import SamplesConfig
from ecg_assets.samples.labelled_page import read_paper, style_name_of
from ecg_assets.samples.sampling import draw_samples
from ecg_assets.store.root import DataRoot, open_root
from ecg_assets_tests.conftest import quiet
from ecg_assets_tests.real import real_data
from ecg_assets_tests.records.wfdb.recordings import rewrite, sines_mv, write_recording


@pytest.fixture
def root(tmp_path: Path) -> DataRoot:
    return open_root(tmp_path / "data")


@pytest.fixture
def recordings(tmp_path: Path) -> Path:
    """Two collections side by side, which have a record's name in common."""
    folder = tmp_path / "wfdb"
    for part, name in (("ptbxl500", "00001_hr"), ("ptbxl500", "00002_hr"), ("ludb", "00001_hr"), ("ludb", "2")):
        write_recording(folder / part, name, sines_mv(500) + 0.1 * len(part))
    return folder


def take(root: DataRoot, *sources: dict[str, Any], **config: Any) -> IngestReport:
    return ingest(root, SourceConfig(sources=tuple(SourceSpec(**one) for one in sources), **config), quiet)


def ids(root: DataRoot) -> list[str]:
    return list(accepted_records(root)["id"])


def test_a_wfdb_folder_is_a_source_known_by_its_headers(root: DataRoot, recordings: Path) -> None:
    ingest(root, SourceConfig(source=str(recordings / "ludb")), quiet)
    assert ids(root) == ["ludb-00001_hr", "ludb-2"]
    index = read_index(root)
    assert (index["source"] == "ludb").all()
    assert (index["licence"] == "ODC-BY 1.0").all()
    record = load_record(root, "ludb-2", 500)
    assert record.signal_mv == pytest.approx(sines_mv(500) + 0.4, abs=0.00051)


def test_known_collections_side_by_side_are_a_source_each_unless_a_name_joins_them(
    root: DataRoot, recordings: Path
) -> None:
    ingest(root, SourceConfig(source=str(recordings)), quiet)
    assert ids(root) == ["ludb-00001_hr", "ludb-2", "ptbxl500-00001_hr", "ptbxl500-00002_hr"]
    assert dict(zip(read_index(root)["source"], read_index(root)["licence"], strict=True)) == {
        "ludb": "ODC-BY 1.0",
        "ptbxl500": "CC BY 4.0",
    }
    report = take(root, {"path": str(recordings), "name": "mine"})
    assert ids(root) == ["mine-00002_hr", "mine-2"]
    assert report.quarantined == {"duplicate_id": 1}
    assert "in ludb and ptbxl500: give each folder as a source of its own" in str(report.index["reason"].iloc[0])
    assert set(report.index["licence"]) == {"unknown"}


def test_ids_of_several_sources_have_their_source_s_name_in_front_and_a_single_one_keeps_its_own(
    root: DataRoot, recordings: Path, source_copy: Path
) -> None:
    one = {"path": str(source_copy), "licence": "CC0 1.0"}
    assert take(root, one).accepted == 6
    assert ids(root) == sorted(pd.read_csv(source_copy / "train.csv", dtype=str)["id"])
    report = take(
        root, one, {"kind": "synthetic", "records": 2}, {"path": str(recordings / "ludb")}, one | {"name": "again"}
    )
    assert report.accepted == 16
    assert report.index["source"].value_counts().to_dict() == {"kaggle": 6, "again": 6, "synthetic": 2, "ludb": 2}
    assert len(set(ids(root))) == 16
    assert all(record_id.startswith(f"{source}-") for record_id, source in report.index[["id", "source"]].to_numpy())
    assert all(csv_path(root, record_id).is_file() for record_id in ids(root))


def test_two_sources_of_one_name_are_refused(root: DataRoot, source_copy: Path) -> None:
    with pytest.raises(SourceError, match="two sources are named 'Kaggle'; give one of them another `name`"):
        take(root, {"path": str(source_copy)}, {"path": str(source_copy), "name": "Kaggle"})


def test_each_source_has_its_own_limit_and_all_of_them_one_more(
    root: DataRoot, recordings: Path, source_copy: Path
) -> None:
    sources: list[dict[str, Any]] = [
        {"path": str(source_copy), "records": 3},
        {"path": str(recordings), "records": 2},
    ]
    report = take(root, *sources)
    assert (report.index["source"] == "kaggle").sum() == 3
    assert report.accepted == 5
    drawn = {seed: (take(root, *sources, records=4, seed=seed).accepted, tuple(ids(root))) for seed in range(5)}
    assert {count for count, _ in drawn.values()} == {4}
    assert len(set(drawn.values())) > 1


def test_source_licence_and_labels_go_with_a_record_to_its_page_and_samples(
    root: DataRoot, recordings: Path, source_copy: Path
) -> None:
    table = pd.read_csv(source_copy / "train.csv", dtype=str)
    table.assign(labels=["atrial flutter", *[""] * 5]).to_csv(source_copy / "train.csv", index=False)
    take(root, {"path": str(source_copy), "licence": "mine"}, {"path": str(recordings / "ludb")})
    pages, samples = PagesConfig(styles="coarse-print"), SamplesConfig(positives=1, crop_px=256)
    build_papers(root, pages, quiet)
    render_pages(root, pages, 1, quiet)
    wanted: dict[str, dict[str, Any]] = {
        f"kaggle-{table['id'][0]}": {"source": "kaggle", "licence": "mine", "labels": "atrial flutter"},
        f"kaggle-{table['id'][1]}": {"source": "kaggle", "licence": "mine", "labels": None},
        "ludb-2": {"source": "ludb", "licence": "ODC-BY 1.0", "labels": None},
    }
    for record_id, provenance in wanted.items():
        assert json.loads(layout_path(root, record_id).read_text())["provenance"] == provenance
        for sample in draw_samples(root, record_id, read_paper(root, style_name_of(root, record_id)), samples):
            assert sample.crop.about["provenance"] == provenance
            assert isinstance(sample.crop.about.get("labels", []), list)  # the boxes of what is written on the page


def test_of_full_recordings_every_layout_prints_every_panel(root: DataRoot, recordings: Path) -> None:
    take(root, {"path": str(recordings)})
    for style in ("twelve-rows", "grey-6x2", "cabrera", "kaggle"):
        render_pages(root, PagesConfig(styles=style), 1, quiet)
        for record_id in ids(root):
            layout = json.loads(layout_path(root, record_id).read_text())
            assert layout["empty_panels"] == layout["partial_panels"] == []


def test_a_changed_recording_alone_is_read_again_and_redraws_its_shard_alone(
    root: DataRoot, recordings: Path, source_copy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sources = [{"path": str(source_copy)}, {"path": str(recordings)}]
    before = take(root, *sources)
    pages = PagesConfig(styles="coarse-print")
    render_pages(root, pages, 1, quiet)
    assert take(root, *sources).skipped
    write_recording(recordings / "ludb", "2", sines_mv(500) * 0.5)
    read: list[str] = []
    reading = wfdb_record.read_noted

    def noted(path: Path, window: Window) -> Reading:
        read.append(path.stem)
        return reading(path, window)

    monkeypatch.setattr(wfdb_source, "read_noted", noted)
    after = take(root, *sources)
    assert (after.skipped, after.reused, read) == (False, 9, ["2"])
    changed = before.index["sha256"] != after.index["sha256"]
    assert list(after.index["id"][changed]) == ["ludb-2"]
    assert render_pages(root, pages, 1, quiet).made == [after.index.set_index("id")["shard"]["ludb-2"]]


def test_any_number_of_workers_gives_the_same_index_and_csvs(
    root: DataRoot, recordings: Path, source_copy: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rewrite(recordings / "ludb" / "2.hea", ("/mV", "/mmHg"))
    monkeypatch.setattr(intake, "_WORTH_WORKERS", 1)
    config = SourceConfig(sources=(SourceSpec(path=str(source_copy)), SourceSpec(path=str(recordings))))
    other, said = open_root(tmp_path / "other"), list[str]()
    assert ingest(root, config, quiet).digest == ingest(other, config, said.append, workers=2).digest
    assert root.index.read_bytes() == other.index.read_bytes()
    assert any("'ludb-2' is quarantined: 2.hea: lead I is in 'mmHg'" in line for line in said)
    assert all(csv_path(root, one).read_bytes() == csv_path(other, one).read_bytes() for one in ids(root))


def test_another_window_is_read_again(root: DataRoot, tmp_path: Path) -> None:
    write_recording(tmp_path / "long", "1", sines_mv(500, seconds=25))
    before = take(root, {"path": str(tmp_path / "long")})
    after = take(root, {"path": str(tmp_path / "long"), "window_start_s": 7.3})
    assert after.index["sha256"][0] != before.index["sha256"][0]
    assert load_record(root, "long-1", 500).signal_mv == pytest.approx(sines_mv(500, 25)[:, 3650:8650], abs=0.00051)


def test_a_remark_in_a_header_reads_its_record_again_and_makes_nothing_stale(root: DataRoot, recordings: Path) -> None:
    before = take(root, {"path": str(recordings)})
    header = recordings / "ludb" / "2.hea"
    header.write_text(header.read_text() + "# seen\n")
    after = take(root, {"path": str(recordings)})
    assert (after.skipped, after.reused) == (False, 3)
    assert after.digest == before.digest


def test_a_csv_that_is_not_the_one_of_the_index_is_written_again(root: DataRoot, recordings: Path) -> None:
    before = take(root, {"path": str(recordings)})
    csv_path(root, "ludb-2").write_text("I,II\n1,2\n")
    write_recording(recordings / "ludb", "3", sines_mv(500))
    after = take(root, {"path": str(recordings)})
    assert after.reused == 3
    assert after.index.set_index("id")["sha256"]["ludb-2"] == before.index.set_index("id")["sha256"]["ludb-2"]
    assert load_record(root, "ludb-2", 500).signal_mv.shape == (12, 5000)


def test_of_a_recording_at_two_rates_as_ptb_xl_has_it_the_finer_one_is_taken(root: DataRoot, tmp_path: Path) -> None:
    folder = tmp_path / "ptb-xl-1.0.3"
    write_recording(folder / "records500" / "00000", "00001_hr", sines_mv(500))
    write_recording(folder / "records100" / "00000", "00001_lr", sines_mv(100), 100)
    write_recording(folder / "records100" / "00000", "00002_lr", sines_mv(100), 100)
    ingest(root, SourceConfig(source=str(folder)), quiet)
    assert ids(root) == ["ptb_xl_1_0_3-00001_hr", "ptb_xl_1_0_3-00002_lr"]


def test_broken_recordings_are_quarantined_and_the_others_go_on(root: DataRoot, recordings: Path) -> None:
    rewrite(recordings / "ludb" / "2.hea", ("/mV", "/mmHg"))
    (recordings / "ptbxl500" / "00002_hr.dat").unlink()
    write_recording(recordings / "ptbxl500", "short", sines_mv(500, 8))
    report = take(root, {"path": str(recordings)})
    assert report.accepted == 2
    assert report.quarantined == {"unknown_unit": 1, "missing_file": 1, "wrong_length": 1}
    assert report.index.loc[report.index["status"] == "quarantined", "reason"].str.len().min() > 40


def test_a_source_may_be_renamed_or_licensed_anew_and_a_moved_folder_is_the_same_source(
    root: DataRoot, recordings: Path, tmp_path: Path
) -> None:
    take(root, {"path": str(recordings / "ludb")})
    moved = tmp_path / "elsewhere" / "ludb"
    shutil.copytree(recordings / "ludb", moved)
    assert take(root, {"path": str(moved)}).skipped
    again = take(root, {"path": str(moved), "licence": "asked for"})
    assert (again.skipped, again.reused) == (False, 2)
    assert set(again.index["licence"]) == {"asked for"}
    take(root, {"path": str(moved), "name": "other"})
    assert ids(root) == ["other-00001_hr", "other-2"]
    assert not csv_path(root, "ludb-2").exists()


def test_a_yaml_file_lists_sources_relative_to_itself(root: DataRoot, recordings: Path, tmp_path: Path) -> None:
    table = tmp_path / "sources.yaml"
    table.write_text("sources:\n- {path: wfdb/ludb, records: 1}\n- {kind: synthetic, records: 2}\n")
    ingest(root, SourceConfig(source=str(table)), quiet)
    assert len(ids(root)) == 3


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "is not a list of sources"),
        ("sources: []", "at least 1 item"),
        ("sources: [{kind: wfdb}]", "needs a path"),
        ("sources: [{path: x, license: CC}]", "sources.0.license"),
        ("sources: [{path: x}]\nrecords: 3", "records: Extra inputs"),
        ("sources: [", "is not a list of sources"),
        ("!!python/object/apply:os.system ['true']", "is not a list of sources"),
    ],
)
def test_a_yaml_file_that_is_no_list_of_sources_is_named_with_the_field(
    root: DataRoot, tmp_path: Path, text: str, says: str
) -> None:
    table = tmp_path / "sources.yaml"
    table.write_text(text)
    with pytest.raises(SourceError) as caught:
        ingest(root, SourceConfig(source=str(table)), quiet)
    assert says in str(caught.value)
    assert str(table) in str(caught.value)


@pytest.mark.parametrize(
    ("config", "says"),
    [
        ({"source": "/x", "sources": [{"path": "/y"}]}, "both `source`"),
        ({"sources": [{"kind": "synthetic"}, {"kind": "synthetic"}]}, "more than once"),
        ({"sources": [{"kind": "synthetic", "path": "/x"}]}, "has no path"),
        ({"sources": [{"path": "/x", "mix": "normal"}]}, "mix is for kind synthetic"),
        ({"sources": [{"path": "/x", "name": "a-b"}]}, "name"),
        ({"sources": [{"path": "/x", "kind": "edf"}]}, "kind"),
    ],
)
def test_a_config_that_makes_no_sense_is_refused(config: dict[str, Any], says: str) -> None:
    with pytest.raises(ValidationError, match=says):
        SourceConfig.model_validate(config)


def test_a_folder_without_recordings_says_so(root: DataRoot, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(SourceError, match=r"holds no WFDB headers \(\*\.hea\)"):
        take(root, {"kind": "wfdb", "path": str(tmp_path / "empty")})
    with pytest.raises(SourceError, match="is no folder"):
        take(root, {"kind": "wfdb", "path": str(tmp_path / "nowhere")})


@pytest.mark.parametrize(
    ("address", "licence", "name"),
    [
        ("/d/ptb-xl-1.0.3", "CC BY 4.0", "ptb_xl_1_0_3"),
        ("/d/ptb-xl-1.0.3/records500", "CC BY 4.0", "records500"),
        ("/d/ptbxl100", "CC BY 4.0", "ptbxl100"),
        ("/d/ptb1000", "ODC-BY 1.0", "ptb1000"),
        ("/d/ptb-diagnostic-ecg-database-1.0.0", "ODC-BY 1.0", "ptb_diagnostic_ecg_datab"),
        ("/d/WFDB_CPSC2018", "CC BY 4.0", "WFDB_CPSC2018"),
        ("/d/chapman_ningbo", "CC BY 4.0", "chapman_ningbo"),
        ("gs://bucket/kaggle_ecg/ori_csv", "competition rules, no redistribution", "ori_csv"),
        ("/d/ptolemy", "unknown", "ptolemy"),
        ("/d/gallery", "unknown", "gallery"),
        ("/d/georgia", "CC BY 4.0", "georgia"),
        ("/d/georgia_hospital", "unknown", "georgia_hospital"),
        ("/d/ludb", "ODC-BY 1.0", "ludb"),
        ("/d/...", "unknown", ""),
    ],
)
def test_licence_and_name_follow_from_the_folder_s_name(address: str, licence: str, name: str) -> None:
    assert (licence_of(address), name_of(address)) == (licence, name)


@pytest.mark.real
def test_53_real_recordings_ten_csvs_and_five_synthetic_records_in_one_root(root: DataRoot) -> None:
    report = take(
        root,
        {"kind": "wfdb", "path": str(real_data() / "wfdb")},
        {"kind": "kaggle", "path": str(real_data() / "ori_csv"), "records": 10, "licence": "CC BY 4.0"},
        {"kind": "synthetic", "records": 5},
    )
    assert report.quarantined == {}
    assert report.index["source"].value_counts().to_dict() == {
        "ptbxl500": 22, "kaggle": 10, "ludb": 8, "ptbxl100": 6, "chapman_ningbo": 5, "georgia": 5, "synthetic": 5,
        "cpsc2018": 4, "ptb1000": 3,
    }  # fmt: skip
    assert set(report.index["licence"]) == {"CC BY 4.0", "ODC-BY 1.0", "synthetic, nobody's data"}
