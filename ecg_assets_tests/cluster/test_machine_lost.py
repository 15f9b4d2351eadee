"""The data assets on two machines, by one variable: one is killed at 40 % of the pages, and nothing is missing."""

import json
import subprocess
import sys
import time
from pathlib import Path

import pytest

from ecg_assets.store.manifest import read_manifest
from ecg_assets.store.root import DataRoot, open_root
from ecg_assets_tests.cluster.nodes import NODES, RayNodes
from ecg_assets_tests.conftest import CLEAN_PAGES, CLEAN_SAMPLES, AdviceGiven
from ecg_assets_tests.integration.live import CHECKOUT, environment, make_home
from ecg_assets_tests.samples.test_dataset import digest_of

DATA_ASSETS = "raw_csvs,clean_grid,grid_mask,rendered_waves,wave_masks,mixed_dataset"
LOST, KEPT = NODES
# Minutes: whole stages are run again and again.
pytestmark = [pytest.mark.cluster, pytest.mark.soak]


def page_shards(root: DataRoot) -> tuple[int, int]:
    """How many are finished, how many begun and not finished."""
    manifests = [read_manifest(path) for path in (root.wave_images / "_manifests").glob("shard-*.json")]
    finished = sum(manifest is not None and manifest.fingerprint != "" for manifest in manifests)
    return finished, len(manifests) - finished


def run_and_kill(cluster: RayNodes, folder: Path, source: Path, max_retries: int) -> tuple[DataRoot, int, str]:
    """Materialises the data assets on the cluster and kills a machine at 40 % of the pages; the run's exit and log."""
    root = open_root(folder / "data")
    make_home(folder / "home")
    command, variables = run_of(cluster, root, folder, source, max_retries)
    with (folder / "log").open("wb") as log:
        run = subprocess.Popen(command, cwd=CHECKOUT, env=variables, stdout=log, stderr=log, start_new_session=True)
        deadline = time.monotonic() + 200
        # The machine is held in the middle of a shard, so that it is there when the other one has come to 40 %.
        while not (page_shards(root)[1] and cluster.hold_at_work(LOST)):
            assert run.poll() is None and time.monotonic() < deadline, (folder / "log").read_text()
            time.sleep(0.01)
        while page_shards(root)[0] < 0.4 * root.shards:
            assert run.poll() is None and time.monotonic() < deadline, (folder / "log").read_text()
            time.sleep(0.01)
        cluster.kill(LOST)
        code = run.wait(timeout=300)
    return root, code, (folder / "log").read_text()


def run_of(
    cluster: RayNodes, root: DataRoot, folder: Path, source: Path, max_retries: int
) -> tuple[list[str], dict[str, str]]:
    """The command of a run, and its environment."""
    config = {
        "resources": {"engine": {"config": {"max_retries": max_retries}}},
        "ops": {
            "grids": {"config": CLEAN_PAGES.model_dump()},
            "pages": {"config": CLEAN_PAGES.model_dump()},
            "mixed_dataset": {"config": CLEAN_SAMPLES.model_dump(mode="json")},
        },
    }
    variables = environment(
        folder / "home", ECG_ASSETS_DATA=str(root.path), ECG_SOURCE=str(source), ECG_ENGINE=f"ray:{cluster.address}"
    )
    command = [str(Path(sys.executable).with_name("dagster")), "asset", "materialize", "--select", DATA_ASSETS]
    command += ["-m", "ecg_assets.definitions", "--config-json", json.dumps(config)]
    return command, variables


def test_a_machine_killed_at_40_percent_changes_nothing_in_what_is_made(
    cluster: RayNodes, made_root: DataRoot, synthetic_source: Path, tmp_path: Path
) -> None:
    root, code, log = run_and_kill(cluster, tmp_path, synthetic_source, max_retries=3)
    assert code == 0, log
    assert digest_of(root.path) == digest_of(made_root.path)
    assert "a task was tried 2 times" in log
    assert f" on {KEPT} (" in log
    assert [path.name for path in root.path.rglob(".tmp-*")] == []


@pytest.mark.advice(
    "store/compute/ray_pool.py", "): run again on machines that last; finished shards are not made again"
)
def test_without_retries_the_same_run_fails_and_says_why(
    cluster: RayNodes, synthetic_source: Path, tmp_path: Path, advice: AdviceGiven
) -> None:
    root, code, log = run_and_kill(cluster, tmp_path, synthetic_source, max_retries=0)
    assert code != 0
    assert "a task was lost with its machine" in log
    advice.in_message(log)
    assert page_shards(root)[0] < root.shards
    with (tmp_path / "again").open("wb") as again:
        command, variables = run_of(cluster, root, tmp_path, synthetic_source, max_retries=0)
        subprocess.run(command, cwd=CHECKOUT, env=variables, stdout=again, stderr=again, check=True, timeout=600)
    assert page_shards(root) == (root.shards, 0)
