"""Two replicas, of which one has no memory for more than two samples: `python -m ...exhausted RUN_FOLDER ORDINAL`."""

import sys
from functools import partial
from pathlib import Path

import click
import torch_xla
import torch_xla.runtime as xr

from ecg_assets.training import trainer
from ecg_assets.training.loop.replica import Replica
from ecg_assets.training.loop.train_loop import train_replica
from ecg_assets.training.runs.run_folder import RunFolder
from ecg_assets.training.runtime.base import Runtime

_FITS = 2


def train_exhausted(ordinal: int, run: RunFolder, runtime: Runtime) -> None:
    """What each replica runs: where torch_xla compiles and starts a graph, one replica does what it would on a TPU."""
    from ecg_assets.training.loop import train_loop as loop

    sizes: dict[int, int] = {}

    class Watched(Replica):
        def steps(self):  # type: ignore[no-untyped-def]
            sizes[self.runtime.ordinal] = self.micro_batch.size
            return super().steps()

    sync = torch_xla.sync

    def sync_or_not(*_: bool) -> None:
        if xr.global_ordinal() == ordinal and sizes.get(ordinal, 0) > _FITS:
            sizes.clear()
            raise RuntimeError("RESOURCE_EXHAUSTED: Ran out of memory in memory space hbm. Used 16.20G of 15.48G hbm.")
        sync()

    if runtime.ordinal == ordinal:
        torch_xla.sync = sync_or_not  # type: ignore[assignment]
    loop.Replica = Watched  # type: ignore[attr-defined]
    train_replica(run, runtime)


def main() -> None:
    """Trains in the run folder."""
    from ecg_assets_tests.training.loop.exhausted import train_exhausted as importable

    trainer.train_replica = partial(importable, int(sys.argv[2]))  # type: ignore[attr-defined]
    trainer.train(Path(sys.argv[1]), [lambda event: click.echo(event.message)])


if __name__ == "__main__":
    main()
