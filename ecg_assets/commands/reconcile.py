"""`ecg-assets reconcile`."""

import click


@click.command()
def reconcile() -> None:
    """Close runs whose process is gone, and free the pool slots that they hold.

    Every launch does this before its first step; by hand it is needed only to tidy the list of runs. Runs that live,
    or wait in the queue, are left alone. DAGSTER_HOME says whose runs.

    \b
    Example:
      DAGSTER_HOME=$PWD/dagster_home ecg-assets reconcile
    """
    from ecg_assets.demo import open_instance  # imports Dagster: 2 s
    from ecg_assets.resources.reconcile import reconcile_runs, tells_processes

    with open_instance() as instance:
        if not tells_processes(instance):
            click.echo(
                "Runs are in a database that other hosts may use, whose processes cannot be seen from here: no run was "
                "looked at. Switch on run_monitoring in dagster.yaml, or end lost runs in the UI"
            )
            return
        closed = reconcile_runs(instance, click.echo)
    click.echo(f"{len(closed)} runs closed" if closed else "No run is left without its process")
