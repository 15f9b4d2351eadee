"""Looks for the most samples at once with which a step's graphs fit into a TPU core's memory."""

import threading
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from ecg_assets.samples.config import SamplesConfig
from ecg_assets.store.log import Log
from ecg_assets.training.config import TrainConfig
from ecg_assets.training.loop.micro_batch import largest_divisor
from ecg_assets.training.plan.compiler_environment import CompilerEnvironment
from ecg_assets.training.plan.compiling import CompiledGraph, compile_graph
from ecg_assets.training.plan.machines import CompileTarget, TpuCore
from ecg_assets.training.plan.trace_request import TracedStep, TraceRequest
from ecg_assets.training.plan.tracing import traced

# What the device holds beside a graph: batches that `device_feed` has sent ahead, in bytes a pixel of image and mask.
_BATCHES_AHEAD, _BYTES_PER_PIXEL = 2, 4
# A smaller micro-batch takes less memory than in proportion only by what does not shrink with it.
_MARGIN = 0.95
_SAMPLE_PX = int(SamplesConfig.model_fields["crop_px"].default)


class StepCompiler:
    """Traces and compiles the graphs of one config's step, each once.

    Attributes:
        config: of the training.
    """

    def __init__(
        self, config: TrainConfig, replicas: tuple[int, ...], environment: CompilerEnvironment, folder: Path, log: Log
    ) -> None:
        """For these numbers of replicas; `folder` receives the traced graphs."""
        self.config = config
        self._replicas, self._environment, self._folder, self._log = replicas, environment, folder, log
        self._steps: dict[int, TracedStep] = {}
        self._tracing = threading.Lock()

    def step(self, micro_batch: int) -> TracedStep:
        """The step with that many samples at once.

        Raises:
            UntraceableError: an operation of it runs on the host.
        """
        with self._tracing:
            if micro_batch not in self._steps:
                self._log(f"{self.config.experiment}: tracing the step with {micro_batch} samples at once")
                sample_px = max(_SAMPLE_PX, self.config.crop_px)
                request = TraceRequest(
                    config=self.config, micro_batch=micro_batch, replicas=self._replicas, sample_px=sample_px
                )
                self._steps[micro_batch] = traced(request, self._folder / str(micro_batch))
            return self._steps[micro_batch]

    def compiled(self, micro_batch: int, name: str, target: CompileTarget, replicas: int = 1) -> CompiledGraph:
        """One of its graphs.

        Raises:
            CompilerFailedError: the compiler ended without an answer.
        """
        graph = self.step(micro_batch).graphs[name]
        hlo = self._folder / str(micro_batch) / f"{name}.hlo"
        return compile_graph(self._environment, hlo, graph.sha256, target, replicas)

    def peak_gib(self, micro_batch: int, graphs: Mapping[str, CompiledGraph]) -> float:
        """Of the graph that needs the most memory, with what else is on the device while it is computed."""
        config, traced_graphs = self.config, self.step(micro_batch).graphs
        ahead = _BATCHES_AHEAD * _BYTES_PER_PIXEL * config.batch_size * config.crop_px**2 / 2**30
        return ahead + max(
            graph.peak_gib + max(0.0, traced_graphs[name].held_gib - graph.argument_gib - graph.output_gib)
            for name, graph in graphs.items()
        )


@dataclass(frozen=True)
class Fitting:
    """What fits on a core.

    Attributes:
        micro_batch: samples at once; None where not even one fits.
        too_large: the smallest number of samples at once that was found not to fit; None where the whole batch does.
        reason: why that does not; empty where it does.
        graphs: by name, of the last micro-batch that was judged.
    """

    micro_batch: int | None
    too_large: int | None
    reason: str
    graphs: dict[str, CompiledGraph]


def find_fitting(steps: StepCompiler, core: TpuCore, limit_gib: float, log: Log) -> Fitting:
    """Compiles for a core with the config's micro-batch, or the whole batch; if that does not fit, with smaller ones.

    Args:
        steps: compiles.
        core: what for.
        limit_gib: memory that it has.
        log: receives what is compiled.

    Raises:
        UntraceableError, CompilerFailedError: as `StepCompiler`.
    """
    config, too_large, reason = steps.config, None, ""
    size = config.batch_size if config.micro_batch == "auto" else config.micro_batch
    while True:
        log(f"{config.experiment}: compiling for {core.version}, {size} samples at once")
        graphs = _compiled(steps, size, core)
        needed = _needed_gib(steps, size, graphs)
        if needed is None:
            reasons = [graph.error for graph in graphs.values() if graph.error is not None]
            return Fitting(None, too_large, f"it does not compile: {reasons[0]}", graphs)
        if needed <= limit_gib:
            return Fitting(size, too_large, reason, graphs)
        too_large, reason = size, f"{size} at once need {needed:.1f} of {limit_gib:.2f} GiB"
        if size == 1:
            return Fitting(None, too_large, reason, graphs)
        most = min(size // 2, int(size * _MARGIN * limit_gib / needed))
        size = largest_divisor(config.batch_size, _power_of_two(max(1, most)))


def _compiled(steps: StepCompiler, size: int, core: TpuCore) -> dict[str, CompiledGraph]:
    names = ("gradients", "validation")
    steps.step(size)  # both are of one trace
    with ThreadPoolExecutor(len(names)) as pool:
        return dict(zip(names, pool.map(lambda name: steps.compiled(size, name, core.target), names), strict=True))


def _needed_gib(steps: StepCompiler, size: int, graphs: Mapping[str, CompiledGraph]) -> float | None:
    """None where the compiler has another reason than memory."""
    failed = [graph.needed_gib for graph in graphs.values() if graph.error is not None]
    if not failed:
        return steps.peak_gib(size, graphs)
    return None if None in failed else max(needed for needed in failed if needed is not None)


def _power_of_two(most: int) -> int:
    """The largest one up to `most`, which is 1 or more."""
    return 1 << (most.bit_length() - 1)
