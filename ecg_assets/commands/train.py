"""`ecg-assets train`."""

import click

from ecg_assets.store.root import open_root

# For processes of a dead run on the TPU to end.
_GRACE_S = 30.0


@click.command()
@click.option("--config", "name", required=True, help="Name of an experiment, or path of a YAML file.")
def train(name: str) -> None:
    """Train a network on the dataset in the data root, without Dagster.

    It runs in this terminal, on all cores of the TPU or, without a TPU, on the CPU. Ctrl-C saves a checkpoint after one
    or two steps and stops; the same command continues from it. Results are in runs/<experiment>/.

    \b
    Experiments in the package:
      grid_wave_mix_run    3 classes: background, grid, wave
      grid_5class_run      5 classes: background, horizontal lines, vertical lines, their crossings, wave
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
