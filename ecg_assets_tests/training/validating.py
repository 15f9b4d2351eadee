"""Looks at what replicas validate: `python -m ecg_assets_tests.training.validating RUN_FOLDER...`.

A network of the zoo is trained; any other one is validated as it begins. Each replica writes what it was told of all
replicas' samples, a `Tally`, to `RUN_FOLDER/seen/<ordinal>.json`, and BatchNorm's statistics before and after their
averaging to `RUN_FOLDER/seen/<ordinal>-<before or after>.npz`.
"""

import sys
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from ecg_assets.training.evaluation.counts import Tally
from ecg_assets.training.loop import train_loop as loop
from ecg_assets.training.loop.replica import Replica
from ecg_assets.training.runs.run_folder import RunFolder
from ecg_assets.training.runs.run_state import read_start
from ecg_assets.training.runtime import launch
from ecg_assets.training.runtime.base import Runtime


class Telling(Replica):
    """A replica that writes what it has seen."""

    def validate(self) -> tuple[float, Tally]:
        loss, tally = super().validate()
        (self._seen / f"{self.runtime.ordinal}.json").write_text(tally.model_dump_json())
        return loss, tally

    def average_buffers(self) -> None:
        self._tell("before")
        super().average_buffers()
        self._tell("after")

    def _tell(self, when: str) -> None:
        running: dict[str, Any] = {name: buffer.cpu().numpy() for name, buffer in self.network.running.items()}
        np.savez(self._seen / f"{self.runtime.ordinal}-{when}.npz", **running)

    @property
    def _seen(self) -> Path:
        return self.run.path / "seen"


def look(run_folder: Path, runtime: Runtime) -> None:
    """What each replica runs."""
    run = RunFolder(run_folder)
    if read_start(run).config.network.startswith("smp/"):
        loop.Replica = Telling  # type: ignore[attr-defined]
        loop.train_replica(run, runtime)
    else:
        Telling(run, runtime, print).validate()


def main() -> None:
    """One run folder after the other, each with as many replicas as its config says."""
    from ecg_assets_tests.training.validating import look as importable

    for run_folder in map(Path, sys.argv[1:]):
        run = RunFolder(run_folder)
        (run_folder / "seen").mkdir()
        launch(partial(importable, run_folder), read_start(run).config, run.stop_request, run.heartbeats, print)


if __name__ == "__main__":
    main()
