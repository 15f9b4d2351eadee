"""Trains the network that finds traces on flat pages: `python -m ecg_assets.digitize.trace_network.cli RUN_FOLDER`.

Pages are drawn once, into RUN_FOLDER/pages, from training records of the data root; every third is synthetic, because
its 12 leads fill layouts that the competition's records leave empty. Both drawing and training resume after a stop.
"""

from collections.abc import Callable
from pathlib import Path

import click

from ecg_assets.digitize.benchmark.rendered_pages import records_of_split
from ecg_assets.digitize.trace_network.dataset import write_flat_dataset
from ecg_assets.digitize.trace_network.train import WaveTraining, train_wave_network
from ecg_assets.records.index import accepted_records
from ecg_assets.records.ingest import load_record
from ecg_assets.records.record import Record
from ecg_assets.store.root import DataRoot, open_root
from ecg_assets.store.splits import Split
from ecg_assets.training.config import PACKAGE_WEIGHTS
from ecg_assets.weights import WAVE, weights_path

_SYNTHETIC_EVERY = 3
_SYNTHETIC = 100


def record_loader(root: DataRoot, split: Split) -> Callable[[int], Record]:
    """A function that returns the record for a page's number; deterministic for one data root.

    Raises:
        IndexMissingError: `raw_csvs` was not materialised.
    """
    index = accepted_records(root)
    rows = list(index[index["split"] == split].itertuples())
    synthetic = records_of_split(split, _SYNTHETIC)

    def load(number: int) -> Record:
        if not rows or number % _SYNTHETIC_EVERY == _SYNTHETIC_EVERY - 1:
            return synthetic[number // _SYNTHETIC_EVERY % len(synthetic)]
        row = rows[number % len(rows)]
        return load_record(root, str(row.id), int(str(row.fs_hz)))

    return load


@click.command()
@click.argument("run", type=click.Path(file_okay=False, path_type=Path))
@click.option("--pages", default=900, show_default=True, help="Training pages, 24 crops each.")
@click.option("--validation-pages", default=30, show_default=True, help="Pages for selecting the best weights.")
@click.option("--steps", default=WaveTraining().steps, show_default=True, help="Total number of optimizer steps.")
@click.option("--learning-rate", default=WaveTraining().learning_rate, show_default=True, help="Maximum learning rate.")
@click.option(
    "--start-from", default=None, help="Checkpoint with initial weights; `package`: the weights of `digitize`."
)
@click.option("--seed", default=0, show_default=True, help="Seed of pages, initial weights and order.")
def main(
    run: Path, pages: int, validation_pages: int, steps: int, learning_rate: float, start_from: str | None, seed: int
) -> None:
    """Draw pages of the data root's records and train in the folder RUN; the result is its best.safetensors."""
    root = open_root()
    train = write_flat_dataset(run / "pages" / "train", record_loader(root, "train"), range(pages), seed, click.echo)
    judged = record_loader(root, "validation")
    validation = write_flat_dataset(run / "pages" / "validation", judged, range(validation_pages), seed + 1, click.echo)
    begin = weights_path(WAVE) if start_from == PACKAGE_WEIGHTS else start_from and Path(start_from)
    config = WaveTraining(steps=steps, learning_rate=learning_rate, seed=seed)
    best = train_wave_network(train, validation, run, config, begin or None, click.echo)
    click.echo(f"Weights with the lowest validation loss: {best}")


if __name__ == "__main__":
    main()
