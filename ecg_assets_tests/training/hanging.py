"""Trains, with one replica that hangs once: `python -m ecg_assets_tests.training.hanging RUN_FOLDER HANG_ONCE`.

The file HANG_ONCE is removed by the replica that hangs, so that the next start goes through.
"""

import sys
import time
from functools import partial
from pathlib import Path

from ecg_assets.training import trainer
from ecg_assets.training.loop import train_replica
from ecg_assets.training.replica import Replica
from ecg_assets.training.runtime.base import Runtime


def train_or_hang(hang_once: Path, run_folder: Path, runtime: Runtime) -> None:
    """Trains as every replica does, but replica 1 hangs before its eighth step while the file is there."""
    step = Replica.train_step

    def hanging(self: Replica, number: int, batch: object) -> None:
        if self.runtime.ordinal == 1 and number == 8 and hang_once.exists():
            hang_once.unlink()
            time.sleep(10_000)
        step(self, number, batch)  # type: ignore[arg-type]

    Replica.train_step = hanging  # type: ignore[method-assign, assignment]
    try:
        train_replica(run_folder, runtime)
    finally:
        Replica.train_step = step  # type: ignore[method-assign]


def main() -> None:
    """Trains in the run folder."""
    from ecg_assets_tests.training.hanging import train_or_hang as importable

    trainer.train_replica = partial(importable, Path(sys.argv[2]))  # type: ignore[attr-defined]
    trainer.train(Path(sys.argv[1]))


if __name__ == "__main__":
    main()
