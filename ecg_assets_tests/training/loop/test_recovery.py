"""NaN and infinity: found, named, gone back from, and never saved."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file

from ecg_assets.training.config import TrainConfig
from ecg_assets.training.data.batches import DeviceBatch, TrainBatches
from ecg_assets.training.loop import replica as replica_module
from ecg_assets.training.loop import step as step_module
from ecg_assets.training.loop.recovery import Flaw, NonFiniteLossError, remedy
from ecg_assets.training.runs.events import Event, read_events
from ecg_assets.training.runs.run_folder import RunFolder
from ecg_assets.training.runs.run_state import is_finished
from ecg_assets.training.trainer import TrainingFailedError, train
from ecg_assets_tests.training.conftest import SMALL, Prepare


def told(run: RunFolder, kind: str) -> list[Event]:
    return [event for event in read_events(run.events) if event.kind == kind]


def assert_finite(path: Path) -> None:
    assert all(np.isfinite(tensor).all() for tensor in load_file(path).values())


def poison(monkeypatch: pytest.MonkeyPatch, epoch: int, positions: set[int]) -> list[str]:
    """Gives the samples at these positions of an epoch an image that is not a number; returns their ids, once drawn."""
    drawn, ids = TrainBatches._drawn, []

    def poisoned(self: TrainBatches, number: int, at_epoch: int, position: int) -> Any:
        one = drawn(self, number, at_epoch, position)
        if at_epoch != epoch or position not in positions:
            return one
        ids.append(one.id)
        image: Any = np.full(one.image_hwc.shape, np.nan, dtype=np.float32)
        return type(one)(image, one.mask_hw, one.way, one.id)

    monkeypatch.setattr(TrainBatches, "_drawn", poisoned)
    return ids


def test_a_poisoned_batch_is_found_named_and_left_out_at_half_the_rate(
    prepare: Prepare, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = prepare(epochs=3, check_every=5)
    ids = poison(monkeypatch, epoch=1, positions={2 * 6 + 1})  # the second sample of step 7
    train(run.path)
    assert is_finished(run)
    (flaw,), (recovery,) = told(run, "flaw"), told(run, "recovery")
    assert (flaw.values["epoch"], flaw.values["step"]) == (2, 7)
    assert flaw.values["samples"] == [ids[0]]
    assert ids[0] in flaw.message
    # Back to the end of the first epoch; found at the look after step 10.
    assert (recovery.values["epoch"], recovery.values["step"]) == (1, 0)
    rates = [event.values["learning_rate"] for event in told(run, "epoch")]
    assert rates == [3e-3, 1.5e-3, 1.5e-3]
    for path in (run.best, run.last, run.previous):
        assert_finite(path)


def test_the_batches_after_a_recovery_are_those_of_an_undisturbed_training(
    prepare: Prepare, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = prepare(epochs=1)
    seen: list[int] = []
    step = replica_module.Replica.train_step

    def noting(self: replica_module.Replica, number: int, batches: Sequence[DeviceBatch]) -> None:
        seen.append(number)
        step(self, number, batches)

    monkeypatch.setattr(replica_module.Replica, "train_step", noting)
    poison(monkeypatch, epoch=0, positions={2 * 6})
    train(run.path)
    assert seen[:10] == list(range(1, 11))
    assert seen[10:] == [1, 2, 3, 4, 5, 6, *range(8, 21)]


def test_a_rate_that_no_halving_saves_fails_with_a_sentence_and_nothing_bad_is_saved(prepare: Prepare) -> None:
    run = prepare(learning_rate=1e6, epochs=3)
    with pytest.raises(TrainingFailedError, match=r"after 2 recoveries had already lowered it.*a lower learning_rate"):
        train(run.path)
    assert [event.values["recovery"] for event in told(run, "recovery")] == [1, 2]
    assert not is_finished(run)
    for path in (run.last, run.previous):
        assert_finite(path)


def test_what_only_bf16_breaks_goes_on_in_f32_after_the_second_time(
    prepare: Prepare, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = prepare(epochs=2, precision="bf16", check_every=5)

    def surely_wrong(logits_bchw: torch.Tensor, mask_bhw: torch.Tensor, *_: Any) -> torch.Tensor:
        """log(1 - p) where p is near 1: bf16 rounds it to 1."""
        p_bchw = (logits_bchw.float().tanh() * 4).softmax(dim=1).to(logits_bchw.dtype)
        sure_b = 1 - 1e-3 * p_bchw[:, 0].mean(dim=(1, 2))
        return -torch.log(1 - sure_b).float() * 1e-3

    monkeypatch.setattr(step_module, "sample_losses", surely_wrong)
    train(run.path)
    assert [event.values["f32"] for event in told(run, "recovery")] == [False, True]
    assert "bf16 off" in told(run, "recovery")[1].message
    assert is_finished(run)


def test_an_epoch_without_a_flaw_begins_the_count_anew(prepare: Prepare, monkeypatch: pytest.MonkeyPatch) -> None:
    run = prepare(epochs=4, steps_per_epoch=10)
    for epoch in (0, 1, 2):
        poison(monkeypatch, epoch, positions={8})
    train(run.path)
    recoveries = told(run, "recovery")
    assert [event.values["recovery"] for event in recoveries] == [1, 1, 1]
    assert [event.values["rate_factor"] for event in recoveries] == [0.5, 0.25, 0.125]
    assert is_finished(run)


def test_the_third_flaw_in_a_row_is_a_failure() -> None:
    config = TrainConfig(**(SMALL | {"precision": "bf16"}))
    flaw = Flaw(epoch=0, step=3)
    assert [remedy(flaw, before, config, 1e-3).f32 for before in (0, 1)] == [False, True]
    with pytest.raises(NonFiniteLossError, match=r"epoch 1, step 3 at learning rate 0\.001.*bf16 off"):
        remedy(flaw, 2, config, 1e-3)
