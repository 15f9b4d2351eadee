"""The whole graph in a real Dagster: one launch over GraphQL makes everything, live epochs, skipping, kills.

The tests share one home and one data root. The first fills it, so each run later finds data that are current.
"""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import psutil
import pytest

from ecg_assets.resources.reconcile import worker_mark
from ecg_assets.training.launch.processes import group_members
from ecg_assets_tests.integration.live import CHECKOUT, environment, instance_of, status_of, until
from ecg_assets_tests.integration.live_training import (
    ENDLESS,
    FAILURE,
    SUCCESS,
    TRAINING_ASSETS,
    Live,
    epochs_seen,
    experiment_config,
    platform,
    trainer_group,
    wait_for_an_epoch,
    write_experiment,
)
from ecg_assets_tests.integration.test_definitions import ASSETS

# Reading pages takes a minute and more; the demo reads one.
EVERYTHING = set(ASSETS) - {"digitization_report"}
DATA_ASSETS = ["raw_csvs", "clean_grid", "grid_mask", "rendered_waves", "wave_masks", "mixed_dataset"]
PICTURED = EVERYTHING - {"champion", "kaggle_subset", "scan_segmentations", "digitized_signals"}


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    folder = tmp_path_factory.mktemp("live")
    experiment = write_experiment(folder, "tiny", epochs=3)
    with platform(folder, folder / "data_root", ECG_RECORDS="24", ECG_EXPERIMENT=str(experiment)) as running:
        yield running


def materializations(instance: dg.DagsterInstance, run_id: str) -> dict[str, dg.AssetMaterialization]:
    entries = instance.all_logs(run_id, of_type=dg.DagsterEventType.ASSET_MATERIALIZATION)
    made = [entry.asset_materialization for entry in entries if entry.asset_materialization is not None]
    return {one.asset_key.to_user_string(): one for one in made}


def versions_of(instance: dg.DagsterInstance, key: str) -> list[str]:
    """The asset's data version after each of its last two materialisations."""
    records = instance.fetch_materializations(dg.AssetKey(key), limit=2).records
    made = [record.asset_materialization for record in records]
    assert len(made) == 2
    return [(one.tags or {})["dagster/data_version"] for one in made if one is not None]


def test_one_launch_materialises_everything_and_its_log_holds_the_epochs_while_it_runs(live: Live) -> None:
    run_id = live.server.materialize(sorted(EVERYTHING))
    with instance_of(live.home) as instance:
        wait_for_an_epoch(instance, run_id)
        assert status_of(instance, run_id) == dg.DagsterRunStatus.STARTED
        until(lambda: status_of(instance, run_id) in (SUCCESS, FAILURE), 240, "the end of the run")
        assert status_of(instance, run_id) == SUCCESS
        assert epochs_seen(instance, run_id) == [1, 2, 3]
        made = materializations(instance, run_id)
    assert set(made) == EVERYTHING
    for key in PICTURED:
        assert "data:image/" in str(made[key].metadata["picture"].value), key
    assert trainer_group(live.data_root) is None


def test_the_code_server_takes_less_than_250_mb(live: Live) -> None:
    """At its most, and a run was started from it; training and reading are done in processes of their own."""
    served = [one for one in psutil.Process().children(recursive=True) if "grpc" in one.cmdline()]
    (peak_kb,) = [
        int(line.split()[1])
        for one in served
        for line in Path(f"/proc/{one.pid}/status").read_text("ascii").splitlines()
        if line.startswith("VmHWM:")
    ]
    assert 50e6 < peak_kb * 1024 < 250e6


def test_the_same_again_trains_nothing_makes_nothing_and_says_so(live: Live) -> None:
    """How long it takes is measured by `make bench`: here other tests share the cores."""
    run_id = live.server.materialize(sorted(EVERYTHING))
    with instance_of(live.home) as instance:
        until(lambda: status_of(instance, run_id) in (SUCCESS, FAILURE), 300, "the end of the run")
        assert status_of(instance, run_id) == SUCCESS
        assert epochs_seen(instance, run_id) == []
        made = materializations(instance, run_id)
        versions = {key: versions_of(instance, key) for key in EVERYTHING}
        log = "\n".join(entry.user_message for entry in instance.all_logs(run_id))
    counted = {key: one.metadata["made"].value for key, one in made.items() if "made" in one.metadata}
    assert counted == dict.fromkeys(counted, 0)
    assert {key: len(set(both)) for key, both in versions.items()} == dict.fromkeys(EVERYTHING, 1)
    assert set(counted) >= {"raw_csvs", "clean_grid", "rendered_waves", "mixed_dataset", "evaluation_report"}
    assert "raw_csvs: the source is unchanged; nothing to do" in log
    assert "rendered_waves: 0 of 16 shards to make, 16 are current" in log
    assert "tiny is already trained with this config on this dataset: nothing to do" in log
    assert made["champion"].metadata["promoted"].value is False


