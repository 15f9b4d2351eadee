"""Dagster on a data root in a bucket: a second machine, one changed record, a training that moves elsewhere."""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from ecg_assets.assets.dataset import mixed_dataset
from ecg_assets.assets.grids import grids
from ecg_assets.assets.pages import pages
from ecg_assets.assets.records import raw_csvs
from ecg_assets.checks.dataset import no_record_is_in_two_splits
from ecg_assets.resources import gcs
from ecg_assets.resources.compute import EngineResource
from ecg_assets.resources.data_root import DataRootResource
from ecg_assets.resources.gcs import NEEDS, RunKeeper
from ecg_assets.store.atomic import write_bytes, write_text
from ecg_assets.store.bucket.client import _default_client, shared_client, use_client
from ecg_assets.store.bucket.push import SecondWriterError
from ecg_assets.store.bucket.retry import BucketError
from ecg_assets.store.bucket.session import pull_into, push_from
from ecg_assets.store.root import DataRoot, open_root
from ecg_assets.training.config import load_config
from ecg_assets.training.runs.prepare import prepare_run
from ecg_assets.training.runs.run_folder import RunFolder
from ecg_assets.training.runs.run_state import RunState, read_state, write_state
from ecg_assets_tests.conftest import quiet
from ecg_assets_tests.resources.launch_defs import RESOURCES, trained
from ecg_assets_tests.store.bucket.bucket_emulator import BUCKET, Emulator, Request, emulator_running, failing

ADDRESS = f"gs://{BUCKET}/team/root"
MANIFESTS = "team/root/manifests/"
CONFIG: dict[str, dict[str, Any]] = {
    "pages": {"styles": "kaggle"},
    "mixed_dataset": {"recipes": {"clean": 1.0}, "crop_px": 256, "positives": 1, "negatives": 1},
}


@pytest.fixture
def emulator(monkeypatch: pytest.MonkeyPatch) -> Iterator[Emulator]:
    monkeypatch.setenv("ECG_WORKERS", "1")
    with emulator_running(monkeypatch) as running:
        yield running
    use_client(_default_client)


@dataclass
class Machine:
    """A machine with a cache and a Dagster instance of its own."""

    cache: Path
    monkeypatch: pytest.MonkeyPatch

    def root(self) -> DataRoot:
        self.monkeypatch.setenv("ECG_ASSETS_CACHE", str(self.cache))
        return open_root(ADDRESS)

    def materialize(self, source: Path, *assets: Any) -> tuple[dict[str, tuple[str, Any]], str]:
        """Data version and number of made shards of each asset; and the log."""
        self.root()
        chosen = assets or (raw_csvs, grids, pages, mixed_dataset, no_record_is_in_two_splits)
        config = {"raw_csvs": {"source": str(source)}, "grids": {"styles": "kaggle"}} | CONFIG
        names = {each.op.name for each in chosen if hasattr(each, "op")}
        with dg.DagsterInstance.ephemeral() as instance:
            result = dg.materialize(
                chosen,
                instance=instance,
                resources={"data_root": DataRootResource(path=ADDRESS), "engine": EngineResource()},
                run_config={"ops": {name: {"config": values} for name, values in config.items() if name in names}},
            )
            log = "\n".join(entry.user_message for entry in instance.all_logs(result.run_id))
        made = [event.step_materialization_data.materialization for event in result.get_asset_materialization_events()]
        return {
            one.asset_key.to_user_string(): ((one.tags or {})["dagster/data_version"], one.metadata["made"].value)
            for one in made
        }, log


@pytest.fixture
def a(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, emulator: Emulator) -> Machine:
    return Machine(tmp_path / "a", monkeypatch)


@pytest.fixture
def b(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, emulator: Emulator) -> Machine:
    return Machine(tmp_path / "b", monkeypatch)


