"""A run that is killed in the middle of rendering: the next one completes without a hand, to the same content."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from ecg_assets.pages.config import PagesConfig
from ecg_assets.pages.preview import contact_sheet
from ecg_assets.records.synthetic.folder import write_synthetic_source
from ecg_assets.samples.config import SamplesConfig
from ecg_assets.store.manifest import read_manifest
from ecg_assets.store.root import DataRoot, open_root
from ecg_assets_tests.conftest import make_root, quiet
from ecg_assets_tests.integration.live import CHECKOUT, environment, make_home
from ecg_assets_tests.samples.test_dataset import digest_of

DATA_ASSETS = "raw_csvs,clean_grid,grid_mask,rendered_waves,wave_masks,mixed_dataset"


def command() -> list[str]:
    dagster = str(Path(sys.executable).with_name("dagster"))
    return [dagster, "asset", "materialize", "--select", DATA_ASSETS, "-m", "ecg_assets.definitions"]


def finished_shards(root: DataRoot) -> int:
    manifests = [read_manifest(path) for path in (root.wave_images / "_manifests").glob("shard-*.json")]
    return sum(manifest is not None and manifest.fingerprint != "" for manifest in manifests)


def test_the_run_after_a_killed_rendering_completes_to_the_same_pages_masks_and_dataset(
    tmp_path: Path,
) -> None:
    root, source = open_root(tmp_path / "data"), tmp_path / "source"
    write_synthetic_source(source, 12, 0, quiet)
    variables = environment(
        make_home(tmp_path / "home"), ECG_ASSETS_DATA=str(root.path), ECG_SOURCE=str(source), ECG_WORKERS="2"
    )
    with (tmp_path / "log").open("wb") as log:
        run = subprocess.Popen(command(), cwd=CHECKOUT, env=variables, stdout=log, stderr=log, start_new_session=True)
        deadline = time.monotonic() + 120
        while not finished_shards(root):
            assert run.poll() is None, (tmp_path / "log").read_text()
            assert time.monotonic() < deadline
            time.sleep(0.01)
        os.killpg(run.pid, signal.SIGKILL)
        run.wait()
    assert 0 < finished_shards(root) < root.shards
    again = subprocess.run(command(), cwd=CHECKOUT, env=variables, capture_output=True, text=True, timeout=240)
    assert again.returncode == 0, again.stderr
    undisturbed = make_root(tmp_path / "undisturbed", source, PagesConfig(), SamplesConfig())
    assert digest_of(root.path) == digest_of(undisturbed.path)
    assert contact_sheet(root, 4) == contact_sheet(undisturbed, 4)
