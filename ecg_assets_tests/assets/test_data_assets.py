"""Raw CSVs to mixed dataset in Dagster: what each asset holds and tells, what is skipped, what a change touches."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from ecg_assets.assets.dataset import mixed_dataset
from ecg_assets.assets.grids import grids
from ecg_assets.assets.pages import pages
from ecg_assets.assets.records import RawCsvsConfig, RecordsVariableError, raw_csvs, source_config
from ecg_assets.checks.dataset import no_record_is_in_two_splits
from ecg_assets.checks.pages import masks_lie_on_the_ink
from ecg_assets.checks.records import index_is_sound
from ecg_assets.pages.paths import mask_path
from ecg_assets.pages.raster.png import encode, read_grey
from ecg_assets.records.index import accepted_records
from ecg_assets.records.provenance import SYNTHETIC_LICENCE
from ecg_assets.resources.compute import EngineResource
from ecg_assets.resources.data_root import DataRootResource
from ecg_assets.samples.reader import SampleReader
from ecg_assets.store.root import DataRoot, open_root
from ecg_assets_tests.real import real_data
from ecg_assets_tests.records.wfdb.recordings import sines_mv, write_recording

DATA_ASSETS = [raw_csvs, grids, pages, mixed_dataset, index_is_sound, masks_lie_on_the_ink, no_record_is_in_two_splits]
KEYS = ("raw_csvs", "clean_grid", "grid_mask", "rendered_waves", "wave_masks", "mixed_dataset")
RECORDS = 12


@dataclass(frozen=True)
class Run:
    """What one run said of each asset and check."""

    success: bool
    made: dict[str, dg.AssetMaterialization]
    checks: dict[str, dg.AssetCheckEvaluation]
    log: list[str]
    errors: list[str]

    def value(self, asset: str, name: str) -> Any:
        return self.made[asset].metadata[name].value

    def version(self, asset: str) -> str:
        tags = self.made[asset].tags
        assert tags is not None
        return tags["dagster/data_version"]


def materialize(data_root: Path, instance: dg.DagsterInstance, **config: Any) -> Run:
    result = dg.materialize(
        DATA_ASSETS,
        instance=instance,
        resources={"data_root": DataRootResource(path=str(data_root)), "engine": EngineResource()},
        run_config={"ops": {name: {"config": values} for name, values in config.items()}},
        raise_on_error=False,
    )
    made = [event.step_materialization_data.materialization for event in result.get_asset_materialization_events()]
    return Run(
        success=result.success,
        made={one.asset_key.to_user_string(): one for one in made},
        checks={one.check_name: one for one in result.get_asset_check_evaluations()},
        log=[entry.user_message for entry in instance.all_logs(result.run_id)],
        errors=[str(event.step_failure_data.error) for event in result.all_events if event.is_step_failure],
    )


@pytest.fixture(scope="module")
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as instance:
        yield instance


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("data_assets") / "data_root"


@pytest.fixture(scope="module")
def first(folder: Path, instance: dg.DagsterInstance) -> Run:
    return materialize(folder, instance, raw_csvs={"source": "", "records": RECORDS})


@pytest.fixture(scope="module")
def root(folder: Path, first: Run) -> DataRoot:
    assert first.success
    return open_root(folder)


def test_each_asset_says_what_it_is_and_where_and_shows_a_picture(first: Run) -> None:
    assert first.success
    assert set(first.made) == set(KEYS)
    for key in KEYS:
        assert first.value(key, "summary")
        assert Path(first.value(key, "where")).exists()
        assert first.value(key, "picture").startswith("![")
        assert "data:image/" in first.value(key, "picture")


def test_the_numbers_are_those_of_the_data(first: Run) -> None:
    assert first.value("raw_csvs", "accepted") == RECORDS
    assert first.value("raw_csvs", "quarantined") == 0
    assert sum(first.value("raw_csvs", "by_sampling_rate").values()) == RECORDS
    assert first.value("rendered_waves", "pages") == RECORDS
    assert first.value("mixed_dataset", "samples") == RECORDS * 6
    assert sum(first.value("mixed_dataset", "samples_by_split").values()) == RECORDS * 6
    assert first.value("rendered_waves", "pages_a_second") > 0
    assert first.value("rendered_waves", "records_quarantined") == 0
    shares = [row.data for row in first.value("mixed_dataset", "class_shares").records]
    assert sum(float(row["share"]) for row in shares) == pytest.approx(1, abs=1e-3)
    assert all(row["share of the competition's pages"] for row in shares)
    for key in KEYS:
        assert first.value(key, "made") > 0
        assert first.value(key, "skipped") == 0


def test_each_recipe_shows_samples_of_its_own(first: Run) -> None:
    drawn = first.value("mixed_dataset", "samples_by_recipe")
    assert set(drawn) == {"clean", "scan", "photo", "screen", "damaged"}
    sheets = {first.value("mixed_dataset", f"samples_{recipe}") for recipe in drawn}
    assert len(sheets) == len(drawn)
    assert all(sheet.startswith("![") for sheet in sheets)


def test_the_dataset_says_whose_records_it_is_made_of_and_under_which_licence(root: DataRoot) -> None:
    facts = json.loads((root.dataset / "dataset.json").read_text())
    assert facts["sources"] == [{"source": "synthetic", "licence": SYNTHETIC_LICENCE, "records": RECORDS}]
    about = SampleReader(root.dataset, None)[0].about
    assert about["provenance"]["licence"] == SYNTHETIC_LICENCE


def test_progress_goes_into_the_run_s_log(first: Run) -> None:
    assert any(line.startswith("rendered_waves: shard") for line in first.log)


def test_all_checks_pass(first: Run) -> None:
    assert {name: check.passed for name, check in first.checks.items()} == {
        "index_is_sound": True,
        "masks_lie_on_the_ink": True,
        "no_record_is_in_two_splits": True,
    }


def test_a_second_run_makes_nothing_and_keeps_every_data_version(
    first: Run, folder: Path, instance: dg.DagsterInstance
) -> None:
    again = materialize(folder, instance, raw_csvs={"source": "", "records": RECORDS})
    for key in KEYS:
        assert again.value(key, "made") == 0
        assert again.value(key, "skipped") == first.value(key, "made")
        assert again.version(key) == first.version(key)


def test_another_empty_root_gives_the_same_data_versions(
    first: Run, tmp_path: Path, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ECG_WORKERS", "1")
    other = materialize(tmp_path / "other", instance, raw_csvs={"source": "", "records": RECORDS})
    assert {key: other.version(key) for key in KEYS} == {key: first.version(key) for key in KEYS}


def test_a_mask_that_left_the_ink_fails_the_check_and_stops_the_dataset(
    root: DataRoot, folder: Path, instance: dg.DagsterInstance
) -> None:
    record_id = str(accepted_records(root)["id"].iloc[0])
    path = mask_path(root, record_id)
    whole = path.read_bytes()
    try:
        path.write_bytes(encode(read_grey(path)[::-1].copy()))
        run = materialize(folder, instance, raw_csvs={"source": "", "records": RECORDS})
        assert not run.checks["masks_lie_on_the_ink"].passed
        assert record_id in str(run.checks["masks_lie_on_the_ink"].metadata["reason"].value)
        assert "mixed_dataset" not in run.made
    finally:
        path.write_bytes(whole)


def test_a_record_more_touches_one_shard(folder: Path, root: DataRoot, instance: dg.DagsterInstance) -> None:
    more = materialize(folder, instance, raw_csvs={"source": "", "records": RECORDS + 1})
    assert more.value("rendered_waves", "made") == 1
    assert more.value("mixed_dataset", "made") == 1
    assert more.value("grid_mask", "made") == 0


def test_a_setting_out_of_range_is_refused_with_its_name(folder: Path, instance: dg.DagsterInstance) -> None:
    run = materialize(folder, instance, raw_csvs={"source": "", "records": RECORDS}, pages={"styles": "no such mix"})
    assert not run.success
    assert any("there is no mix or style 'no such mix'" in error for error in run.errors)


def materialize_records(data_root: Path, instance: dg.DagsterInstance, **config: Any) -> dg.ExecuteInProcessResult:
    return dg.materialize(
        [raw_csvs],
        instance=instance,
        resources={"data_root": DataRootResource(path=str(data_root))},
        run_config={"ops": {"raw_csvs": {"config": config}}},
        raise_on_error=False,
    )


def test_several_sources_are_run_config_and_their_counts_metadata(
    tmp_path: Path, source_copy: Path, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ECG_SOURCE", "/not/used/where/sources/are/named")
    write_recording(tmp_path / "ludb", "1", sines_mv(500))
    write_recording(tmp_path / "ludb", "2", sines_mv(500, seconds=5))
    sources = [
        {"kind": "wfdb", "path": str(tmp_path / "ludb")},
        {"path": str(source_copy), "name": "ours", "licence": "asked for", "records": 4},
        {"kind": "synthetic", "records": 2},
    ]
    result = materialize_records(tmp_path / "several", instance, sources=sources)
    (made,) = result.asset_materializations_for_node("raw_csvs")
    assert (made.metadata["accepted"].value, made.metadata["quarantined"].value) == (7, 1)
    assert made.metadata["by_source"].value == {"ludb": 2, "ours": 4, "synthetic": 2}
    assert made.metadata["by_licence"].value == {"ODC-BY 1.0": 2, "asked for": 4, "synthetic, nobody's data": 2}
    again = materialize_records(tmp_path / "several", instance, sources=sources[:2])
    (made,) = again.asset_materializations_for_node("raw_csvs")
    assert (made.metadata["made"].value, made.metadata["skipped"].value) == (0, 5)


@pytest.mark.parametrize(
    ("source", "says"),
    [
        ({"path": "/x", "kind": "edf"}, "kind"),
        ({"kind": "wfdb"}, "needs a path"),
        ({"path": "/x", "name": "a/b"}, "name"),
    ],
)
def test_a_source_that_makes_no_sense_fails_with_its_field(
    tmp_path: Path, instance: dg.DagsterInstance, source: dict[str, Any], says: str
) -> None:
    result = materialize_records(tmp_path / "none", instance, sources=[source])
    assert not result.success
    errors = [str(event.step_failure_data.error) for event in result.all_events if event.is_step_failure]
    assert any(says in error for error in errors)


@pytest.mark.parametrize(
    ("environment", "config", "expected"),
    [
        ({}, {}, {"source": "", "synthetic_records": 24}),
        ({"ECG_RECORDS": "7"}, {}, {"source": "", "synthetic_records": 7}),
        ({"ECG_RECORDS": "7", "ECG_SOURCE": "/x"}, {"sources": [{"path": "/y"}]}, {"source": "", "records": 7}),
        ({"ECG_SOURCE": "/records"}, {}, {"source": "/records", "records": None}),
        ({"ECG_SOURCE": "/records", "ECG_RECORDS": "50"}, {}, {"source": "/records", "records": 50}),
        ({"ECG_SOURCE": "/records", "ECG_RECORDS": "50"}, {"source": "", "records": 3}, {"synthetic_records": 3}),
    ],
)
def test_the_environment_says_what_the_config_leaves_open(
    environment: dict[str, str], config: dict[str, Any], expected: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("ECG_SOURCE", "ECG_RECORDS"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    chosen = source_config(RawCsvsConfig(**config)).model_dump()
    assert {name: chosen[name] for name in expected} == expected


def test_ecg_records_must_be_a_number(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ECG_RECORDS", "many")
    with pytest.raises(RecordsVariableError, match="'many'"):
        source_config(RawCsvsConfig())


@pytest.mark.real
def test_real_records_from_the_archive(tmp_path: Path, instance: dg.DagsterInstance) -> None:
    source = real_data() / "ori_csv"
    result = dg.materialize(
        [raw_csvs],
        instance=instance,
        resources={"data_root": DataRootResource(path=str(tmp_path / "real"))},
        run_config={"ops": {"raw_csvs": {"config": {"source": str(source), "records": 12}}}},
    )
    (made,) = result.asset_materializations_for_node("raw_csvs")
    assert made.metadata["accepted"].value == 12
