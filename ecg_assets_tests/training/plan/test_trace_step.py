"""The step that replicas run, traced for eight of them: what a TPU would compile, with nothing computed."""

import os
import re
import sys
from pathlib import Path
from typing import Any

import pytest

from ecg_assets.training.config import CONFIGS, TrainConfig, load_config
from ecg_assets.training.plan.trace_request import TracedStep, TraceRequest
from ecg_assets.training.plan.tracing import UntraceableError, traced
from ecg_assets.training.tpu_plans import shipped_plans, step_key
from ecg_assets_tests.conftest import AdviceGiven
from ecg_assets_tests.training.conftest import SMALL

pytestmark = [
    pytest.mark.xla,
    pytest.mark.skipif(sys.platform != "linux" or os.uname().machine != "x86_64", reason="torch_xla has no wheel here"),
]

SHIPPED = sorted(path.stem for path in CONFIGS.glob("*.yaml"))
GRAPHS = ("gradients", "update-8", "validation")
# What a device would have to wait for its host for.
HOST = re.compile(r"\b(infeed|outfeed|send|recv|send-done|recv-done|custom-call|call-host)\(")


def trace(config: TrainConfig, folder: Path, micro_batch: int | None = None) -> TracedStep:
    size = micro_batch or config.batch_size
    return traced(TraceRequest(config=config, micro_batch=size, replicas=(8,), sample_px=512), folder)


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the graphs of the small config lie."""
    folder = tmp_path_factory.mktemp("small")
    trace(TrainConfig(**SMALL), folder)
    return folder


@pytest.mark.parametrize("name", SHIPPED)
def test_the_step_of_every_shipped_config_is_what_a_tpu_wants_and_what_was_planned(name: str, tmp_path: Path) -> None:
    config = load_config(name)
    step = trace(config, tmp_path)
    assert {graph: step.graphs[graph].all_reduces for graph in GRAPHS} == {
        "gradients": 0,
        "update-8": 1,
        "validation": 0,
    }
    for graph in GRAPHS:
        text = (tmp_path / f"{graph}.txt").read_text("utf-8")
        assert "ENTRY" in text
        assert not HOST.findall(text), graph
        assert "f64[" not in text and "[<=" not in text, graph
    plans = [plan for plan in shipped_plans() if plan.config == name and plan.replicas == 8]
    assert plans, f"plan it: python -m benchmarks.speed.tpu_plans --write ({name})"
    for plan in plans:
        assert plan.step == step_key(config), "the config has changed: python -m benchmarks.speed.tpu_plans --write"
        found = {graph: step.graphs[graph].sha256 for graph in plan.graphs}
        assert found == plan.graphs, "the step has changed: python -m benchmarks.speed.tpu_plans --write"


def test_what_changes_from_step_to_step_is_no_constant_of_the_program(tmp_path: Path) -> None:
    """Learning rate, weight decay, moving average and class weights: or each new value would be compiled.

    Two numbers that are equal are one parameter to torch_xla, so none of these is AdamW's 0.9 or 0.999.
    """
    values: list[dict[str, Any]] = [
        {"learning_rate": 3e-3, "weight_decay": 1e-4, "ema_decay": 0.99, "class_weights": (1, 1, 1, 2, 2)},
        {"learning_rate": 1e-5, "weight_decay": 1e-2, "ema_decay": 0.95, "class_weights": (1, 2, 3, 4, 5)},
    ]
    steps = [trace(TrainConfig(**(SMALL | change)), tmp_path / str(number)) for number, change in enumerate(values)]
    first, other = ({name: graph.sha256 for name, graph in step.graphs.items()} for step in steps)
    assert first == other


def test_a_smaller_micro_batch_is_another_program_with_the_same_collective(tmp_path: Path) -> None:
    config = TrainConfig(**(SMALL | {"batch_size": 4}))
    whole, parts = trace(config, tmp_path / "whole"), trace(config, tmp_path / "parts", micro_batch=2)
    assert whole.graphs["gradients"].sha256 != parts.graphs["gradients"].sha256
    assert parts.graphs["update-8"].all_reduces == 1
    assert parts.flops_per_sample == whole.flops_per_sample > 0


def test_blocks_are_computed_again_behind_a_barrier_that_the_compiler_respects(small: Path, tmp_path: Path) -> None:
    trace(TrainConfig(**SMALL).changed(remat="blocks"), tmp_path)
    kept, again = ((folder / "gradients.txt").read_text("utf-8") for folder in (small, tmp_path))
    assert "opt-barrier" in again and "opt-barrier" not in kept
    assert again.count(" convolution(") > kept.count(" convolution(")


def test_operations_carry_the_names_of_the_networks_modules(small: Path) -> None:
    proto = (small / "gradients.hlo").read_bytes()
    assert b"up.0.3." in proto and b"up.0.3 backward." in proto


def test_the_zoos_upsampling_stays_on_the_device(tmp_path: Path) -> None:
    config = TrainConfig(**(SMALL | {"network": "smp/unet/resnet18", "widths": (), "patch_px": 1, "batch_size": 1}))
    assert trace(config, tmp_path).graphs["update-8"].all_reduces == 1


@pytest.mark.advice("training/plan/tracing.py", "choose another network, such as compact-s or smp/unet/resnet18")
def test_what_would_run_on_the_host_is_named(tmp_path: Path, advice: AdviceGiven) -> None:
    network = {"network": "smp/deeplabv3/resnet18", "widths": (), "patch_px": 1, "batch_size": 2}
    with pytest.raises(
        UntraceableError, match=r"aten::upsample_bilinear2d\w* in the training step of small runs on"
    ) as refused:
        trace(TrainConfig(**(SMALL | network)), tmp_path / "refused")
    advice.in_message(refused.value)  # the test above traces one of the networks that it names
