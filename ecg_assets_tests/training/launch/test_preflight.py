"""Who is on the accelerator is found from real processes, and only what this project started is ever ended."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner

from ecg_assets.cli import main
from ecg_assets.store.root import DataRoot, open_root
from ecg_assets.training.launch import accelerator_holders as holders_module
from ecg_assets.training.launch.accelerator_holders import holders
from ecg_assets.training.launch.preflight import AcceleratorBusyError, preflight
from ecg_assets.training.launch.process_record import (
    PROCESS_FILE,
    AlreadyTrainingError,
    LaunchRecordError,
    clear_left_processes,
    note_launch,
    read_launch,
    recorded_launches,
)
from ecg_assets.training.tpu import pci as topology
from ecg_assets_tests.conftest import AdviceGiven, quiet
from ecg_assets_tests.training.conftest import SMALL
from ecg_assets_tests.training.launch.occupied import HOLD, LOCK, dead_pid, holding, record, sleeping, training
from ecg_assets_tests.training.tpu.tpu_machines import machine


@pytest.fixture
def run_folder(tmp_path: Path) -> Path:
    folder = tmp_path / "runs" / "mine"
    folder.mkdir(parents=True)
    return folder


@pytest.fixture
def lock_file(tmp_path: Path) -> Path:
    path = tmp_path / "libtpu_lockfile"
    path.touch()
    return path


@pytest.fixture
def on_a_tpu(tmp_path: Path, lock_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A v3-8 whose lock and chips are files of the test."""
    monkeypatch.setattr(topology, "_PCI_DEVICES", machine("v3-8").pci(tmp_path / "pci"))
    monkeypatch.setattr(holders_module, "ACCELERATOR_FILES", (str(lock_file), str(tmp_path / "dev" / "accel*")))
    monkeypatch.delenv("PJRT_DEVICE", raising=False)
    for name, value in machine("v3-8").environment().items():
        monkeypatch.setenv(name, value)


@pytest.mark.parametrize("script", [HOLD, LOCK], ids=["open", "locked"])
def test_the_holder_of_the_lock_file_is_named_with_its_command(script: str, lock_file: Path) -> None:
    assert holders([str(lock_file)]) == []
    with holding(script, lock_file) as process:
        (holder,) = holders([str(lock_file)])
        assert holder.pid == process.pid
        assert holder.file == str(lock_file)
        assert holder.command.startswith(sys.executable)
    assert holders([str(lock_file)]) == []