@pytest.mark.soak  # minutes; `.ci/run` runs the command itself
def test_the_demo_command_ends_with_a_table(live: Live) -> None:
    command = [str(Path(sys.executable).with_name("ecg-assets")), "demo"]
    variables = environment(live.home, **live.variables, COLUMNS="200")
    done = subprocess.run(command, cwd=CHECKOUT, env=variables, capture_output=True, text=True, timeout=1200)
    assert done.returncode == 0, done.stdout + done.stderr
    for key in ASSETS:
        assert key in done.stdout
    assert "make ui" in done.stdout
    assert "DEBUG" not in done.stderr


def test_images_put_into_the_inbox_are_read_by_the_champion(live: Live) -> None:
    inbox = live.data_root / "scans" / "inbox"
    page = sorted((live.data_root / "data" / "wave_images").glob("*.png"))[0]
    shutil.copy(page, inbox / "scan.png")
    (inbox / "broken.jpg").write_text("no image")
    run_id = live.server.materialize(["scan_segmentations"])
    with instance_of(live.home) as instance:
        until(lambda: status_of(instance, run_id) in (SUCCESS, FAILURE), 300, "the end of the run")
        made = materializations(instance, run_id)["scan_segmentations"]
    assert made.metadata["summary"].value == "1 images segmented, 1 unreadable"
    assert "data:image/" in str(made.metadata["picture"].value)
    assert (live.data_root / "scans" / "segmentations" / "scan_overlay.png").exists()


@pytest.fixture
def with_data(live: Live) -> None:
    """Sees to it that there is a dataset, where the tests before were not selected."""
    if not (live.data_root / "dataset_grid_wave_mix" / "dataset.json").exists():
        run_id = live.server.materialize(DATA_ASSETS)
        with instance_of(live.home) as instance:
            until(lambda: status_of(instance, run_id) in (SUCCESS, FAILURE), 300, "the end of the run")


def training_processes(live: Live, instance: dg.DagsterInstance, run_id: str) -> list[int]:
    """The trainer's whole group, as soon as it has trained an epoch."""
    wait_for_an_epoch(instance, run_id)
    group = trainer_group(live.data_root)
    assert group is not None
    return group_members(group)


@pytest.mark.soak  # in short by resources/test_pipes_trainer_client.py and training/test_trainer.py
def test_a_run_and_a_trainer_killed_in_an_epoch_are_completed_by_the_next_run(
    live: Live, with_data: None, tmp_path: Path
) -> None:
    many = write_experiment(tmp_path, "killed", epochs=8, steps_per_epoch=20, runtime="torch")
    killed = live.server.materialize(TRAINING_ASSETS, experiment_config(many))
    with instance_of(live.home) as instance:
        pids = training_processes(live, instance, killed)
        worker = worker_mark(instance, killed)
        assert worker is not None
        os.kill(worker.pid, signal.SIGKILL)
        for pid in pids:
            if psutil.pid_exists(pid):
                os.kill(pid, signal.SIGKILL)
        done = max(epochs_seen(instance, killed))
        assert done < 8
        run_id = live.server.materialize(TRAINING_ASSETS, experiment_config(many))
        until(lambda: status_of(instance, run_id) in (SUCCESS, FAILURE), 240, "the end of the next run")
        assert status_of(instance, run_id) == SUCCESS
        assert status_of(instance, killed) == FAILURE
        assert min(epochs_seen(instance, run_id)) > done, "it goes on from the last checkpoint"
        assert max(epochs_seen(instance, run_id)) == 8
        messages = [entry.user_message for entry in instance.all_logs(run_id)]
    assert any(killed in message for message in messages), "that the killed run was cleared away is said"


@pytest.mark.soak  # in short by resources/test_pipes_trainer_client.py
def test_a_worker_killed_alone_takes_its_trainer_with_it(live: Live, with_data: None, tmp_path: Path) -> None:
    endless = write_experiment(tmp_path, "orphaned", **ENDLESS)
    run_id = live.server.materialize(TRAINING_ASSETS, experiment_config(endless))
    with instance_of(live.home) as instance:
        pids = training_processes(live, instance, run_id)
        worker = worker_mark(instance, run_id)
        assert worker is not None
        os.kill(worker.pid, signal.SIGKILL)
        until(lambda: not any(map(psutil.pid_exists, pids)), 45, "the end of the trainer")
