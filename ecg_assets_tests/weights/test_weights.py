"""Files of the package's weights that are gone or damaged come back from its checkout."""

import shlex
import shutil
import subprocess
from pathlib import Path

import pytest

from ecg_assets import weights
from ecg_assets.training.checkpoints import remedy
from ecg_assets.training.checkpoints.checkpoint import load_network
from ecg_assets.training.checkpoints.hashed_safetensors import CheckpointError
from ecg_assets.weights import SEGMENTATION, WeightsMissingError, weights_path
from ecg_assets_tests.conftest import AdviceGiven


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The package's weights in a checkout of its own."""
    folder = tmp_path / "ecg_assets" / "weights"
    folder.mkdir(parents=True)
    shutil.copy(weights_path(SEGMENTATION), folder)
    for command in ("init", "add .", "-c user.name=a -c user.email=a@b commit -m weights"):
        subprocess.run(["git", *command.split()], cwd=tmp_path, check=True, capture_output=True, timeout=60)
    for module in (weights, remedy):
        monkeypatch.setattr(module, "FOLDER", folder)
    return folder


@pytest.mark.advice("weights/__init__.py", "put it back as it was released: git -C ")
@pytest.mark.parametrize("damage", [Path.unlink, lambda path: path.write_bytes(path.read_bytes()[:-1])])
def test_weights_that_are_gone_or_damaged_come_back_by_the_command_that_is_told(
    folder: Path, damage: object, advice: AdviceGiven
) -> None:
    assert callable(damage)
    damage(folder / SEGMENTATION)
    with pytest.raises((CheckpointError, WeightsMissingError)) as refused:
        load_network(weights_path(SEGMENTATION))
    advice.in_message(refused.value)
    command = str(refused.value).rpartition("released: ")[2]
    subprocess.run(shlex.split(command), check=True, capture_output=True, timeout=60)
    load_network(weights_path(SEGMENTATION))
