"""`ecg-assets reconcile`."""

import click


@click.command()
def reconcile() -> None:
    """Close runs whose process has died, and free their pool slots.

    Every launch does this before its first step, so the command is needed only to tidy the list of runs. Active and
    queued runs are left unchanged. DAGSTER_HOME selects the Dagster instance.

    \b
    Example:
      DAGSTER_HOME=$PWD/dagster_home ecg-assets reconcile
    """
    from ecg_assets.demo import open_instance  # imports Dagster: 2 s
    from ecg_assets.resources.reconcile import reconcile_runs, tells_processes

    with open_instance() as instance:
        if not tells_processes(instance):
            click.echo(
                "No run was checked, because the run database may be shared with hosts whose processes are not visible "
                "from here. Switch on run_monitoring in dagster.yaml, or end lost runs in the UI"
            )
            return
        closed = reconcile_runs(instance, click.echo)
    click.echo(f"{len(closed)} runs closed" if closed else "No run to close: every unfinished run has its process")
