"""Checkpoints that come to harm: truncated, changed, not writable. The one before is used, or a sentence says why."""

import resource
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file
from safetensors.torch import save_file

from ecg_assets.training.checkpoints.checkpoint import Progress, load_network
from ecg_assets.training.checkpoints.hashed_safetensors import CheckpointError, read_sealed, write_sealed
from ecg_assets.training.checkpoints.sanity_check import checkpoint_problem
from ecg_assets.training.loop.replica import Replica
from ecg_assets.training.models.registry import NetworkSpec
from ecg_assets.training.runs.events import read_events
from ecg_assets.training.runs.run_folder import RunFolder
from ecg_assets.training.runs.run_state import EpochScores, is_finished
from ecg_assets.training.trainer import TrainingFailedError, TrainingStopped, train
from ecg_assets_tests.conftest import AdviceGiven
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


def test_when_both_are_damaged_a_sentence_says_so_and_without_them_it_is_trained_anew(prepare: Prepare) -> None:
    run = prepare(epochs=2)
    stop_after_an_epoch(run)
    for path in (run.last, run.previous):
        flip_a_byte(path)
    for path in (run.previous, run.last):
        with pytest.raises(TrainingFailedError) as failed:
            train(run.path)
        said = str(failed.value).splitlines()[0]
        assert f"{path} has changed since it was written (its hash differs); delete it and train small again" in said
        path.unlink()
    assert prepare(epochs=2).path == run.path
    train(run.path)
    assert is_finished(run)


@pytest.mark.advice("training/checkpoints/checkpoint.py", "than this run; put the right file back, or delete ")
def test_a_checkpoint_of_another_config_is_not_gone_on_from(prepare: Prepare, advice: AdviceGiven) -> None:
    """Also when its network is the same: its rate, its epochs and its samples are not."""
    other, run = prepare("other", learning_rate=1e-3, epochs=1), prepare("mine", epochs=3)
    train(other.path)
    stop_after_an_epoch(run)
    shutil.copy(other.last, run.last)
    train(run.path)
    lines = [event.message for event in read_events(run.events) if event.kind == "log"]
    assert any("is of another config" in line and "going on from previous.safetensors" in line for line in lines)
    alone = prepare("alone", epochs=2)
    stop_after_an_epoch(alone)
    right = alone.last.read_bytes()
    alone.previous.unlink()
    shutil.copy(other.last, alone.last)
    with pytest.raises(TrainingFailedError) as failed:
        train(alone.path)
    advice.in_message(failed.value)
    assert f"or delete {alone.path} and train again from the beginning" in str(failed.value)
    alone.last.write_bytes(right)
    train(alone.path)
    assert is_finished(alone)
    shutil.copy(other.last, alone.last)
    shutil.rmtree(alone.path)
    train(prepare("alone", epochs=2).path)
    assert is_finished(alone)


@pytest.mark.advice("training/checkpoints/checkpoint.py", " is of another network (")
def test_a_checkpoint_of_another_network_is_refused_by_its_weights_too(prepare: Prepare, advice: AdviceGiven) -> None:
    """Earlier versions wrote no fingerprint into them."""
    run = prepare(epochs=2, steps_per_epoch=2)
    stop_after_an_epoch(run)
    tensors, header = read_sealed(run.last)
    old = Progress.model_validate_json(header["progress"]).model_copy(update={"fingerprint": ""})
    name = min(name for name in tensors if name.startswith("model."))
    write_sealed(run.last, {**tensors, name: tensors[name][:1]}, header | {"progress": old.model_dump_json()})
    run.previous.unlink()
    with pytest.raises(TrainingFailedError) as failed:
        train(run.path)
    advice.in_message(failed.value)
    assert f"); delete {run.path} and train again from the beginning" in str(failed.value)
    shutil.rmtree(run.path)
    train(prepare(epochs=2, steps_per_epoch=2).path)
    assert is_finished(run)


def unseal(path: Path) -> None:
    tensors, header = read_sealed(path)
    save_file(tensors, path, header)


def fit_into_no_network(path: Path) -> None:
    tensors, header = read_sealed(path)
    write_sealed(path, tensors, header | {"network": NetworkSpec(classes=3, widths=(8, 16)).model_dump_json()})


