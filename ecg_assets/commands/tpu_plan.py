"""`ecg-assets tpu plan`."""

import json
import tempfile
from collections.abc import Sequence
from pathlib import Path

import click
from rich.console import Console
from rich.table import Table

from ecg_assets.training.config import CONFIGS, load_config
from ecg_assets.training.plan.compiler_environment import Version, compiler_environment
from ecg_assets.training.plan.machines import MACHINES
from ecg_assets.training.plan.plan import Planned, plan_config
from ecg_assets.training.tpu_plans import StepPlan, remember

_DEAREST = 10
_WIDTH = 160


@click.command()
@click.argument("configs", nargs=-1, metavar="[CONFIG]...")
@click.option(
    "--machine", "machines", multiple=True, type=click.Choice(list(MACHINES)), help="May be repeated; by default all."
)
@click.option("--operations", is_flag=True, help="Show the ten operations with the most cycles.")
@click.option("--json", "as_json", is_flag=True, help="Write JSON to stdout instead of a table.")
@click.option(
    "--libtpu",
    "version",
    type=click.Choice(["pinned", "newest"]),
    default="pinned",
    help="Compiler version: the one that torch_xla requires, or the newest in the registry.",
)
def plan(
    configs: tuple[str, ...], machines: tuple[str, ...], operations: bool, as_json: bool, version: Version
) -> None:
    """Compile training steps with the TPU compiler and show memory, batch sizes and estimated times. Needs no TPU.

    CONFIG is an experiment's name or the path of a YAML file; by default all experiments in the package. The training
    step is traced as the replicas run it and compiled for each type of core. The result is whether it fits into memory,
    the number of samples at once, and the compiler's estimate of cycles. Nothing runs on a TPU, so times are estimates.

    The compiler (jax and libtpu) is installed once into a separate environment in the user's cache folder. A config
    takes minutes for each type of core; compiled results are cached. Trainings with `micro_batch: auto` use them.

    \b
    Examples:
      ecg-assets tpu plan demo --machine v3-8
      ecg-assets tpu plan my_experiment.yaml --machine v3-8 --machine v6e-1 --operations
      ecg-assets tpu plan --json > plans.json
    """
    names = configs or tuple(sorted(path.stem for path in CONFIGS.glob("*.yaml")))
    chosen = [MACHINES[name] for name in dict.fromkeys(machines or MACHINES)]
    loaded = {name: load_config(name) for name in names}
    environment = compiler_environment(version, _say)
    planned: list[Planned] = []
    with tempfile.TemporaryDirectory(prefix="ecg-tpu-plan-") as folder:
        for number, (name, config) in enumerate(loaded.items()):
            planned += plan_config(name, config, chosen, environment, Path(folder, str(number)), _say)
    if version == "pinned":
        for each in planned:
            remember(each.plan)
    if as_json:
        click.echo(json.dumps([each.plan.model_dump() for each in planned], indent=1))
        return
    _show(planned, operations)


def plan_table(plans: Sequence[StepPlan]) -> Table:
    """A table with one row per plan."""
    table = Table("config", "machine", "fits", title="Estimated by the TPU compiler", title_justify="left")
    for column in (
        "replicas",
        "at once",
        "peak GiB",
        "of GiB",
        "ms a step",
        "samples/s a core",
        "samples/s",
        "GFLOP a sample",
        "of the peak",
        "compiled in s",
    ):
        table.add_column(column, justify="right")
    for each in plans:
        table.add_row(
            each.config,
            each.machine,
            "yes" if each.fits else "no",
            str(each.replicas),
            _shown(each.micro_batch, "d"),
            _shown(each.peak_gib, ".2f"),
            f"{each.limit_gib:.2f}",
            _shown(each.estimated_ms, ".0f"),
            _shown(each.samples_per_s_per_core, ".0f"),
            _shown(each.samples_per_s, ".0f"),
            f"{each.flops_per_sample / 1e9:.1f}",
            _shown(each.flops_share, ".1%"),
            f"{each.compile_s:.0f}",
        )
    return table


def _show(planned: Sequence[Planned], operations: bool) -> None:
    console = Console(width=max(_WIDTH, Console().width))
    console.print(plan_table([each.plan for each in planned]))
    for each in planned:
        if each.plan.reason:
            click.echo(f"{each.plan.config} on {each.plan.machine}: {each.plan.reason}")
    if not operations:
        return
    shown: set[tuple[str, str]] = set()
    for each in planned:
        which = (each.plan.config, each.plan.core)
        if which not in shown and each.operations:
            console.print(_operations(each))
        shown.add(which)


def _operations(planned: Planned) -> Table:
    title = f"{planned.plan.config} on {planned.plan.core}: most expensive operations of a micro-batch"
    table = Table("cycles", "share", "module of the network", "operation", "output", "padding", title=title)
    table.title_justify = "left"
    for operation in planned.operations[:_DEAREST]:
        table.add_row(
            f"{operation.cycles:,}",
            f"{operation.cycles / planned.cycles:.1%}",
            operation.module,
            operation.what,
            operation.output.replace("[", r"\["),
            f"x {operation.padding:g}",
        )
    return table


def _shown(value: float | None, form: str) -> str:
    return "-" if value is None else format(value, form)


def _say(message: str) -> None:
    click.echo(message, err=True)
