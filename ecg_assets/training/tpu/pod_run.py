"""A training on several TPU hosts, step by step: `python -m ecg_assets.training.tpu.pod_run prepare|train|publish`.

What one host does alone (`training.session`) is taken apart here, because only one of several may prepare and publish.
"""

import sys

import click

from ecg_assets.store.lock import only_writer
from ecg_assets.store.root import open_root
from ecg_assets.training.config import load_config
from ecg_assets.training.runs.prepare import prepare_run
from ecg_assets.training.runs.prepare import publish as publish_run
from ecg_assets.training.runs.run_folder import RunFolder
from ecg_assets.training.tpu.pod import Pod


@click.group()
def main() -> None:
    """Train an experiment on all hosts of a TPU slice."""


@main.command()
@click.option("--config", "name", required=True, help="An experiment's name, or the path of a YAML file.")
def prepare(name: str) -> None:
    """Make the run folder, on any machine with the data root, while no host trains in it."""
    root, config = open_root(), load_config(name)
    with only_writer(root.runs / ".locks" / config.experiment, click.echo):
        click.echo(prepare_run(root, config, click.echo).path)


@main.command()
@click.option("--config", "name", required=True, help="As for `prepare`, which must have been run.")
@click.option("--topology", required=True, help="Chips along each side of the slice, for example 2x2x4.")
@click.option("--version", required=True, help="Of the chips, for example v4.")
@click.option("--address", default="auto", show_default=True, help="Of the Ray cluster's head, host:port.")
def train(name: str, topology: str, version: str, address: str) -> None:
    """Run the trainer once on each host of the slice, through Ray; a host that is lost ends it on all."""
    root, config = open_root(), load_config(name)
    command = [sys.executable, "-m", "ecg_assets.training.trainer", str(root.runs / config.experiment)]
    with only_writer(root.runs / ".locks" / config.experiment, click.echo):
        Pod(topology, version, address).run(command, click.echo)


@main.command()
@click.option("--config", "name", required=True, help="As for `prepare`.")
def publish(name: str) -> None:
    """Publish the best checkpoint, after the training has ended on all hosts."""
    published = publish_run(RunFolder(open_root().runs / load_config(name).experiment), click.echo)
    click.echo(f"Best epoch {published.best_epoch}: {published.checkpoint}")


if __name__ == "__main__":
    main()
