"""Looks into the replicas of a training: `python -m ecg_assets_tests.training.probe RUN_FOLDER OUT`.

Each replica writes `OUT/<ordinal>.npz`: its first step's reduced gradients, its losses, the hash of its parameters at
the end, and what torch_xla counted.
"""

import hashlib
import sys
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from ecg_assets.training.replica import Replica
from ecg_assets.training.run_folder import RunFolder, read_start
from ecg_assets.training.runtime import launch
from ecg_assets.training.runtime.base import Runtime


def probe(run_folder: Path, out: Path, runtime: Runtime) -> None:
    """Trains one epoch step by step, lowers the learning rate five times on the way, and writes what was seen."""
    replica = Replica(RunFolder(run_folder), runtime, lambda note: None)
    batches = [batch for _, batch in replica.train_batches.epoch(0)]
    seen: dict[str, Any] = {f"gradient.{name}": value for name, value in gradients(replica, batches[0]).items()}
    losses, compiles = [], []
    for step, batch in enumerate(batches, start=1):
        if step > len(batches) - 5:
            replica.rates.factor *= 0.5
        replica.train_step(step, batch)
        losses.append(replica.look().loss_sum)
        compiles.append(runtime.compiles())
    parameters = hashlib.sha256(replica.network.vector.detach().cpu().numpy().tobytes())
    np.savez(
        out / f"{runtime.ordinal}.npz",
        world_size=runtime.world_size,
        losses=losses,
        compiles=compiles,
        fallbacks=np.array(runtime.fallbacks(), dtype=str),
        parameters=parameters.hexdigest(),
        **seen,
    )


def gradients(replica: Replica, batch: Any) -> dict[str, np.ndarray[Any, Any]]:
    """Mean gradients over the replicas of the first batch's loss, by parameter."""
    replica.optimizer.zero_grad(set_to_none=True)
    replica._losses(batch)[0].mean().backward()  # type: ignore[no-untyped-call]
    replica.runtime.reduce_gradients(replica.optimizer)
    replica.runtime.sync()
    gradient = replica.network.vector.grad
    assert gradient is not None
    return {name: part.numpy().copy() for name, part in replica.network.named(gradient.cpu()).items()}


def main() -> None:
    """Runs the probe in every replica of the run folder's runtime."""
    from ecg_assets_tests.training.probe import probe as importable

    run_folder, out = Path(sys.argv[1]), Path(sys.argv[2])
    config = read_start(RunFolder(run_folder)).config
    launch(partial(importable, run_folder, out), config, out / "stop", out / "heartbeats", lambda note: None)


if __name__ == "__main__":
    main()
