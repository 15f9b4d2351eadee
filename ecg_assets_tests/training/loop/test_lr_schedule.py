"""Learning rates, moving averages, accumulated gradients, early stops: each against what it is by definition."""

import itertools

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file

from ecg_assets.training.config import TrainConfig
from ecg_assets.training.loop.lr_schedule import Rates
from ecg_assets.training.runs.events import read_events
from ecg_assets.training.runs.run_folder import RunFolder
from ecg_assets.training.runs.run_state import is_finished
from ecg_assets.training.trainer import train
from ecg_assets_tests.training.conftest import SMALL, Prepare


def rates(**changes: object) -> Rates:
    return Rates(TrainConfig(**(SMALL | {"learning_rate": 1.0, "epochs": 10} | changes)), steps_per_epoch=100)


def test_the_rate_warms_up_from_nothing_in_equal_steps() -> None:
    warm = rates(warmup_steps=200)
    assert [warm.at(0, 1), warm.at(0, 100), warm.at(1, 100), warm.at(5, 1)] == pytest.approx([1 / 200, 0.5, 1, 1])


def test_a_cosine_ends_at_the_final_rate_and_is_half_way_in_the_middle() -> None:
    cosine = rates(schedule="cosine", final_rate=0.1)
    assert cosine.at(4, 100) == pytest.approx(0.55)
    assert cosine.at(9, 100) == pytest.approx(0.1)
    falling = [cosine.at(epoch, 1) for epoch in range(10)]
    assert falling == sorted(falling, reverse=True)


def test_a_plateau_lowers_the_rate_and_is_remembered() -> None:
    plateau = rates(plateau_patience=1)
    for loss in (1.0, 0.5, 0.6, 0.7):
        plateau.end_epoch(loss)
    assert plateau.at(4, 1) == 0.5
    again = Rates(TrainConfig(**(SMALL | {"learning_rate": 1.0, "plateau_patience": 1})), 100, plateau.state())
    for one in (plateau, again):
        one.end_epoch(0.8)
        one.end_epoch(0.9)
    assert again.at(0, 1) == plateau.at(0, 1) == 0.25


def test_the_moving_average_is_what_is_saved_as_best(prepare: Prepare) -> None:
    run = prepare(epochs=1, ema_decay=0.9)
    train(run.path)
    last, best = load_file(run.last), load_file(run.best)
    for name, tensor in best.items():
        np.testing.assert_array_equal(tensor, last[f"ema.{name}"])
    assert any((tensor != last[f"model.{name}"]).any() for name, tensor in best.items())


def test_two_accumulated_batches_train_as_one_twice_as_large(prepare: Prepare) -> None:
    changes = {"epochs": 1, "turned": False, "weight_decay": 0.0}
    whole = prepare("whole", batch_size=4, steps_per_epoch=5, **changes)
    parts = prepare("parts", batch_size=2, steps_per_epoch=10, accumulate=2, **changes)
    for run in (whole, parts):
        train(run.path)
    # The order of sums differs, and AdamW's first steps magnify what is near 0.
    for name, tensor in load_file(whole.best).items():
        np.testing.assert_allclose(load_file(parts.best)[name], tensor, atol=3e-3)


def test_training_ends_early_when_the_score_no_longer_rises(prepare: Prepare) -> None:
    run = prepare(epochs=40, steps_per_epoch=2, learning_rate=1e-12, early_stop_patience=3)
    train(run.path)
    assert is_finished(run)
    assert "stopped early" in read_events(run.events)[-1].message
    assert epochs_of(run) == 4


def test_epochs_tell_how_fast_they_were_and_how_long_they_waited_for_data(prepare: Prepare) -> None:
    run = prepare(epochs=1)
    train(run.path)
    epoch = next(event.values for event in read_events(run.events) if event.kind == "epoch")
    assert 0 < epoch["data_wait_share"] < 1
    assert 1 < epoch["samples_per_s"] < 10_000


@pytest.mark.parametrize(
    "change",
    [
        {"focal_weight": 1.0},
        {"boundary_weight": 1.0, "boundary_px": 2},
        {"label_smoothing": 0.1},
        {"class_weights": None},
    ],
)
def test_each_part_of_the_loss_can_be_trained_with(prepare: Prepare, change: dict[str, object]) -> None:
    run = prepare(epochs=2, **change)
    train(run.path)
    losses = [event.values["loss"] for event in read_events(run.events) if event.kind == "epoch"]
    assert losses[1] < losses[0]


def epochs_of(run: RunFolder) -> int:
    return sum(event.kind == "epoch" for event in read_events(run.events))


def test_a_plain_step_follows_torchs_own_adamw(prepare: Prepare) -> None:
    """The weight decay that is applied by hand is the optimizer's own."""
    from ecg_assets.training.loop.replica import Replica
    from ecg_assets.training.runtime.heartbeat import Heartbeats
    from ecg_assets.training.runtime.plain import PlainRuntime

    run = prepare(epochs=1, weight_decay=0.1, clip_norm=1e9)
    signs = Heartbeats(run.heartbeats)
    signs.clear()
    replica = Replica(run, PlainRuntime(signs), lambda note: None)
    twin = torch.nn.Parameter(replica.network.vector.detach().clone())
    optimizer = torch.optim.AdamW([twin], 3e-3, weight_decay=0.1)
    for step, _, batches in itertools.islice(replica.steps(), 5):
        loss = replica.step._losses(batches[0], None)[0].mean()
        (gradient,) = torch.autograd.grad(loss, replica.network.vector)
        twin.grad = gradient
        optimizer.step()
        replica.train_step(step, batches)
    torch.testing.assert_close(replica.network.vector.detach(), twin.detach(), rtol=1e-4, atol=1e-6)
