"""Plans a config for machines: whether its step compiles and fits, and how fast the compiler thinks it is."""

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ecg_assets.store.log import Log
from ecg_assets.training.config import TrainConfig
from ecg_assets.training.plan.compiler_environment import CompilerEnvironment
from ecg_assets.training.plan.compiling import CompiledGraph, memory_limit_gib
from ecg_assets.training.plan.fitting import Fitting, StepCompiler, find_fitting
from ecg_assets.training.plan.machines import TpuCore, TpuMachine
from ecg_assets.training.plan.operations import Operation
from ecg_assets.training.tpu_plans import StepPlan, step_key


@dataclass(frozen=True)
class Planned:
    """A plan, and where its cycles go.

    Attributes:
        plan: in numbers.
        operations: of the gradients of a micro-batch, the dearest first.
        cycles: of all of those together.
    """

    plan: StepPlan
    operations: tuple[Operation, ...]
    cycles: int


def plan_config(
    name: str,
    config: TrainConfig,
    machines: Sequence[TpuMachine],
    environment: CompilerEnvironment,
    folder: Path,
    log: Log,
) -> list[Planned]:
    """What the compiler says of a config for each machine, in their order; what they share is compiled once.

    Args:
        name: of the config in the plans.
        config: of the training.
        machines: what for.
        environment: of the compiler.
        folder: receives the traced graphs.
        log: receives what is traced and compiled.

    Raises:
        UntraceableError: an operation of the step runs on the host.
        CompilerFailedError: the compiler ended without an answer.
    """
    replicas = tuple(sorted({machine.replicas for machine in machines}))
    steps = StepCompiler(config, replicas, environment, folder, log)
    cores = list(dict.fromkeys(machine.core for machine in machines))

    def judge(core: TpuCore) -> tuple[float, Fitting]:
        limit_gib = memory_limit_gib(environment, core.target)
        return limit_gib, find_fitting(steps, core, limit_gib, log)

    with ThreadPoolExecutor(len(cores)) as pool:  # they wait for the compiler, which `compile_graph` starts
        judged = dict(zip(cores, pool.map(judge, cores), strict=True))
    return [_planned(name, steps, machine, *judged[machine.core], environment.libtpu) for machine in machines]


def _planned(
    name: str, steps: StepCompiler, machine: TpuMachine, limit_gib: float, fitting: Fitting, libtpu: str
) -> Planned:
    asked = steps.config.micro_batch
    judged = fitting.micro_batch or 1
    refused = fitting.micro_batch is None or asked not in ("auto", fitting.micro_batch)
    step = steps.step(judged)
    told = _refusal(fitting) if refused else _estimates(steps, machine, fitting.graphs, judged)
    plan = StepPlan(
        config=name,
        machine=machine.name,
        core=machine.core.version,
        replicas=machine.replicas,
        micro_batch=fitting.micro_batch,
        too_large=fitting.too_large,
        limit_gib=round(limit_gib, 2),
        flops_per_sample=step.flops_per_sample,
        step=step_key(steps.config),
        graphs={name: step.graphs[name].sha256 for name in ("gradients", "validation", _update(machine))},
        libtpu=libtpu,
        **told,
    )
    gradients = fitting.graphs["gradients"]
    return Planned(plan, gradients.operations, gradients.cycles)


def _refusal(fitting: Fitting) -> dict[str, Any]:
    what_fits = f"; {fitting.micro_batch} fit" if fitting.micro_batch else ""
    seconds = sum(graph.compile_s for graph in fitting.graphs.values())
    return {"fits": False, "reason": fitting.reason + what_fits, "compile_s": round(seconds, 1)}


def _estimates(
    steps: StepCompiler, machine: TpuMachine, graphs: Mapping[str, CompiledGraph], micro_batch: int
) -> dict[str, Any]:
    config, core, name = steps.config, machine.core, _update(machine)
    update = steps.compiled(micro_batch, name, machine.target, machine.replicas)
    compile_s = round(sum(graph.compile_s for graph in (*graphs.values(), update)), 1)
    if update.error is not None:
        return {"fits": False, "reason": f"the optimizer's step: {update.error}", "compile_s": compile_s}
    samples = config.batch_size * config.accumulate
    cycles = samples // micro_batch * graphs["gradients"].cycles + update.cycles
    rate = samples * core.clock_hz / cycles
    return {
        "fits": True,
        "peak_gib": round(steps.peak_gib(micro_batch, {**graphs, name: update}), 2),
        "estimated_ms": round(cycles / core.clock_hz * 1e3, 1),
        "samples_per_s_per_core": round(rate, 1),
        "samples_per_s": round(rate * machine.replicas, 1),
        "flops_share": round(steps.step(micro_batch).flops_per_sample * rate / core.peak_flops, 4),
        "compile_s": compile_s,
    }


def _update(machine: TpuMachine) -> str:
    return f"update-{machine.replicas}"