def test_all_data_assets_go_on_elsewhere_and_one_changed_record_puts_one_shard_of_each(
    a: Machine, b: Machine, emulator: Emulator, source_copy: Path
) -> None:
    for dropped in ("90000003", "90000004", "90000006"):  # the others fill all three splits
        shutil.rmtree(source_copy / "train" / dropped)
    table = (source_copy / "train.csv").read_text().splitlines(keepends=True)
    (source_copy / "train.csv").write_text("".join(table[line] for line in (0, 1, 2, 5)))
    first, _ = a.materialize(source_copy)
    second, log = b.materialize(source_copy)
    assert {name: version for name, (version, _) in second.items()} == {n: version for n, (version, _) in first.items()}
    assert {name: made for name, (_, made) in second.items()} == dict.fromkeys(first, 0)
    assert "the source is unchanged; nothing to do" in log
    assert not [request for request in emulator.seen[-200:] if request.kind == "delete"]

    record = sorted((source_copy / "train").rglob("*.csv"))[0]
    head, line, *rest = record.read_text().split("\n")
    record.write_text("\n".join([head, line.replace(line.split(",")[1], "0.1234"), *rest]))
    emulator.forget()
    third, _ = b.materialize(source_copy)
    made = {name: made for name, (_, made) in third.items()}
    assert made == {"clean_grid": 0, "grid_mask": 0} | dict.fromkeys(
        ["raw_csvs", "rendered_waves", "wave_masks", "mixed_dataset"], 1
    )
    put = [request.name.removeprefix(MANIFESTS) for request in emulator.seen if request.kind == "put"]
    parts = [name.rpartition("/")[0] for name in put if not name.startswith("team")]
    assert sorted(parts) == ["data/wave_images", *["dataset_grid_wave_mix"] * 2, "ori_csv"]  # of the two one is facts


def test_a_step_pulls_what_it_needs_and_no_more(a: Machine, b: Machine) -> None:
    root = a.root()
    champion, facts, note = "champion/champion.json", "dataset_grid_wave_mix/dataset.json", "runs/published.json"
    for name in (champion, facts, note):
        write_text(root.path / name, name)
        push_from((root.path / name).parent, quiet)
    folder, resources = b.root().path, {"data_root": DataRootResource(path=ADDRESS)}

    def here() -> list[str]:
        return [name for name in (champion, facts, note) if (folder / name).exists()]

    @dg.asset(name="scan_segmentations")
    def opens(data_root: DataRootResource) -> None:
        data_root.open()

    @dg.asset_check(asset="mixed_dataset")
    def looks(data_root: DataRootResource) -> dg.AssetCheckResult:
        return dg.AssetCheckResult(passed=data_root.open().dataset.exists())

    @dg.op(name="of_somebody_else")
    def opens_too(data_root: DataRootResource) -> None:
        data_root.open()

    dg.materialize([opens], resources=resources)
    assert here() == [champion]
    checks = dg.Definitions(asset_checks=[looks], resources=resources)
    checks.resolve_implicit_global_asset_job_def().execute_in_process()
    assert here() == [champion, facts]
    resources["data_root"].open()  # as a sensor does, every minute
    assert here() == [champion, facts]
    dg.GraphDefinition("graph", node_defs=[opens_too]).to_job(resource_defs=resources).execute_in_process()
    assert here() == [champion, facts, note]


def test_every_asset_and_op_that_opens_the_data_root_is_known_here() -> None:
    from ecg_assets.definitions import ASSETS

    defined = [each.node_def for each in ASSETS]
    inner = [node.name for each in defined if isinstance(each, dg.GraphDefinition) for node in each.nodes]
    assert {*(each.name for each in defined), *inner} <= set(NEEDS)


def checkpoint(run: RunFolder, epochs: int) -> None:
    write_bytes(run.last, f"weights after {epochs}".encode())
    write_state(run, RunState(fingerprint="f", epochs_done=epochs, finished=False, best_epoch=1, history=[]))


def started(machine: Machine) -> RunFolder:
    root = machine.root()
    if not (root.dataset / "dataset.json").exists():
        write_text(root.dataset / "dataset.json", '{"digest": "d"}')
    return prepare_run(root, load_config("demo").model_copy(update={"experiment": "moved"}), quiet)


