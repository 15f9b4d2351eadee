"""A batch in parts: the same gradients, memory for one part at a time, smaller parts where memory does not suffice."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file

from ecg_assets.training.config import ConfigError, TrainConfig
from ecg_assets.training.loop.micro_batch import MicroBatch, chosen_micro_batch, largest_divisor
from ecg_assets.training.loop.replica import Replica
from ecg_assets.training.runs.events import read_events
from ecg_assets.training.runs.run_folder import RunFolder
from ecg_assets.training.runs.run_state import is_finished
from ecg_assets.training.runtime.heartbeat import Heartbeats
from ecg_assets.training.runtime.plain import PlainRuntime
from ecg_assets.training.tpu_plans import StepPlan, remember, step_key
from ecg_assets.training.trainer import TrainingFailedError, train
from ecg_assets_tests.conftest import AdviceGiven
from ecg_assets_tests.integration.live import CHECKOUT
from ecg_assets_tests.training.conftest import SMALL, Prepare, xla_environment

EIGHT = SMALL | {"batch_size": 8}


def replica_of(run: RunFolder) -> Replica:
    signs = Heartbeats(run.heartbeats)
    signs.clear()
    return Replica(run, PlainRuntime(signs), lambda note: None)


def first_gradient(run: RunFolder) -> torch.Tensor:
    replica = replica_of(run)
    _, _, batches = next(replica.steps())
    for batch in batches:
        replica.step.add_gradients(batch)
    gradient = replica.network.vector.grad
    assert gradient is not None
    return gradient


@pytest.mark.parametrize("change", [{"micro_batch": 1}, {"micro_batch": 4}, {"remat": "blocks"}])
def test_the_gradients_are_those_of_the_whole_batch(prepare: Prepare, change: dict[str, Any]) -> None:
    whole = first_gradient(prepare("whole", batch_size=8))
    parts = first_gradient(prepare("parts", batch_size=8, **change))
    assert (whole - parts).abs().max() <= 1e-5 * whole.abs().max()


def test_a_network_with_statistics_of_batches_has_other_gradients_and_the_log_says_so(prepare: Prepare) -> None:
    zoo = {"network": "smp/unet/timm-mobilenetv3_small_minimal_100", "widths": (), "patch_px": 1, "batch_size": 4}
    whole = first_gradient(prepare("whole", **zoo))
    run = prepare("parts", **zoo, micro_batch=2, epochs=1, steps_per_epoch=1, validation_steps=1)
    assert (whole - first_gradient(run)).abs().max() > 1e-3 * whole.abs().max()
    train(run.path)
    (started,) = [event.message for event in read_events(run.events) if event.kind == "started"]
    assert "2 of 4 samples at once; the network has statistics of batches, so its gradients are not quite" in started


def test_a_training_goes_on_when_the_size_of_its_parts_is_changed(prepare: Prepare) -> None:
    run = prepare(epochs=1)
    train(run.path)
    first = load_file(run.last)
    again = prepare(epochs=1, micro_batch=1, remat="blocks")
    assert again.path == run.path
    assert load_file(run.last).keys() == first.keys()
    assert replica_of(again).micro_batch.size == 1


def test_what_is_left_of_a_batch_is_computed_though_it_is_uneven() -> None:
    assert [largest_divisor(24, most) for most in (32, 16, 7, 1)] == [24, 12, 6, 1]
    assert largest_divisor(7, 4) == 1
    found = MicroBatch(24, 24, asked=False)
    assert found.halved().size == 12
    assert found.at_most(9).size == 8
    assert found.at_most(0) is found
    assert MicroBatch(24, 24, asked=True).at_most(8).size == 24


def test_a_size_that_does_not_divide_the_batch_is_refused_with_those_that_do() -> None:
    with pytest.raises(ValueError, match="micro_batch is 3, expected auto or a divisor of batch_size: 1, 2, 4, 8"):
        TrainConfig(**EIGHT, micro_batch=3)
    with pytest.raises(ValueError, match="remat: blocks is for the compact U-Net only"):
        TrainConfig(**(EIGHT | {"network": "smp/unet/resnet18", "widths": (), "patch_px": 1}), remat="blocks")


def plan_of(config: TrainConfig, **fields: Any) -> StepPlan:
    return StepPlan(
        config="small",
        machine="v3-8",
        core="v3",
        replicas=8,
        limit_gib=15.48,
        flops_per_sample=1e9,
        compile_s=60.0,
        step=step_key(config),
        graphs={},
        libtpu="0.0.21",
        **fields,
    )


@pytest.fixture
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ECG_ASSETS_CACHE", str(tmp_path / "cache"))


@pytest.mark.advice("training/loop/micro_batch.py", " core; set micro_batch: auto, or ")
@pytest.mark.usefixtures("own_cache")
def test_a_tpu_takes_as_many_samples_at_once_as_were_planned_and_the_rest_what_the_config_says(
    advice: AdviceGiven,
) -> None:
    config = TrainConfig(**EIGHT)
    assert chosen_micro_batch(config, "v3").size == 8
    reason = "8 at once need 20.0 of 15.48 GiB"
    remember(plan_of(config, fits=True, micro_batch=2, too_large=8, reason=reason))
    assert chosen_micro_batch(config, "v3").size == 2
    assert chosen_micro_batch(config, "v2").size == 8  # nobody asked for it
    assert chosen_micro_batch(config, None).size == 8
    assert chosen_micro_batch(config.changed(micro_batch=4), "v3").size == 4
    with pytest.raises(
        ConfigError, match="micro_batch is 8, which does not fit on a v3 core; set micro_batch: auto, or 2"
    ) as refused:
        chosen_micro_batch(config.changed(micro_batch=8), "v3")
    advice.in_message(refused.value)
    assert {chosen_micro_batch(config.changed(micro_batch=size), "v3").size for size in ("auto", 2)} == {2}


ZOO = {"network": "smp/unet/timm-mobilenetv3_small_minimal_100", "widths": (), "patch_px": 1}
LESS = pytest.mark.advice("training/loop/micro_batch.py", "set remat: blocks, a larger patch_px or a smaller crop_px (")
LESS_OF_THE_ZOO = pytest.mark.advice("training/loop/micro_batch.py", "set a smaller crop_px or network: compact-s (")
SMALLER = [
    *(pytest.param({}, change, marks=LESS) for change in ({"remat": "blocks"}, {"patch_px": 4}, {"crop_px": 32})),
    *(pytest.param(ZOO, change, marks=LESS_OF_THE_ZOO) for change in ({"crop_px": 32}, {"network": "compact-s"})),
]


@pytest.mark.parametrize(("network", "change"), SMALLER)
@pytest.mark.usefixtures("own_cache")
def test_what_does_not_fit_with_one_sample_is_refused_before_anything_is_trained(
    network: dict[str, Any], change: dict[str, Any], advice: AdviceGiven
) -> None:
    config = TrainConfig(**(EIGHT | network))
    remember(plan_of(config, fits=False, too_large=1, reason="1 at once need 20.0 of 15.48 GiB"))
    with pytest.raises(ConfigError, match=r"does not fit on a v3 core: 1 at once need 20.0") as refused:
        chosen_micro_batch(config, "v3")
    advice.in_message(refused.value)
    smaller = config.changed(**change)
    remember(plan_of(smaller, fits=True, micro_batch=4, reason=""))
    assert chosen_micro_batch(smaller, "v3").size == 4


@pytest.mark.parametrize(("network", "change"), SMALLER[:3])
def test_a_device_that_lacks_memory_for_one_sample_has_it_for_a_smaller_one(
    prepare: Prepare,
    monkeypatch: pytest.MonkeyPatch,
    network: dict[str, Any],
    change: dict[str, Any],
    advice: AdviceGiven,
) -> None:
    from ecg_assets.training.runtime import plain

    class NoMemory(PlainRuntime):
        def within_memory(self, compute: Any) -> Any:
            return None

    one = {"batch_size": 1, "epochs": 1, "steps_per_epoch": 1, "validation_steps": 1, **network}
    with monkeypatch.context() as patch:
        patch.setattr(plain, "PlainRuntime", NoMemory)
        with pytest.raises(TrainingFailedError, match="for a single sample at once") as failed:
            train(prepare(**one).path)
    advice.in_message(failed.value)
    run = prepare(**(one | change))
    train(run.path)
    assert is_finished(run)


class OutOfMemory(PlainRuntime):
    """A device that has memory for two samples."""

    def within_memory(self, compute: Any) -> Any:
        losses_b = super().within_memory(compute)
        return losses_b if losses_b is not None and len(losses_b) <= 2 else None


def exhausted(run: RunFolder, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    from ecg_assets.training.runtime import plain

    monkeypatch.setattr(plain, "PlainRuntime", OutOfMemory)
    train(run.path)
    return [event.message for event in read_events(run.events)]


def test_parts_are_halved_until_they_fit_and_the_next_launch_knows(
    prepare: Prepare, monkeypatch: pytest.MonkeyPatch
) -> None:
    undisturbed = prepare("undisturbed", batch_size=8, micro_batch=2, epochs=1)
    train(undisturbed.path)
    run = prepare("exhausted", batch_size=8, epochs=1)
    said = exhausted(run, monkeypatch)
    assert [message for message in said if "memory does not suffice" in message] == [
        f"the memory does not suffice for {size} samples at once; all replicas go on with {size // 2} at once, "
        "and 8 in a step as before"
        for size in (8, 4)
    ]
    for name, tensor in load_file(undisturbed.best).items():
        np.testing.assert_array_equal(load_file(run.best)[name], tensor)
    assert replica_of(run).micro_batch.size == 2


@pytest.mark.parametrize(
    "asked",
    [
        pytest.param(
            True,
            marks=pytest.mark.advice(
                "training/loop/micro_batch.py", ", for which the memory does not suffice; set micro_batch: auto, or "
            ),
        ),
        False,
    ],
)
def test_only_what_was_asked_for_is_refused(
    prepare: Prepare, monkeypatch: pytest.MonkeyPatch, asked: bool, advice: AdviceGiven
) -> None:
    short = {"epochs": 1, "steps_per_epoch": 2, "validation_steps": 1}
    if not asked:
        run = prepare(batch_size=3, **short)
        exhausted(run, monkeypatch)
        assert replica_of(run).micro_batch.size == 1
        return
    with pytest.raises(TrainingFailedError, match="set micro_batch: auto, or 2 ") as failed:
        exhausted(prepare(batch_size=8, micro_batch=4, **short), monkeypatch)
    advice.in_message(failed.value)
    for size in ("auto", 2):
        run = prepare(batch_size=8, micro_batch=size, **short)
        exhausted(run, monkeypatch)
        assert is_finished(run) and replica_of(run).micro_batch.size == 2


@pytest.mark.xla
@pytest.mark.skipif(sys.platform != "linux" or os.uname().machine != "x86_64", reason="torch_xla has no wheel here")
@pytest.mark.soak
@pytest.mark.parametrize("ordinal", [0, 1])
def test_two_replicas_of_which_one_lacks_memory_go_on_together(prepare: Prepare, ordinal: int) -> None:
    run = prepare(runtime="xla", replicas=2, batch_size=4, epochs=1, steps_per_epoch=4, log_every=2)
    command = [sys.executable, "-m", "ecg_assets_tests.training.loop.exhausted", str(run.path), str(ordinal)]
    done = subprocess.run(command, cwd=CHECKOUT, env=xla_environment(), capture_output=True, text=True, timeout=500)
    assert done.returncode == 0, done.stderr[-4000:]
    assert "the memory does not suffice for 4 samples at once; all replicas go on with 2 at once" in done.stdout
    assert done.stdout.count("the memory does not suffice") == 1
    assert "compiling the training step, 2 samples at once" in done.stdout
    assert "1 epochs trained" in done.stdout
