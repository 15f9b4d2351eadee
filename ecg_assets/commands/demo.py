"""`ecg-assets demo`."""

import sys
from pathlib import Path

import click
from rich.console import Console
from rich.table import Table


@click.command()
def demo() -> None:
    """Materialise every asset in one run: records, pages, masks, samples, a checkpoint and its evaluation.

    Results that exist for the same records and settings are skipped, so an interrupted demo continues where it
    stopped. The run is recorded in DAGSTER_HOME and can be viewed in the UI afterwards.

    \b
    Settings, as environment variables:
      ECG_SOURCE    folder with train.csv and train-csvs.tar.gz or train/, or with WFDB recordings (.hea), or a
                    YAML file that lists several sources; by default synthetic records
      ECG_RECORDS   maximum number of records (synthetic: number of records, by default 24)
      ECG_WORKERS   processes for rendering (by default the number of cores)

    \b
    Examples:
      ecg-assets demo
      ECG_SOURCE=/data/ori_csv ECG_RECORDS=50 ecg-assets demo
    """
    # Importing Dagster takes 2 s, which `--help` and `status` skip.
    from ecg_assets.demo import materialize_everything

    outcome = materialize_everything()
    console = Console()
    table = Table(title="Results", title_justify="left")
    for heading in ("asset", "result", "path"):
        table.add_column(heading, overflow="fold")
    for made in outcome.made:
        table.add_row(made.asset, made.summary, _short(made.where))
    console.print(table)
    for warning in outcome.warnings:
        click.echo(f"Check: {warning}")
    for failure in outcome.failures:
        click.echo(f"Failed: {failure}", err=True)
    click.echo(f"Pictures, numbers, lineage and logs: make ui, then http://127.0.0.1:3000/runs/{outcome.run_id}")
    if outcome.failures:
        sys.exit(1)


def _short(path: Path) -> str:
    """Relative to the working directory when it is below it."""
    return str(path.relative_to(Path.cwd())) if path.is_relative_to(Path.cwd()) else str(path)
