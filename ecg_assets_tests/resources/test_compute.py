"""The engine resource: one setting, local unless it is set, and no Ray in a local run."""

import subprocess
import sys
from pathlib import Path

import pytest

from ecg_assets.resources.compute import ENGINE_VARIABLE, EngineResource
from ecg_assets.store.compute.ray_pool import RayEngine
from ecg_assets.store.root import open_root
from ecg_assets_tests.conftest import quiet
from ecg_assets_tests.integration.live import CHECKOUT


def test_without_a_setting_work_is_done_by_processes_of_this_machine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(ENGINE_VARIABLE, raising=False)
    monkeypatch.setenv("ECG_WORKERS", "3")
    root = open_root(tmp_path)
    assert EngineResource().workers(root, quiet) == 3
    assert EngineResource(engine="local").workers(root, quiet, local=1) == 1


@pytest.mark.parametrize(
    ("variable", "field", "address"),
    [
        ("ray", "", "auto"),
        ("ray:10.0.0.2:6379", "", "10.0.0.2:6379"),
        ("local", "ray:10.0.0.3:6379", "10.0.0.3:6379"),
    ],
)
def test_the_variable_or_the_field_names_a_cluster_and_the_field_counts_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, variable: str, field: str, address: str
) -> None:
    monkeypatch.setenv(ENGINE_VARIABLE, variable)
    engine = EngineResource(engine=field, max_retries=5).workers(open_root(tmp_path), quiet)
    assert isinstance(engine, RayEngine)
    assert (engine.shared, engine.address, engine.max_retries) == (tmp_path, address, 5)


@pytest.mark.parametrize("named", ["dask", "local:1", "ray//10.0.0.2"])
def test_an_unknown_engine_is_an_error_that_names_the_known_ones(tmp_path: Path, named: str) -> None:
    with pytest.raises(ValueError, match="expected local, ray, or ray:host:port"):
        EngineResource(engine=named).workers(open_root(tmp_path), quiet)


def test_a_local_run_does_not_import_ray(synthetic_source: Path, tmp_path: Path) -> None:
    program = (
        "import sys, dagster as dg\n"
        "from ecg_assets.definitions import definitions\n"
        "from ecg_assets.store.root import open_root\n"
        "from ecg_assets.resources.compute import EngineResource\n"
        "from ecg_assets.store.compute.pool import map_unordered\n"
        "workers = EngineResource().workers(open_root(sys.argv[1]), print)\n"
        "assert sorted(map_unordered(abs, [-1, -2], workers)) == [1, 2]\n"
        "print(sorted(name for name in sys.modules if name.split('.')[0] in ('ray', 'torch')))\n"
    )
    ran = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path)], cwd=CHECKOUT, capture_output=True, text=True, timeout=120
    )
    assert (ran.returncode, ran.stdout.strip()) == (0, "[]"), ran.stderr
