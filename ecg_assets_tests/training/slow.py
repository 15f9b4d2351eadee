"""A trainer whose steps take a second: `python -m ecg_assets_tests.training.slow RUN_FOLDER`."""

import sys
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import click

from ecg_assets.training import trainer
from ecg_assets.training.data.batches import DeviceBatch
from ecg_assets.training.loop.replica import Replica
from ecg_assets.training.loop.train_loop import train_replica
from ecg_assets.training.runs.run_folder import RunFolder
from ecg_assets.training.runtime.base import Runtime

STEP_S = 1.0


class Slow(Replica):
    """Notes in `RUN_FOLDER/begun` which step it is in."""

    def train_step(self, step: int, batches: Sequence[DeviceBatch]) -> None:
        if self.runtime.is_master:
            (self.run.path / "begun").write_text(str(step))
        time.sleep(STEP_S)
        super().train_step(step, batches)


def train_slowly(run: RunFolder, runtime: Runtime) -> None:
    """What each replica runs."""
    from ecg_assets.training.loop import train_loop as loop

    loop.Replica = Slow  # type: ignore[attr-defined]
    train_replica(run, runtime)


def main() -> None:
    """Trains in the run folder, and shows its events."""
    from ecg_assets_tests.training.slow import train_slowly as importable

    trainer.train_replica = partial(importable)  # type: ignore[attr-defined]
    trainer.train(Path(sys.argv[1]), [lambda event: click.echo(event.message)], own_process=True)


if __name__ == "__main__":
    main()
