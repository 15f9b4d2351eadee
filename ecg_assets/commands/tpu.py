"""`ecg-assets tpu`."""

import click
from rich.console import Console
from rich.table import Table

from ecg_assets.commands.tpu_plan import plan
from ecg_assets.store.root import DataRoot, open_root
from ecg_assets.training.tpu.describe import told
from ecg_assets.training.tpu.host import TpuHost, find_host
from ecg_assets.training.tpu.usage import Usage, tpu_usage

_GRACE_S = 30.0


@click.group(invoke_without_command=True)
@click.option("--release", is_flag=True, help="End running trainings of this project.")
@click.option("--yes", is_flag=True, help="With --release: end trainings of active runs without asking.")
@click.pass_context
def tpu(context: click.Context, release: bool, yes: bool) -> None:
    """Show this machine's TPU: chips, cores, replicas of a training, utilisation, and processes that use it.

    The command starts nothing and does not use the network, so it is safe during a training. It reads the PCI bus and
    the environment (TPU_ACCELERATOR_TYPE, TPU_WORKER_ID, TPU_WORKER_HOSTNAMES, bounds). Utilisation and memory come
    from the command tpu-info, if it is installed.

    --release ends trainings by the process group recorded in their run folder, never by name. They first save a
    checkpoint, from which the next materialisation continues. Programs that this project did not start are only listed.

    \b
    Examples:
      ecg-assets tpu
      ecg-assets tpu --release
      ecg-assets tpu plan demo --machine v3-8
    """
    if context.invoked_subcommand is not None:
        return
    root = open_root()
    if release:
        _release(root, yes)
    host = find_host()
    if host is not None:
        Console().print(_table(host))
    click.echo(told(host))
    if host is not None:
        _show_usage(tpu_usage())
    _show_occupants(root, host)


tpu.add_command(plan)


def _table(host: TpuHost) -> Table:
    table = Table("property", "value", title="TPU", title_justify="left")
    unknown = "only on the metadata server"
    for what, value in (
        ("version", host.version),
        ("accelerator type", host.accelerator_type or unknown),
        ("chips of this host", host.chips),
        ("cores of this host", host.cores),
        ("processes of this host", host.processes),
        ("replica threads in a process", host.threads_per_process),
        ("hosts", host.hosts),
        ("number of this host", unknown if host.worker_id is None else host.worker_id),
        ("world size: replicas of all hosts", host.world_size),
    ):
        table.add_row(what, str(value))
    return table


def _show_usage(usage: Usage) -> None:
    if usage.note is not None:
        click.echo(usage.note)
        return
    table = Table("chip", "memory", "busy", title="In use", title_justify="left")
    for chip in usage.chips:
        memory = f"{chip.memory_used_gib:.1f} of {chip.memory_gib:.1f} GiB"
        table.add_row(str(chip.chip), memory, f"{chip.duty_cycle_percent:.0f} %")
    Console().print(table)


def _show_occupants(root: DataRoot, host: TpuHost | None) -> None:
    from ecg_assets.training.launch.accelerator_holders import holders
    from ecg_assets.training.launch.preflight import in_training

    found = [*in_training(root.runs), *(str(each) for each in (holders() if host is not None else ()))]
    for each in found:
        click.echo(f"In use: {each}")
    if host is not None and not found:
        click.echo("The TPU is free: a training can be launched.")


def _release(root: DataRoot, yes: bool) -> None:
    from ecg_assets.training.launch.process_record import recorded_launches

    running = [launch for launch in recorded_launches(root.runs) if launch.members()]
    if not running:
        click.echo("No training of this project is running.")
    for launch in running:
        which = f"{launch.run_folder.name} (process group {launch.group})"
        alive = launch.launcher.alive()
        if alive and not yes and not click.confirm(f"{which} belongs to an active run. End it?"):
            continue
        killed = launch.end(_GRACE_S)
        click.echo(f"Ended {which}" + ("; it did not stop in time and was killed" if killed else ""))
