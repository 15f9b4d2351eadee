"""`ecg-assets tpu`: what it shows with and without a TPU, with a tpu-info on the PATH, and what --release ends."""

import os
import re
import signal
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from ecg_assets.commands.tpu import tpu
from ecg_assets.training.launch import accelerator_holders as holders
from ecg_assets.training.tpu import pci as topology
from ecg_assets.training.tpu.usage import tpu_usage
from ecg_assets_tests.training.launch.occupied import LOCK, dead_pid, holding, sleeping, training
from ecg_assets_tests.training.tpu.tpu_machines import machine, pci_bus

# As tpu-info 0.4 and later print it for a v6e.
TPU_INFO = """#!/bin/sh
cat <<'END'
TPU Chips
│ /dev/vfio/0   TPU v6e chip  1        1052   │
TPU Runtime Utilization
┃ Chip    HBM usage                 Duty cycle ┃
│ 8       18.45 GiB / 31.25 GiB        100.00% │
│ 9       │ 10.40 GiB / 31.25 GiB │     57.31% │
TensorCore Utilization
│ 0                         13.60%│
END
"""


@pytest.fixture(autouse=True)
def lock_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """No TPU, no tpu-info, an empty data root; the accelerator's files are the test's own."""
    monkeypatch.setenv("ECG_ASSETS_DATA", str(tmp_path / "data_root"))
    monkeypatch.setenv("COLUMNS", "120")
    (tmp_path / "bin").mkdir()
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:/usr/bin:/bin")
    for name in [name for name in os.environ if name.startswith(("TPU_", "CLOUD_TPU"))]:
        monkeypatch.delenv(name)
    monkeypatch.setattr(topology, "_PCI_DEVICES", pci_bus(tmp_path / "no_tpu", "0x0027", "0x004f", 0))
    monkeypatch.setattr(holders, "ACCELERATOR_FILES", (str(tmp_path / "lock"),))
    (tmp_path / "lock").touch()
    return tmp_path / "lock"


def be(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, worker_id: int = 0) -> None:
    monkeypatch.setattr(topology, "_PCI_DEVICES", machine(name).pci(tmp_path / "pci"))
    for variable, value in machine(name).environment(worker_id).items():
        monkeypatch.setenv(variable, value)


def install_tpu_info(tmp_path: Path, script: str) -> None:
    path = tmp_path / "bin" / "tpu-info"
    path.write_text(script)
    path.chmod(0o755)


def run(*arguments: str, answer: str = "") -> Result:
    return CliRunner().invoke(tpu, list(arguments), input=answer, catch_exceptions=False)


def rows(result: Result) -> dict[str, str]:
    cells = (line.strip("│ ").split("│") for line in result.output.splitlines() if line.count("│") == 3)
    return {row[0].strip(): row[1].strip() for row in cells}


def test_without_a_tpu_it_says_so_and_what_the_cpu_will_do() -> None:
    result = run()
    assert result.exit_code == 0
    assert result.output.startswith("There is no TPU on this machine")
    assert "trainings run on the CPU" in result.output


def test_a_host_of_a_slice_is_shown_as_a_table_and_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    be("v3-32", tmp_path, monkeypatch, worker_id=2)
    result = run()
    assert rows(result) == {
        "version": "v3",
        "accelerator type": "v3-32",
        "chips of this host": "4",
        "cores of this host": "8",
        "processes of this host": "4",
        "replica threads in a process": "2",
        "hosts": "4",
        "number of this host": "2",
        "world size: replicas of all hosts": "32",
    }
    assert "The slice has 4 hosts, this is host number 2 of 0 to 3" in result.output
    assert "pip install tpu-info" in result.output
    assert "The TPU is free" in result.output


def test_memory_and_use_of_each_chip_come_from_tpu_info(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    be("v6e-8", tmp_path, monkeypatch)
    install_tpu_info(tmp_path, TPU_INFO)
    lines = [" ".join(line.replace("│", " ").split()) for line in run().output.splitlines()]
    assert "8 18.4 of 31.2 GiB 100 %" in lines
    assert "9 10.4 of 31.2 GiB 57 %" in lines


@pytest.mark.parametrize(
    ("script", "said"),
    [
        ("#!/bin/sh\nexec sleep 60\n", "tpu-info did not answer within 1 s"),
        ("#!/bin/sh\necho 'libtpu is missing' >&2\nexit 3\n", "tpu-info ended with exit code 3: libtpu is missing"),
        ("#!/bin/sh\necho 'TPU Chips'\n", "shows no chip in use"),
        ("#!/no/such/interpreter\n", "tpu-info .*No such file"),
    ],
)
def test_a_tpu_info_that_does_not_work_is_a_sentence(script: str, said: str, tmp_path: Path) -> None:
    install_tpu_info(tmp_path, script)
    usage = tpu_usage(timeout_s=1)
    assert usage.chips == ()
    assert usage.note is not None
    assert re.search(said, usage.note)


def test_who_is_on_the_tpu_is_named_and_not_ended(
    tmp_path: Path, lock_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    be("v4-8", tmp_path, monkeypatch)
    with holding(LOCK, lock_file) as process:
        result = run("--release")
        assert f"In use: process {process.pid} (" in result.output
        assert "No training of this project is running" in result.output
        assert process.poll() is None


def test_release_ends_what_a_dead_run_left_and_nobody_else(tmp_path: Path) -> None:
    run_folder = tmp_path / "data_root" / "runs" / "demo"
    with sleeping() as other, training(run_folder, dead_pid()) as left:
        assert f"In use: process {left.pid} (" in run().output
        result = run("--release")
        assert f"Ended demo (process group {left.pid})" in result.output
        assert left.wait(5) == -signal.SIGTERM
        assert other.poll() is None
    assert "In use" not in run().output


def test_release_asks_before_it_ends_a_training_whose_run_is_alive(tmp_path: Path) -> None:
    run_folder = tmp_path / "data_root" / "runs" / "demo"
    with training(run_folder, os.getpid()) as trainer:
        assert "belongs to an active run" in run("--release", answer="n\n").output
        assert trainer.poll() is None
        assert "Ended demo" in run("--release", "--yes").output
        assert trainer.wait(5) == -signal.SIGTERM
