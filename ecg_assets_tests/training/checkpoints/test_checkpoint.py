"""Checkpoints that come to harm: truncated, changed, not writable. The one before is used, or a sentence says why."""

import resource
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file
from safetensors.torch import save_file

from ecg_assets.training.checkpoints.checkpoint import load_network
from ecg_assets.training.checkpoints.hashed_safetensors import CheckpointError, read_sealed, write_sealed
from ecg_assets.training.loop.replica import Replica
from ecg_assets.training.models.registry import NetworkSpec
from ecg_assets.training.runs.events import read_events
from ecg_assets.training.runs.run_folder import RunFolder
from ecg_assets.training.runs.run_state import EpochScores, is_finished
from ecg_assets.training.trainer import TrainingFailedError, TrainingStopped, train
from ecg_assets_tests.integration.live import CHECKOUT
from ecg_assets_tests.training.conftest import Prepare


def flip_a_byte(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[-100] ^= 0x40
    path.write_bytes(content)


def truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1000])


def stop_after_an_epoch(run: RunFolder) -> None:
    """Trains one epoch of the run and stops as asked, at the first look in the second one.

    The replica asks itself, where the first epoch ends: who hears of that by an event may come too late, when the other
    epochs are over.
    """
    end_epoch = Replica.end_epoch

    def asking(self: Replica, scores: EpochScores) -> bool:
        run.stop_request.touch()
        return end_epoch(self, scores)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Replica, "end_epoch", asking)
        with pytest.raises(TrainingStopped):
            train(run.path)


@pytest.mark.parametrize("harm", [flip_a_byte, truncate])
def test_a_damaged_last_checkpoint_is_noticed_and_the_one_before_is_used(prepare: Prepare, harm: object) -> None:
    undisturbed, run = prepare("undisturbed", epochs=4), prepare("harmed", epochs=4)
    train(undisturbed.path)
    stop_after_an_epoch(run)
    assert callable(harm)
    harm(run.last)
    train(run.path)
    lines = [event.message for event in read_events(run.events) if event.kind == "log"]
    assert any("last.safetensors" in line and "going on from previous.safetensors" in line for line in lines)
    assert is_finished(run)
    for name, tensor in load_file(undisturbed.last).items():
        np.testing.assert_array_equal(load_file(run.last)[name], tensor, err_msg=name)


def test_when_both_are_damaged_a_sentence_says_so(prepare: Prepare) -> None:
    run = prepare(epochs=4)
    stop_after_an_epoch(run)
    for path in (run.last, run.previous):
        flip_a_byte(path)
    with pytest.raises(TrainingFailedError, match=r"previous\.safetensors has changed since it was written"):
        train(run.path)


def test_a_checkpoint_of_another_config_is_not_gone_on_from(prepare: Prepare) -> None:
    """Also when its network is the same: its rate, its epochs and its samples are not."""
    other, run = prepare("other", learning_rate=1e-3, epochs=1), prepare("mine", epochs=3)
    train(other.path)
    stop_after_an_epoch(run)
    shutil.copy(other.last, run.last)
    train(run.path)
    lines = [event.message for event in read_events(run.events) if event.kind == "log"]
    assert any("is of another config" in line and "going on from previous.safetensors" in line for line in lines)
    alone = prepare("alone", epochs=3)
    alone.last.parent.mkdir()
    shutil.copy(other.last, alone.last)
    with pytest.raises(TrainingFailedError, match=r"last\.safetensors is of another config.*remove the run folder"):
        train(alone.path)


def test_a_damaged_best_checkpoint_is_not_predicted_with(prepare: Prepare) -> None:
    run = prepare(epochs=1)
    train(run.path)
    load_network(run.best)
    flip_a_byte(run.best)
    with pytest.raises(CheckpointError, match=r"best\.safetensors has changed since it was written"):
        load_network(run.best)


def test_a_full_disk_ends_the_training_with_a_sentence_and_the_checkpoint_before_stays(prepare: Prepare) -> None:
    run = prepare(epochs=2)
    stop_after_an_epoch(run)
    kept = run.last.read_bytes()
    size = len(kept) // 2
    command = [sys.executable, "-m", "ecg_assets.training.trainer", str(run.path)]
    done = subprocess.run(
        command,
        cwd=CHECKOUT,
        capture_output=True,
        text=True,
        check=False,
        # Every file of the process is as a full disk to it beyond this size.
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (size, size)),
    )
    assert done.returncode not in (0, 75)
    said = next(event.message for event in read_events(run.events) if event.kind == "error")
    assert "cannot be written" in said
    assert "training goes on from there" in said
    assert run.last.read_bytes() == kept
    train(run.path)
    assert is_finished(run)


def test_a_folder_that_cannot_be_written_ends_the_training_with_a_sentence(prepare: Prepare) -> None:
    run = prepare(epochs=1)
    run.last.parent.write_text("a file stands where the folder should be")
    with pytest.raises(TrainingFailedError, match=r"checkpoints.* cannot be written"):
        train(run.path)


def test_weights_without_their_seal_are_refused_with_advice(tmp_path: Path) -> None:
    path = tmp_path / "best.safetensors"
    spec = NetworkSpec(classes=3, widths=(8, 16))
    save_file(spec.build().state_dict(), path, {"network": spec.model_dump_json()})
    with pytest.raises(CheckpointError, match=r"best\.safetensors has no seal .* put the file back .* train again"):
        load_network(path)


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_weights_that_are_not_finite_are_refused_whole_as_they_are(tmp_path: Path, value: float) -> None:
    path = tmp_path / "best.safetensors"
    spec = NetworkSpec(classes=3, widths=(8, 16))
    weights = spec.build().state_dict()
    name = min(weights)
    weights[name].view(-1)[0] = value
    write_sealed(path, weights, {"network": spec.model_dump_json()})
    with pytest.raises(
        CheckpointError, match=rf"best\.safetensors has weights that are not finite: \['{name}'\]; lower"
    ):
        load_network(path)


def test_no_flipped_bit_of_a_sample_in_the_head_of_a_checkpoint_goes_unseen(tmp_path: Path) -> None:
    """Names, shapes, places, the padding, and the seal itself; of the tensors, a sample."""
    path = tmp_path / "best.safetensors"
    spec = NetworkSpec(classes=3, widths=(4, 4))
    write_sealed(path, {"weight": torch.arange(64.0)}, {"network": spec.model_dump_json()})
    whole = path.read_bytes()
    for bit in range(0, 8 * len(whole), 5):
        content = bytearray(whole)
        content[bit // 8] ^= 1 << bit % 8
        path.write_bytes(content)
        with pytest.raises(CheckpointError):
            read_sealed(path)
