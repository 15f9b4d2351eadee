"""One change, and what it touches: runs of Dagster over a source in the competition's shape, file by file."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import dagster as dg
import pandas as pd
import pytest
import yaml
from dagster._core.definitions.data_version import CachingStaleStatusResolver
from dagster._core.loader import LoadingContextForTest

from ecg_assets.assets.dataset import mixed_dataset
from ecg_assets.assets.grids import grids
from ecg_assets.assets.pages import pages
from ecg_assets.assets.records import raw_csvs
from ecg_assets.assets.training import trained_checkpoint
from ecg_assets.pages.paths import page_path
from ecg_assets.pages.style.style_mix import TABLE
from ecg_assets.records.index import accepted_records
from ecg_assets.records.ingest import csv_path
from ecg_assets.records.synthetic.folder import write_synthetic_source
from ecg_assets.resources.compute import EngineResource
from ecg_assets.resources.data_root import DataRootResource
from ecg_assets.resources.tpu import TPUResource
from ecg_assets.samples.reader import SampleReader
from ecg_assets.store.root import DataRoot, open_root
from ecg_assets.training.config import load_config
from ecg_assets.training.runs.prepare import prepare_run
from ecg_assets.training.runs.run_folder import RunFolder
from ecg_assets_tests.conftest import quiet

DATA = [raw_csvs, grids, pages, mixed_dataset]
SAMPLES = {"recipes": {"clean": 1.0}, "positives": 1, "negatives": 0, "crop_px": 64}
RECORDS = 12


@dataclass
class Platform:
    """A source, a data root, an instance; each run begins where the last one ended."""

    folder: Path
    instance: dg.DagsterInstance
    source: dict[str, Any] = field(init=False)
    styles: str = "kaggle"

    def __post_init__(self) -> None:
        write_synthetic_source(self.folder / "source", RECORDS, 0, quiet)
        self.source = {"source": str(self.folder / "source"), "records": None}

    @property
    def root(self) -> DataRoot:
        return open_root(self.folder / "data")

    def csv(self, record_id: str) -> Path:
        """In the source."""
        return self.folder / "source" / "train" / record_id / f"{record_id}.csv"

    def run(self, *more: dg.AssetsDefinition, **config: Any) -> dict[str, dict[str, Any]]:
        """Materialises; by asset, its metadata."""
        ops = {"raw_csvs": self.source, "grids": {"styles": self.styles}, "pages": {"styles": self.styles}}
        ops |= {"mixed_dataset": SAMPLES}
        result = dg.materialize(
            [*DATA, *more],
            instance=self.instance,
            resources={
                "data_root": DataRootResource(path=str(self.folder / "data")),
                "engine": EngineResource(),
                # It ends at once, with an error: what comes before the training is what matters here.
                "tpu": TPUResource(poll_s=0.05, trainer_module="ecg_assets_tests.no_such_trainer"),
            },
            run_config={"ops": {name: {"config": values} for name, values in ops.items()} | config},
            raise_on_error=False,
        )
        assert result.success or more
        events = result.get_asset_materialization_events()
        made = [event.step_materialization_data.materialization for event in events]
        return {
            one.asset_key.to_user_string(): {name: value.value for name, value in one.metadata.items()} for one in made
        }

    def written(self) -> dict[str, int]:
        """When each file that a stage makes was written."""
        folders = (self.root.ori_csv / "train", self.root.grids, self.root.path / "data", self.root.dataset)
        files = [path for folder in folders for path in folder.rglob("*") if path.is_file()]
        kept = [path for path in files if "_manifests" not in path.parts and path.name not in (".lock", "dataset.json")]
        return {self.root.relative(path): path.stat().st_mtime_ns for path in kept}

    def stale(self) -> set[str]:
        """What the lineage marks as stale."""
        resources = {"data_root": DataRootResource(), "engine": EngineResource()}
        graph = dg.Definitions(assets=DATA, resources=resources).resolve_asset_graph()
        resolver = CachingStaleStatusResolver(self.instance, graph, LoadingContextForTest(self.instance))
        return {key.to_user_string() for key in graph.get_all_asset_keys() if resolver.get_status(key).value == "STALE"}

    def versions(self) -> dict[str, str]:
        """By asset, its data version."""
        keys = [key for asset in DATA for key in asset.keys]
        events = {key: self.instance.get_latest_materialization_event(key) for key in keys}
        made = {key: entry.asset_materialization for key, entry in events.items() if entry is not None}
        return {key.to_user_string(): (one.tags or {})["dagster/data_version"] for key, one in made.items() if one}


@pytest.fixture(scope="module")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    with pytest.MonkeyPatch.context() as patch, dg.DagsterInstance.ephemeral() as instance:
        patch.setenv("ECG_WORKERS", "1")
        made = Platform(tmp_path_factory.mktemp("only_what_changed"), instance)
        made.run()
        yield made


def touched(before: dict[str, int], after: dict[str, int]) -> set[str]:
    """Files that were written, or are gone."""
    return {name for name in before.keys() | after.keys() if before.get(name) != after.get(name)}


def shard_of(platform: Platform, record_id: str) -> int:
    records = accepted_records(platform.root)
    return int(records.loc[records["id"] == record_id, "shard"].iloc[0])


def files_of(record_id: str) -> set[str]:
    return {
        *(f"data/wave_images/{record_id}.{ending}" for ending in ("png", "json")),
        f"data/wave_masks/{record_id}_mask.png",
    }


def crowded(platform: Platform) -> str:
    """A record that shares its shard with another."""
    records = accepted_records(platform.root)
    return str(records.loc[records["shard"].duplicated(), "id"].iloc[0])


def turned_over(row: str) -> str:
    """The same values below zero instead of above it, and the other way round."""
    return ",".join(cell[1:] if cell.startswith("-") else cell and f"-{cell}" for cell in row.split(","))


def test_the_same_again_writes_nothing_and_says_so(platform: Platform) -> None:
    before, versions = platform.written(), platform.versions()
    told = platform.run()
    assert touched(before, platform.written()) == set()
    assert platform.versions() == versions
    assert platform.stale() == set()
    assert {name: one["made"] for name, one in told.items()} == dict.fromkeys(told, 0)
    assert told["rendered_waves"]["pages_drawn"] == 0
    assert all(one["skipped"] > 0 for one in told.values())


def test_one_changed_csv_redraws_one_page_and_rewrites_one_shard(platform: Platform) -> None:
    record_id, before, versions = crowded(platform), platform.written(), platform.versions()
    head, *rows = platform.csv(record_id).read_text().splitlines()
    platform.csv(record_id).write_text("\n".join([head, *map(turned_over, rows)]) + "\n")
    told = platform.run()
    shard = shard_of(platform, record_id)
    assert touched(before, platform.written()) == {
        platform.root.relative(csv_path(platform.root, record_id)),
        *files_of(record_id),
        f"dataset_grid_wave_mix/shard-{shard:03d}.arrow",
    }
    assert told["rendered_waves"]["pages_drawn"] == 1
    assert (told["raw_csvs"]["made"], told["rendered_waves"]["made"], told["mixed_dataset"]["made"]) == (1, 1, 1)
    assert told["clean_grid"]["made"] == 0
    now = platform.versions()
    assert {name for name in versions if now[name] == versions[name]} == {"clean_grid", "grid_mask"}


def test_a_page_that_somebody_changed_is_not_kept_when_its_shard_is_made_again(platform: Platform) -> None:
    record_id = crowded(platform)
    neighbours = accepted_records(platform.root)
    mates = neighbours.loc[neighbours["shard"] == shard_of(platform, record_id), "id"].tolist()
    mate = next(one for one in mates if one != record_id)
    whole = page_path(platform.root, mate).read_bytes()
    page_path(platform.root, mate).write_bytes(whole[:-1] + b"x")
    page_path(platform.root, record_id).unlink()
    assert platform.run()["rendered_waves"]["pages_drawn"] == 2
    assert page_path(platform.root, mate).read_bytes() == whole


def test_a_changed_training_config_touches_nothing_before_the_training(platform: Platform, tmp_path: Path) -> None:
    before, path = platform.written(), tmp_path / "experiment.yaml"
    first = load_config("demo").model_copy(update={"experiment": "mine"})
    started = prepare_run(platform.root, first, quiet).config.read_text()
    path.write_text(yaml.safe_dump({**first.model_dump(mode="json"), "epochs": 2}))
    chosen = {"trained_checkpoint": {"ops": {"prepare": {"config": {"experiment": str(path)}}}}}
    told = platform.run(trained_checkpoint, **chosen)
    assert [told[name]["made"] for name in ("raw_csvs", "rendered_waves", "mixed_dataset")] == [0, 0, 0]
    assert touched(before, platform.written()) == set()
    assert json.loads(RunFolder(platform.root.runs / "mine").config.read_text())["config"]["epochs"] == 2
    assert json.loads(started)["config"]["epochs"] == first.epochs != 2


def test_a_deleted_record_disappears_from_every_stage(platform: Platform) -> None:
    record_id, before = crowded(platform), platform.written()
    shard = shard_of(platform, record_id)
    listed = platform.folder / "source" / "train.csv"
    table = pd.read_csv(listed, dtype=str)
    table[table["id"] != record_id].to_csv(listed, index=False)
    platform.csv(record_id).unlink()
    told = platform.run()
    assert touched(before, platform.written()) == {
        platform.root.relative(csv_path(platform.root, record_id)),
        *files_of(record_id),
        f"dataset_grid_wave_mix/shard-{shard:03d}.arrow",
    }
    assert not any(record_id in path.name for path in platform.root.path.rglob("*"))
    reader = SampleReader(platform.root.dataset, None)
    assert record_id not in {reader[number].record_id for number in range(len(reader))}
    assert told["rendered_waves"]["pages_drawn"] == 0
    assert told["rendered_waves"]["pages"] == RECORDS - 1


def test_the_lineage_marks_what_is_stale_and_nothing_else(platform: Platform) -> None:
    assert platform.stale() == set()
    path = platform.csv(str(accepted_records(platform.root)["id"].iloc[0]))
    text = path.read_text().splitlines()
    path.write_text("\n".join([text[0], text[-1], *text[2:]]) + "\n")
    resources = {"data_root": DataRootResource(path=str(platform.folder / "data"))}
    config = {"ops": {"raw_csvs": {"config": platform.source}}}
    dg.materialize([raw_csvs], instance=platform.instance, resources=resources, run_config=config)
    # What comes after the pages is stale only if they come out different.
    assert platform.stale() == {"rendered_waves", "wave_masks"}
    platform.run()
    assert platform.stale() == set()
    # The records alone, brought in again as they are: the same version, so nothing after them is stale.
    dg.materialize([raw_csvs], instance=platform.instance, resources=resources, run_config=config)
    assert platform.stale() == set()


def test_a_changed_style_draws_its_pages_again_and_brings_nothing_in(platform: Platform, tmp_path: Path) -> None:
    table, places = yaml.safe_load(TABLE.read_text("utf-8")), []
    table["mixes"] = {"two": {"kaggle": 1.0, "no-strip": 1.0}}
    for text_mm in (3.4, 3.6):
        table["styles"]["no-strip"]["text_mm"] = text_mm
        places.append(tmp_path / f"styles-{text_mm}.yaml")
        places[-1].write_text(yaml.safe_dump(table))
    versions = platform.versions()
    platform.styles = f"{places[0]}#two"
    platform.run()
    now = platform.versions()
    assert {name for name in versions if now[name] == versions[name]} == {"raw_csvs"}
    before = platform.written()
    platform.styles = f"{places[1]}#two"
    told = platform.run()
    drawn = told["rendered_waves"]["pages_by_style"]["no-strip"]
    assert 0 < drawn < told["rendered_waves"]["pages"]
    assert told["rendered_waves"]["pages_drawn"] == drawn
    assert (told["raw_csvs"]["made"], told["clean_grid"]["made"]) == (0, 1)
    changed = touched(before, platform.written())
    assert sum(name.startswith("data/wave_masks/") for name in changed) == drawn
    assert not any(name.startswith("ori_csv") for name in changed)
