"""A small config that a CPU trains in seconds, and a prepared run folder."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ecg_assets.store.root import DataRoot, open_root
from ecg_assets.training.config import TrainConfig
from ecg_assets.training.run_folder import RunFolder, prepare_run
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

Prepare = Callable[..., RunFolder]


@pytest.fixture
def prepare(made_root: DataRoot, tmp_path: Path) -> Prepare:
    """Prepares a run of the small config with other values in some fields, in a data root of its own."""

    def make(name: str = "small", **changes: Any) -> RunFolder:
        root = open_root(tmp_path / "roots" / name)
        if not root.dataset.exists():
            root.dataset.symlink_to(made_root.dataset)
        return prepare_run(root, TrainConfig(**(SMALL | changes)), quiet)

    return make