NO_SEAL = pytest.mark.advice(
    "training/checkpoints/hashed_safetensors.py", "put the file back as training wrote it, or "
)


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (flip_a_byte, "has changed since it was written (its hash differs); "),
        (truncate, "is no whole safetensors file ("),
        (fit_into_no_network, "does not fit the network described in its header ("),
        pytest.param(unseal, "put the file back as training wrote it, or ", marks=NO_SEAL),
    ],
)
def test_a_damaged_best_checkpoint_is_not_predicted_with_and_comes_again_from_its_training(
    prepare: Prepare, damage: Callable[[Path], None], said: str, advice: AdviceGiven
) -> None:
    run = prepare(epochs=1, steps_per_epoch=2)
    train(run.path)
    whole = run.best.read_bytes()
    damage(run.best)
    with pytest.raises(CheckpointError) as refused:
        load_network(run.best)
    assert said in str(refused.value)
    assert str(refused.value).endswith("delete it and train small again")
    if damage is unseal:
        advice.in_message(refused.value)
        run.best.write_bytes(whole)
        load_network(run.best)
    run.best.unlink()
    with pytest.raises(CheckpointError, match=r"best\.safetensors is not there; train small again"):
        load_network(run.best)
    train(prepare(epochs=1, steps_per_epoch=2).path)
    load_network(run.best)


NO_ROOM = pytest.mark.advice("training/checkpoints/hashed_safetensors.py", "untouched. Make room, or make ")


@NO_ROOM
def test_a_full_disk_ends_the_training_with_a_sentence_and_the_checkpoint_before_stays(
    prepare: Prepare, advice: AdviceGiven
) -> None:
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
    advice.in_message(said)
    assert "cannot be written" in said
    assert "training goes on from there" in said
    assert run.last.read_bytes() == kept
    train(run.path)
    assert is_finished(run)


@NO_ROOM
def test_a_folder_that_cannot_be_written_ends_the_training_with_a_sentence(
    prepare: Prepare, advice: AdviceGiven
) -> None:
    run = prepare(epochs=1, steps_per_epoch=2)
    run.last.parent.write_text("a file stands where the folder should be")
    with pytest.raises(TrainingFailedError, match=r"checkpoints.* cannot be written") as failed:
        train(run.path)
    advice.in_message(failed.value)
    assert f"or make {run.last.parent} a folder that can be written" in str(failed.value)
    run.last.parent.unlink()
    run.last.parent.mkdir()
    train(run.path)
    assert is_finished(run)


ONE_STEP = {"epochs": 1, "steps_per_epoch": 1, "validation_steps": 1, "batch_size": 1}


@pytest.mark.advice(
    "training/checkpoints/checkpoint.py", "; lower learning_rate, or set precision: f32, and train again"
)
@pytest.mark.parametrize(
    ("value", "before", "after"),
    [
        (float("nan"), {}, {"learning_rate": 1e-4}),
        (float("inf"), {"precision": "bf16"}, {"precision": "f32"}),
    ],
)
def test_weights_that_are_not_finite_are_refused_whole_as_they_are(
    prepare: Prepare, value: float, before: dict[str, Any], after: dict[str, Any], advice: AdviceGiven
) -> None:
    run = prepare(**(ONE_STEP | before))
    train(run.path)
    weights, header = read_sealed(run.best)
    name = min(weights)
    weights[name].view(-1)[0] = value
    write_sealed(run.best, weights, header)
    said = rf"best\.safetensors has weights that are not finite: \['{name}'\]"
    with pytest.raises(CheckpointError, match=said) as refused:
        load_network(run.best)
    advice.in_message(refused.value)
    train(prepare(**(ONE_STEP | before | after)).path)
    load_network(run.best)


@pytest.mark.advice("training/checkpoints/sanity_check.py", "is not finite; lower learning_rate and train again")
def test_a_network_whose_output_is_not_finite_is_told_and_trained_at_a_lower_rate(
    prepare: Prepare, advice: AdviceGiven
) -> None:
    run = prepare(epochs=1, steps_per_epoch=2)
    train(run.path)
    weights, header = read_sealed(run.best)
    write_sealed(run.best, {name: values * 0 + 3e38 for name, values in weights.items()}, header)
    advice.in_message(checkpoint_problem(run.best))
    train(prepare(epochs=1, steps_per_epoch=2, learning_rate=1e-4).path)
    assert checkpoint_problem(run.best) is None


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
