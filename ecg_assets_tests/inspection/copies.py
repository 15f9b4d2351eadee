"""Data roots that a test may change."""

import shutil
from pathlib import Path

from ecg_assets.store.root import DataRoot


def copied_root(made_root: DataRoot, folder: Path) -> DataRoot:
    """A copy of the shared one, in `folder / "data_root"`."""
    shutil.copytree(made_root.path, folder / "data_root", symlinks=True)
    return DataRoot(folder / "data_root", made_root.shards)
