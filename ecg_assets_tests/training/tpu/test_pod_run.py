"""A training on several hosts, taken apart: the run folder is made before, and nothing is published too early."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from ecg_assets.store.root import DataRoot
from ecg_assets.training.runs.run_folder import RunFolder, RunFolderError
from ecg_assets.training.tpu.pod_run import main


def test_the_run_folder_is_prepared_and_an_unfinished_training_is_not_published(
    made_root: DataRoot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = tmp_path / "root"
    root.mkdir()
    (root / "store.json").write_bytes((made_root.path / "store.json").read_bytes())
    (root / made_root.dataset.name).symlink_to(made_root.dataset)
    monkeypatch.setenv("ECG_ASSETS_DATA", str(root))
    said = CliRunner().invoke(main, ["prepare", "--config", "demo"], catch_exceptions=False)
    assert said.exit_code == 0, said.output
    assert RunFolder(root / "runs" / "demo").config.exists()
    with pytest.raises(RunFolderError):
        CliRunner().invoke(main, ["publish", "--config", "demo"], catch_exceptions=False)
