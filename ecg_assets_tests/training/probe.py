"""Looks into the replicas of trainings: `python -m ecg_assets_tests.training.probe OUT RUN_FOLDER...`.

All run folders are trained one after the other by the same replicas, which compile what they share once. Each replica
writes `OUT/<run folder>/<ordinal>.npz`: its first step's reduced gradients, its losses, the hash of its parameters at
the end, the confusion matrix of the validation, and what torch_xla counted.
"""

import hashlib
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from ecg_assets.training.data.batches import DeviceBatch
from ecg_assets.training.loop.replica import Replica
from ecg_assets.training.runs.run_folder import RunFolder
from ecg_assets.training.runs.run_state import read_start
from ecg_assets.training.runtime import launch
from ecg_assets.training.runtime.base import Runtime


def probe(run_folders: Sequence[Path], out: Path, runtime: Runtime) -> None:
    """Trains one epoch of each step by step, lowers the learning rate five times on the way, writes what was seen."""
    for run_folder in run_folders:
        replica = Replica(RunFolder(run_folder), runtime, lambda note: None)
        seen = trained(replica) | {"confusion": replica.validate()[1].counts, "world_size": runtime.world_size}
        parameters = hashlib.sha256(replica.network.vector.detach().cpu().numpy().tobytes())
        np.savez(
            out / run_folder.name / f"{runtime.ordinal}.npz",
            fallbacks=np.array(runtime.fallbacks(), dtype=str),
            parameters=parameters.hexdigest(),
            **seen,
        )


def trained(replica: Replica) -> dict[str, Any]:
    """Gradients of the first step; loss of each step, and how much was compiled after it."""
    seen: dict[str, Any] = {}
    losses, compiles, last = [], [], replica.train_batches.steps
    for step, _, batches in replica.steps():
        if step == 1:
            seen = {f"gradient.{name}": value for name, value in gradients(replica, batches).items()}
        if step > last - 5:
            replica.rates.factor *= 0.5
        replica.train_step(step, batches)
        losses.append(replica.look().loss_sum)
        compiles.append(replica.runtime.compiles())
    return seen | {"losses": losses, "compiles": compiles}


def gradients(replica: Replica, batches: Sequence[DeviceBatch]) -> dict[str, np.ndarray[Any, Any]]:
    """Mean gradients over the replicas of the first batch's loss, by parameter."""
    for batch in batches:
        replica.step.add_gradients(batch)
    replica.runtime.reduce_gradients(replica.optimizer)
    replica.runtime.sync()
    gradient = replica.network.vector.grad
    assert gradient is not None
    seen = {name: part.numpy().copy() for name, part in replica.network.named(gradient.cpu()).items()}
    replica.step.forget()
    return seen


def main() -> None:
    """Runs the probe in every replica of the first run folder's runtime."""
    from ecg_assets_tests.training.probe import probe as importable

    out, *run_folders = (Path(argument) for argument in sys.argv[1:])
    for run_folder in run_folders:
        (out / run_folder.name).mkdir(parents=True)
    config = read_start(RunFolder(run_folders[0])).config
    launch(partial(importable, run_folders, out), config, out / "stop", out / "heartbeats", lambda note: None)


if __name__ == "__main__":
    main()
