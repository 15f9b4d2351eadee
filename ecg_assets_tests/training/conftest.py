"""A small config that a CPU trains in seconds, and a prepared run folder."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ecg_assets.store.root import DataRoot, open_root
from ecg_assets.training.config import TrainConfig
from ecg_assets.training.runs.prepare import prepare_run
from ecg_assets.training.runs.run_folder import RunFolder
from ecg_assets_tests.conftest import quiet

SMALL: dict[str, Any] = {
    "experiment": "small",
    "classes": 5,
    "runtime": "torch",
    "epochs": 2,
    "steps_per_epoch": 20,
    "validation_steps": 2,
    "batch_size": 2,
    "crop_px": 64,
    "log_every": 5,
    "widths": (8, 16),
    "patch_px": 2,
    "learning_rate": 3e-3,
    "class_weights": (1, 1, 1, 2, 2),
}


def xla_environment() -> dict[str, str]:
    """This process's environment for a training of its own on CPU replicas.

    XLA then compiles in half of the time to code that runs slower, which these networks are too small to show.
    """
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PJRT_", "CPU_NUM", "XLA_"))}
    return kept | {"XLA_FLAGS": "--xla_backend_optimization_level=0"}


Prepare = Callable[..., RunFolder]


@pytest.fixture
def prepare(made_root: DataRoot, tmp_path: Path) -> Prepare:
    """Prepares a run of the small config with other values in some fields, in a data root of its own."""
    return preparing(made_root, tmp_path)


def preparing(made_root: DataRoot, folder: Path) -> Prepare:
    """Prepares runs on the samples of `made_root`, below `folder`."""

    def make(name: str = "small", **changes: Any) -> RunFolder:
        root = open_root(folder / "roots" / name)
        if not root.dataset.exists():
            root.dataset.symlink_to(made_root.dataset)
        return prepare_run(root, TrainConfig(**(SMALL | changes)), quiet)

    return make