def test_a_lock_is_seen_in_the_kernels_table_where_open_files_are_not(
    lock_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As for another user's process, whose open files only root may read."""
    monkeypatch.setattr(holders_module, "_openers", lambda files: ())
    with holding(LOCK, lock_file) as process:
        assert [holder.pid for holder in holders([str(lock_file)])] == [process.pid]


def test_a_chip_is_found_by_its_pattern_and_others_are_not(tmp_path: Path) -> None:
    chip, other = tmp_path / "accel0", tmp_path / "other0"
    chip.touch()
    other.touch()
    with holding(HOLD, chip) as process, holding(HOLD, other):
        assert [(each.pid, each.file) for each in holders([str(tmp_path / "accel*")])] == [(process.pid, str(chip))]


IN_USE = pytest.mark.advice(
    "training/launch/preflight.py", ". Wait for them to end; `ecg-assets tpu --release` ends those"
)


@IN_USE
@pytest.mark.usefixtures("on_a_tpu")
def test_a_launch_is_refused_while_somebody_is_on_the_tpu(
    run_folder: Path, lock_file: Path, advice: AdviceGiven
) -> None:
    lines: list[str] = []
    with holding(LOCK, lock_file) as process:
        held = rf"process {process.pid} \(.*python.*\) holds .*lockfile"
        with pytest.raises(AcceleratorBusyError, match=held) as busy:
            preflight(run_folder, 1, lines.append)
        advice.in_message(busy.value)
        assert process.poll() is None
    preflight(run_folder, 1, lines.append)
    assert "v3-8: 4 chips here, 8 of 8 replicas" in lines[0]


@pytest.mark.usefixtures("on_a_tpu")
def test_a_live_training_of_another_run_folder_is_named_and_a_dead_ones_rest_is_ended(run_folder: Path) -> None:
    other = run_folder.with_name("other")
    lines: list[str] = []
    with training(other, os.getpid()) as alive:
        with pytest.raises(AcceleratorBusyError, match=rf"process {alive.pid} \(.*\) trains other"):
            preflight(run_folder, 1, lines.append)
        assert alive.poll() is None
    with training(other, dead_pid()) as left:
        preflight(run_folder, 1, lines.append)
        assert left.wait(5) == -signal.SIGTERM
    assert any("a trainer whose run died" in line for line in lines)


@IN_USE
@pytest.mark.usefixtures("on_a_tpu")
def test_release_frees_the_tpu_of_a_training_of_this_project(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, advice: AdviceGiven
) -> None:
    monkeypatch.setenv("ECG_ASSETS_DATA", str(tmp_path))
    other, mine = (open_root(tmp_path).runs / name for name in ("other", "mine"))
    with training(other, os.getpid()) as trainer:
        with pytest.raises(AcceleratorBusyError) as busy:
            preflight(mine, 1, quiet)
        advice.in_message(busy.value)
        assert CliRunner().invoke(main, ["tpu", "--release"], input="y\n").exit_code == 0
        assert trainer.wait(5) == -signal.SIGTERM
    preflight(mine, 1, quiet)


@pytest.mark.usefixtures("on_a_tpu")
@pytest.mark.parametrize(("asked", "sentences"), [({"cores": 4}, 1), ({"cores": 8}, 0), ({}, 0)])
def test_the_launch_says_when_it_uses_other_cores_than_asked_for(
    asked: dict[str, int], sentences: int, run_folder: Path
) -> None:
    (run_folder / "config.json").write_text(json.dumps({"config": asked}))
    lines: list[str] = []
    preflight(run_folder, 1, lines.append)
    about_cores = [line for line in lines if "asks for" in line]
    assert len(about_cores) == sentences
    assert all("asks for 4 cores, this TPU (v3-8) has 8: the training uses 8" in line for line in about_cores)


@pytest.mark.usefixtures("on_a_tpu")
def test_a_training_on_the_cpu_does_not_care_who_is_on_the_tpu(run_folder: Path, lock_file: Path) -> None:
    (run_folder / "config.json").write_text(json.dumps({"config": {"runtime": "torch"}}))
    with holding(LOCK, lock_file):
        preflight(run_folder, 1, lambda line: None)


@pytest.mark.advice("training/launch/process_record.py", "wait for it to end or cancel its run")
def test_left_processes_of_a_dead_launcher_are_ended_and_a_live_one_is_respected(
    run_folder: Path, advice: AdviceGiven
) -> None:
    lines: list[str] = []
    with sleeping() as launcher, training(run_folder, launcher.pid) as trainer:
        with pytest.raises(AlreadyTrainingError, match=f"process {launcher.pid}") as busy:
            clear_left_processes(run_folder, 1, lines.append)
        advice.in_message(busy.value)
        assert trainer.poll() is None
        launcher.kill()
        launcher.wait()
        clear_left_processes(run_folder, 1, lines.append)
        assert trainer.wait(5) == -signal.SIGTERM
    assert len(lines) == 1
    assert not (run_folder / PROCESS_FILE).exists()


def test_a_group_that_has_come_to_be_somebody_elses_is_never_ended(run_folder: Path) -> None:
    """After a reboot the recorded number may belong to any program."""
    with sleeping(ECG_LAUNCH="another token") as stranger:
        path = record(run_folder, stranger.pid, dead_pid(), "the token")
        clear_left_processes(run_folder, 1, lambda line: None)
        assert stranger.poll() is None
        assert not path.exists()


def test_what_another_host_recorded_is_not_looked_for_here(run_folder: Path) -> None:
    lines: list[str] = []
    with sleeping(ECG_LAUNCH="token") as stranger:
        record(run_folder, stranger.pid, dead_pid(), "token", host="another-host")
        clear_left_processes(run_folder, 1, lines.append)
        assert stranger.poll() is None
    assert "left by host another-host" in lines[0]


@pytest.mark.advice("training/launch/process_record.py", "); delete it when no training runs in that folder")
def test_an_unreadable_record_is_an_error_that_names_it(run_folder: Path, advice: AdviceGiven) -> None:
    record_file = run_folder / PROCESS_FILE
    record_file.write_text('{"group": 1')
    with pytest.raises(LaunchRecordError) as refused:
        clear_left_processes(run_folder, 1, quiet)
    advice.in_message(refused.value)
    assert str(record_file) in str(refused.value)
    record_file.unlink()
    clear_left_processes(run_folder, 1, quiet)
    assert read_launch(run_folder) is None


def test_records_of_folders_that_were_set_aside_are_found_too(run_folder: Path) -> None:
    runs = run_folder.parent
    folders = {run_folder, runs / ".archive" / "old" / "2026-01-01T00-00-00Z", runs / ".previous" / "old"}
    for folder in folders:
        folder.mkdir(parents=True, exist_ok=True)
        note_launch(folder, 1, "token")
    assert {launch.run_folder for launch in recorded_launches(runs)} == folders


def test_importing_the_preflight_does_not_import_torch() -> None:
    script = "import sys, ecg_assets.resources.tpu; assert not {'torch', 'torch_xla'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", script], check=True, timeout=60)


@pytest.mark.usefixtures("on_a_tpu")
def test_a_training_from_the_shell_looks_first_too(
    made_root: DataRoot, tmp_path: Path, lock_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = open_root(tmp_path / "data_root")
    root.dataset.symlink_to(made_root.dataset)
    monkeypatch.setenv("ECG_ASSETS_DATA", str(root.path))
    config = tmp_path / "four.yaml"
    config.write_text(yaml.safe_dump({**SMALL, "runtime": "auto", "cores": 4, "widths": [8], "class_weights": None}))
    with holding(LOCK, lock_file) as process:
        result = CliRunner().invoke(main, ["train", "--config", str(config)])
    assert result.exit_code == 1
    assert "asks for 4 cores, this TPU (v3-8) has 8: the training uses 8" in result.output
    assert f"the TPU is in use: process {process.pid} (" in result.output
