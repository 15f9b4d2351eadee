"""The search for the most samples at once that fit, with the compiler's answers given."""

from collections.abc import Mapping
from typing import Any

import pytest

from ecg_assets.training.config import TrainConfig
from ecg_assets.training.plan.compiling import CompiledGraph
from ecg_assets.training.plan.fitting import StepCompiler, find_fitting
from ecg_assets.training.plan.machines import V3
from ecg_assets.training.plan.trace_request import TracedStep
from ecg_assets_tests.training.conftest import SMALL

LIMIT_GIB = 16.0


class Answers(StepCompiler):
    """A compiler for which each sample takes so much memory."""

    def __init__(self, config: TrainConfig, gib: dict[str, float], error: str | None = None) -> None:
        self.config, self._gib, self._error = config, gib, error
        self.asked: list[tuple[int, str]] = []

    def step(self, micro_batch: int) -> TracedStep:
        return TracedStep(graphs={}, parameters=1, flops_per_sample=1.0)

    def compiled(self, micro_batch: int, name: str, *_: Any) -> CompiledGraph:
        self.asked.append((micro_batch, name))
        needed = micro_batch * self._gib[name]
        if self._error is not None:
            return CompiledGraph(compile_s=1, kind="TPU v3", error=self._error)
        if needed > LIMIT_GIB:
            said = f"RESOURCE_EXHAUSTED: Used {needed}G of {LIMIT_GIB}G hbm"
            return CompiledGraph(compile_s=1, kind="TPU v3", error=said, needed_gib=needed, limit_gib=LIMIT_GIB)
        return CompiledGraph(compile_s=1, kind="TPU v3", peak_gib=needed)

    def peak_gib(self, micro_batch: int, graphs: Mapping[str, CompiledGraph]) -> float:
        return max(graph.peak_gib for graph in graphs.values()) + 0.5


def config(**changes: Any) -> TrainConfig:
    return TrainConfig(**(SMALL | {"batch_size": 32} | changes))


@pytest.mark.parametrize(
    ("gib", "size", "asked"),
    [
        ({"gradients": 0.1, "validation": 0.1}, 32, [32]),
        ({"gradients": 0.6, "validation": 0.1}, 16, [32, 16]),
        # 64 GiB: it goes down at once to where that fits in proportion.
        ({"gradients": 2.0, "validation": 0.1}, 4, [32, 4]),
        ({"gradients": 0.1, "validation": 0.6}, 16, [32, 16]),
        # It compiles, but with what else is on the device it does not fit.
        ({"gradients": 0.495, "validation": 0.1}, 16, [32, 16]),
        ({"gradients": 17.0, "validation": 0.1}, None, [32, 1]),
    ],
)
def test_the_largest_power_of_two_that_fits_is_found_in_few_compiles(
    gib: dict[str, float], size: int | None, asked: list[int]
) -> None:
    answers = Answers(config(), gib)
    found = find_fitting(answers, V3, LIMIT_GIB, lambda _: None)
    assert found.micro_batch == size
    assert list(dict.fromkeys(micro_batch for micro_batch, _ in answers.asked)) == asked
    assert (found.too_large is None) == (len(asked) == 1)
    if found.too_large is not None:
        assert f"{found.too_large} at once need" in found.reason


def test_a_size_that_was_asked_for_is_judged_first_and_what_would_fit_is_found_all_the_same() -> None:
    answers = Answers(config(micro_batch=8), {"gradients": 3.0, "validation": 0.1})
    found = find_fitting(answers, V3, LIMIT_GIB, lambda _: None)
    assert (found.micro_batch, found.too_large) == (4, 8)


def test_what_does_not_compile_for_another_reason_is_said_as_it_is() -> None:
    answers = Answers(config(), {"gradients": 0.1, "validation": 0.1}, error="UNIMPLEMENTED: no such thing")
    found = find_fitting(answers, V3, LIMIT_GIB, lambda _: None)
    assert found.micro_batch is None
    assert "UNIMPLEMENTED: no such thing" in found.reason
