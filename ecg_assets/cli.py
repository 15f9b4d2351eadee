"""`ecg-assets`: what the platform does, without a browser."""

import sys
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.table import Table

from ecg_assets.commands.bucket import bucket
from ecg_assets.commands.compare import compare
from ecg_assets.commands.demote import demote
from ecg_assets.commands.digitize import digitize
from ecg_assets.commands.download_subset import download_subset_command
from ecg_assets.commands.export_onnx import export_onnx
from ecg_assets.commands.predict import predict
from ecg_assets.commands.prune import prune
from ecg_assets.commands.reconcile import reconcile
from ecg_assets.commands.score import score
from ecg_assets.commands.status import status
from ecg_assets.commands.submission import submission
from ecg_assets.commands.tpu import tpu
from ecg_assets.commands.verify import verify
from ecg_assets.samples.export import export_png
from ecg_assets.store.root import open_root
from ecg_assets.store.splits import SPLITS, Split

_PROGRESS_EVERY = 100
# For what a dead run has left on the TPU to end.
_GRACE_S = 10.0


class OneLineErrors(click.Group):
    """Errors that this package raises already say what to do: they are shown as one line, without a traceback."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except Exception as error:
            if not type(error).__module__.startswith("ecg_assets."):
                raise
            raise click.ClickException(str(error).partition("\n")[0]) from error


@click.group(cls=OneLineErrors, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="ecg-assets")
def main() -> None:
    """Turns 12-lead ECGs into printed pages with exact masks, and trains networks that read them.

    Everything is kept below one folder, the data root: the environment variable ECG_ASSETS_DATA, or `data_root` in
    the working directory. The same work can be done, watched and scheduled in Dagster's UI: `make ui`.

    \b
    Where to begin:
      ecg-assets demo                          everything once, on synthetic records
      ECG_SOURCE=/records ecg-assets demo      the same on real ones
      ecg-assets status                        what there is by now
    """


@main.command()
def demo() -> None:
    """Materialise every asset in one run: records, pages, masks, samples, a checkpoint and its evaluation.

    What is there already, made from the same records with the same settings, is skipped; so a demo that was
    interrupted goes on where it was. The run is recorded in DAGSTER_HOME and can be looked at in the UI afterwards.

    \b
    Settings, as environment variables:
      ECG_SOURCE    folder with train.csv and train-csvs.tar.gz or train/, or with WFDB recordings (.hea), or a
                    YAML file that lists several of them; without it, synthetic records
      ECG_RECORDS   how many records at most (synthetic: how many; 24 without it)
      ECG_WORKERS   processes for rendering (the number of cores without it)

    \b
    Examples:
      ecg-assets demo
      ECG_SOURCE=/data/ori_csv ECG_RECORDS=50 ecg-assets demo
    """
    # Dagster takes two seconds to import, which `--help` and `status` need not wait for.
    from ecg_assets.demo import materialize_everything

    outcome = materialize_everything()
    console = Console()
    table = Table(title="What came out", title_justify="left")
    for heading in ("asset", "what came out", "where it lies"):
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


@main.command()
@click.option("--config", "name", required=True, help="An experiment's name, or the path of a YAML file.")
def train(name: str) -> None:
    """Train a network on the dataset in the data root, without Dagster.

    It runs in this terminal, on all cores of the TPU or, without one, on the CPU; Ctrl-C ends it, and the same
    command goes on from its last checkpoint. Results are in runs/<experiment>/.

    \b
    Experiments that come with the package:
      grid_wave_mix_run    3 classes: background, grid, wave
      grid_5class_run      5 classes: horizontal and vertical lines and their crossings apart
      demo                 5 classes, small: minutes on 2 CPU cores

    \b
    Examples:
      ecg-assets train --config demo
      ecg-assets train --config my_experiment.yaml
      PJRT_DEVICE=TPU ecg-assets train --config grid_wave_mix_run
    """
    from ecg_assets.training.launch.preflight import preflight
    from ecg_assets.training.session import train_here  # imports torch: 1.4 s

    published = train_here(open_root(), name, click.echo, lambda run: preflight(run, _GRACE_S, click.echo))
    click.echo(f"Best epoch {published.best_epoch}: {published.checkpoint}")


@main.command("export-dataset")
@click.argument("out", type=click.Path(file_okay=False, path_type=Path))
@click.option("--split", type=click.Choice(SPLITS), default=None, help="Only this split; all of them without it.")
def export_dataset(out: Path, split: Split | None) -> None:
    """Write the dataset as PNG files into the folder OUT.

    \b
    images/<sample>.png         RGB, 512 x 512
    masks/<sample>_mask.png     classes as grey values: 0 background, 1 horizontal line, 2 vertical line,
                                3 their crossing, 4 wave

    \b
    Examples:
      ecg-assets export-dataset /tmp/dataset
      ecg-assets export-dataset /tmp/test_only --split test
    """
    root = open_root()
    for written, total in export_png(root.dataset, out, split):
        if written % _PROGRESS_EVERY == 0 or written == total:
            click.echo(f"{written} of {total} samples")
    click.echo(f"Images and masks are in {out}")


def _short(path: Path) -> str:
    """Relative to the working directory when it is below it."""
    return str(path.relative_to(Path.cwd())) if path.is_relative_to(Path.cwd()) else str(path)


main.add_command(bucket)
main.add_command(compare)
main.add_command(demote)
main.add_command(digitize)
main.add_command(download_subset_command)
main.add_command(export_onnx)
main.add_command(predict)
main.add_command(prune)
main.add_command(reconcile)
main.add_command(score)
main.add_command(status)
main.add_command(submission)
main.add_command(tpu)
main.add_command(verify)

if __name__ == "__main__":
    main()
