"""Machines that share a data root in the emulator's bucket."""

from pathlib import Path

import pytest

from ecg_assets.store.bucket.session import pull_into
from ecg_assets.store.root import DataRoot, open_root
from ecg_assets.store.stages.runner import StageReport, run_stage
from ecg_assets_tests.store.bucket.bucket_emulator import BUCKET
from ecg_assets_tests.store.stages.shards import FilesTask

ADDRESS = f"gs://{BUCKET}/team/root"
PREFIX = "team/root/"
PAGES = ["data"]


class Machine:
    """A machine with a cache of its own."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self._cache, self._monkeypatch = folder, monkeypatch
        self.log: list[str] = []

    @property
    def root(self) -> DataRoot:
        self._monkeypatch.setenv("ECG_ASSETS_CACHE", str(self._cache))
        return open_root(ADDRESS)

    def stage(self, *contents: str, pull: bool = True) -> StageReport:
        """Runs a stage whose shards hold these files: `name=text name=text`."""
        root = self.root
        if pull:
            pull_into(root.path, PAGES, self.log.append)
        tasks = [FilesTask(root.path, number, text) for number, text in enumerate(contents)]
        return run_stage("pages", root.wave_images, root.path, tasks, 1, self.log.append)

    def files(self) -> dict[str, str]:
        folder = self.root.path / "data"
        return {path.name: path.read_text() for path in sorted(folder.rglob("*.txt"))}
