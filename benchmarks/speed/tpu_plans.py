"""Plans of all shipped configs: `python -m benchmarks.speed.tpu_plans [--write] [MACHINE]...`, by default all machines.

Compares what the TPU compiler says now with the plans of the package, and ends with code 1 where they differ
or something does not fit. With `--write` it writes them instead, and the table of docs/tpu.md; plans for machines that
are not named are kept.
"""

import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path

import click

from ecg_assets.store.atomic import write_json, write_text
from ecg_assets.training.config import CONFIGS, load_config
from ecg_assets.training.plan.compiler_environment import compiler_environment
from ecg_assets.training.plan.machines import MACHINES, TpuMachine, machine_named
from ecg_assets.training.plan.plan import plan_config
from ecg_assets.training.tpu_plans import SHIPPED, StepPlan, shipped_plans

_DOCUMENT = Path(__file__).parents[2] / "docs" / "tpu.md"
_BEGIN, _END = "<!-- plans -->\n", "<!-- end of plans -->\n"
_HEAD = (
    "| config | machine | replicas | fits | at once | peak, GiB | of | ms a step | samples/s a core | samples/s | "
    "GFLOP a sample | of the peak | compile, s |\n|---|---|---|---|---|---|---|---|---|---|---|---|---|\n"
)
# Estimates follow from the program alone; how long compiling takes, from the machine that compiles.
_OF_THE_MACHINE = {"compile_s"}


def plans_now(machines: list[TpuMachine]) -> list[StepPlan]:
    """What the pinned compiler says."""
    environment = compiler_environment("pinned", click.echo)
    plans: list[StepPlan] = []
    with tempfile.TemporaryDirectory(prefix="ecg-tpu-plans-") as folder:
        for name in sorted(path.stem for path in CONFIGS.glob("*.yaml")):
            config = load_config(name)
            for each in plan_config(name, config, machines, environment, Path(folder, name), click.echo):
                plans.append(each.plan)
                click.echo(f"{each.plan.config} on {each.plan.machine}: {each.plan.reason or 'fits'}")
    return plans


def table(plans: list[StepPlan]) -> str:
    """Of docs/tpu.md."""
    date = datetime.now(UTC).strftime("%Y-%m-%d")
    rows = [_row(plan) for plan in plans]
    compiler = f"libtpu {plans[0].libtpu}, {date}"
    return f"Estimated by the TPU compiler ({compiler}); never run on chips.\n\n{_HEAD}{''.join(rows)}"


def _row(plan: StepPlan) -> str:
    cells = [
        f"`{plan.config}`",
        plan.machine,
        str(plan.replicas),
        "yes" if plan.fits else f"**no**: {plan.reason}",
        *(
            "-" if value is None else format(value, form)
            for value, form in (
                (plan.micro_batch, "d"),
                (plan.peak_gib, ".2f"),
                (plan.limit_gib, ".2f"),
                (plan.estimated_ms, ".1f"),
                (plan.samples_per_s_per_core, ".0f"),
                (plan.samples_per_s, ",.0f"),
                (plan.flops_per_sample / 1e9, ".1f"),
                (plan.flops_share, ".1%"),
                (plan.compile_s, ".0f"),
            )
        ),
    ]
    return f"| {' | '.join(cells)} |\n"


def main() -> None:
    """Writes or compares."""
    named = [argument for argument in sys.argv[1:] if argument != "--write"]
    plans = plans_now([machine_named(name) for name in named or MACHINES])
    if "--write" in sys.argv[1:]:
        kept = [plan for plan in shipped_plans() if named and plan.machine not in named]
        order = list(MACHINES)
        plans = sorted([*plans, *kept], key=lambda plan: (plan.config, order.index(plan.machine)))
        write_json(SHIPPED, [plan.model_dump() for plan in plans])
        before, _, rest = _DOCUMENT.read_text("utf-8").partition(_BEGIN)
        after = rest.partition(_END)[2]
        write_text(_DOCUMENT, f"{before}{_BEGIN}{table(plans)}{_END}{after}")
        return
    shipped = {(plan.config, plan.machine): plan.model_dump(exclude=_OF_THE_MACHINE) for plan in shipped_plans()}
    other = [
        f"{plan.config} on {plan.machine}"
        for plan in plans
        if not plan.fits or shipped.get((plan.config, plan.machine)) != plan.model_dump(exclude=_OF_THE_MACHINE)
    ]
    if other:
        sys.exit(
            f"The TPU compiler says other things than {SHIPPED.name} of {', '.join(other)}: where that is meant, "
            "`python -m benchmarks.speed.tpu_plans --write`"
        )
    click.echo(f"{len(plans)} plans are as they come with the package, and all of them fit")


if __name__ == "__main__":
    main()