def test_a_training_goes_on_on_another_machine_from_the_last_checkpoint_that_was_put(
    a: Machine, b: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gcs, "_PUSH_EVERY_S", 0)
    run = started(a)
    keeper = RunKeeper(run.path, dg.build_op_context().log)
    keeper.look()
    for epochs in (1, 2):
        checkpoint(run, epochs)
        keeper.look()
    # This machine is gone; a new one has nothing but the address.
    root = b.root()
    assert not root.runs.exists()
    pull_into(root.path, NEEDS["prepare"], quiet)
    moved = started(b)
    state = read_state(moved)
    assert state is not None and state.epochs_done == 2
    assert moved.last.read_bytes() == b"weights after 2"


def test_a_run_folder_is_put_only_when_there_is_a_new_checkpoint(a: Machine, emulator: Emulator) -> None:
    run = started(a)
    keeper = RunKeeper(run.path, dg.build_op_context().log)
    checkpoint(run, 1)
    keeper.look()
    emulator.forget()
    keeper.look()
    checkpoint(run, 2)
    keeper.look()  # 30 s have not passed
    assert not emulator.seen
    keeper.look(at_once=True)
    assert emulator.counts()["put"] == 3  # weights, state, manifest


def test_what_the_trainer_writes_while_its_folder_is_put_does_no_harm(
    a: Machine, b: Machine, emulator: Emulator
) -> None:
    run = started(a)
    checkpoint(run, 1)

    def fault(request: Request) -> None:
        if request.kind == "put" and "/files/" in request.name:
            checkpoint(run, 2)
            run.events.write_text("a line\n" * 9)

    run.events.write_text("a line\n")
    emulator.fault = fault
    RunKeeper(run.path, dg.build_op_context().log).finish()
    emulator.fault = lambda request: None
    root = b.root()
    pull_into(root.path, ["runs"], quiet)
    moved = RunFolder(root.runs / "moved")
    assert moved.last.read_bytes() == b"weights after 1"
    assert moved.events.read_text() == "a line\n"


def test_a_bucket_out_of_reach_is_a_warning_while_training_and_an_error_at_its_end(
    a: Machine, emulator: Emulator
) -> None:
    run = started(a)
    checkpoint(run, 1)
    keeper = RunKeeper(run.path, dg.build_op_context().log)
    emulator.fault = failing(-1, 503, "put")
    keeper.look()
    with pytest.raises(BucketError, match="still 503 Service Unavailable after 9 tries"):
        keeper.finish()
    emulator.fault = lambda request: None
    keeper.look(at_once=True)
    assert f"{MANIFESTS}runs/moved/run.json" in emulator.names()


def test_two_machines_that_train_the_same_experiment_the_second_stops(a: Machine, b: Machine) -> None:
    runs = [started(machine) for machine in (a, b)]
    keepers = [RunKeeper(run.path, dg.build_op_context().log) for run in runs]
    for epochs, run in enumerate(runs, start=1):
        checkpoint(run, epochs)
    keepers[0].look()
    with pytest.raises(SecondWriterError, match=r"runs/moved/run.json was written by another machine"):
        keepers[1].look()


def test_the_launch_puts_the_run_folder(a: Machine, emulator: Emulator) -> None:
    folder = a.root().runs / "stand_in"
    write_text(folder / "plan.json", '{"epochs": 1, "seconds": 0.1, "children": 0, "fail": false}')
    a.monkeypatch.setenv("ECG_TEST_RUN_FOLDER", str(folder))
    a.monkeypatch.setenv("ECG_ASSETS_DATA", ADDRESS)
    with dg.DagsterInstance.ephemeral() as instance:
        assert dg.materialize([trained], instance=instance, resources=RESOURCES).success
    assert f"{MANIFESTS}runs/stand_in/run.json" in emulator.names()
    assert not any("process" in name for name in emulator.names())


def test_the_client_is_that_of_dagsters_gcs_resource(emulator: Emulator) -> None:
    resource = DataRootResource(gcp_project="my-project")
    with dg.DagsterInstance.ephemeral() as instance:
        context = dg.build_init_resource_context(instance=instance)
        resource.setup_for_execution(context)
    assert shared_client().project == "my-project"
