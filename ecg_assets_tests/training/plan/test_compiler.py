"""The real TPU compiler, in an environment of its own, beside whoever holds the TPU; run by `.ci/run`."""

import fcntl
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from ecg_assets.store.bucket.address import cache_folder
from ecg_assets.training.launch.accelerator_holders import holders
from ecg_assets.training.plan.compiler_environment import CompilerEnvironment, compiler_environment
from ecg_assets.training.plan.compiling import memory_limit_gib
from ecg_assets.training.plan.machines import MACHINES
from ecg_assets.training.tpu_plans import shipped_plans
from ecg_assets_tests.integration.live import CHECKOUT

pytestmark = [
    pytest.mark.tpu_compiler,
    pytest.mark.timeout(1500),
    pytest.mark.xdist_group("tpu_compiler"),
    pytest.mark.skipif(sys.platform != "linux" or os.uname().machine != "x86_64", reason="libtpu has no wheel here"),
]

LOCK = Path("/tmp/libtpu_lockfile")
# Of a core, as the compiler says when a program needs too much.
LIMITS_GIB = {"v2-8": 7.48, "v3-8": 15.48, "v4-8": 30.75, "v5litepod-4": 15.75, "v5p-8": 95.74, "v6e-1": 31.25}


@pytest.fixture(scope="module")
def environment() -> CompilerEnvironment:
    return compiler_environment("pinned", print)


def plan(*arguments: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "ecg_assets.cli", "tpu", "plan", *arguments]
    return subprocess.run(command, cwd=CHECKOUT, env=os.environ | environment, capture_output=True, text=True)


def test_the_demo_is_judged_for_a_v3_8_as_it_comes_with_the_package(environment: CompilerEnvironment) -> None:
    done = plan("demo", "--machine", "v3-8", "--json")
    assert done.returncode == 0, done.stderr
    (found,) = json.loads(done.stdout)
    (shipped,) = (each for each in shipped_plans() if (each.config, each.machine) == ("demo", "v3-8"))
    own = {"compile_s"}
    assert {name: found[name] for name in found if name not in own} == shipped.model_dump(exclude=own)
    assert found["fits"] and found["compile_s"] > 0 and found["peak_gib"] < found["limit_gib"]
    compiled = {path: path.stat().st_mtime_ns for path in (cache_folder() / "tpu-plan" / "compiled").iterdir()}
    again = plan("demo", "--machine", "v3-8", "--operations")
    assert again.returncode == 0 and "module of the network" in again.stdout and "backward" in again.stdout
    assert {path: path.stat().st_mtime_ns for path in compiled} == compiled


@pytest.mark.parametrize(("machine", "limit_gib"), LIMITS_GIB.items())
def test_the_compiler_knows_every_core(environment: CompilerEnvironment, machine: str, limit_gib: float) -> None:
    assert memory_limit_gib(environment, MACHINES[machine].core.target) == pytest.approx(limit_gib, abs=0.01)


def test_a_plan_neither_waits_for_who_holds_the_tpu_nor_looks_like_it(environment: CompilerEnvironment) -> None:
    was_there = LOCK.exists()
    with LOCK.open("a") as held:
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        assert memory_limit_gib(environment, MACHINES["v3-8"].core.target) > 0
        assert {holder.pid for holder in holders([str(LOCK)])} == {os.getpid()}
    if was_there:
        return
    LOCK.unlink()
    memory_limit_gib(environment, MACHINES["v3-8"].core.target)
    assert not LOCK.exists()


def test_without_the_registry_one_sentence_says_what_is_missing(tmp_path: Path) -> None:
    nowhere: dict[str, Any] = {
        "PIP_INDEX_URL": "http://127.0.0.1:9/simple",
        "PIP_EXTRA_INDEX_URL": "",
        "PIP_RETRIES": "0",
    }
    done = plan("demo", "--machine", "v3-8", ECG_ASSETS_CACHE=str(tmp_path), PIP_CONFIG_FILE=os.devnull, **nowhere)
    assert done.returncode == 1
    (said,) = [line for line in done.stderr.splitlines() if line.startswith("Error: ")]
    assert "the TPU compiler (jax, libtpu) cannot be installed into" in said
    assert "make that reachable" in said
