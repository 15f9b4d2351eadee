"""A run that gives way to another config outlives this machine, too, where the data root is in a bucket."""

from pathlib import Path

import pytest

from ecg_assets.store.atomic import write_bytes, write_json
from ecg_assets.store.root import open_root
from ecg_assets.training.config import TrainConfig
from ecg_assets.training.runs.prepare import archived_runs, prepare_run
from ecg_assets_tests.conftest import quiet
from ecg_assets_tests.store.bucket.bucket_emulator import BUCKET, emulator_running
from ecg_assets_tests.training.conftest import SMALL


def test_an_archived_run_is_in_the_bucket_before_the_new_one_begins(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ECG_ASSETS_CACHE", str(tmp_path / "cache"))
    with emulator_running(monkeypatch) as emulator:
        root = open_root(f"gs://{BUCKET}/team/root")
        write_json(root.dataset / "dataset.json", {"digest": "d"})
        run = prepare_run(root, TrainConfig(**SMALL), quiet)
        write_bytes(run.best, b"hours of training")
        prepare_run(root, TrainConfig(**(SMALL | {"learning_rate": 1e-4})), quiet)
        (archived,) = archived_runs(root)
        assert (archived / "checkpoints" / "best.safetensors").read_bytes() == b"hours of training"
        named = [name for name in emulator.names() if f"runs/.archive/small/{archived.name}/" in name]
        assert any("/best." in name for name in named) and any("manifests/" in name for name in named)
