"""Checkpoints that are gone are put back from their copy, or the run gives way to a new one and is kept."""

import json
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from ecg_assets.store.fingerprint import sha256_file
from ecg_assets.store.root import DataRoot
from ecg_assets.training.runs.lost_checkpoints import require_whole_best, what_is_lost
from ecg_assets.training.runs.run_folder import RunFolder, RunFolderError
from ecg_assets.training.runs.run_state import EpochScores, RunState, write_state
from ecg_assets_tests.conftest import quiet

SCORES = EpochScores(
    epoch=1, loss=0.125, learning_rate=0.001, validation_loss=0.25, dice={"wave": 0.5}, iou={}, foreground_dice=0.5
)


@pytest.fixture
def root(tmp_path: Path) -> DataRoot:
    return DataRoot(tmp_path, 16)


def weights(path: Path, scores: EpochScores = SCORES) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    save_file({"w": np.ones(4, np.float32)}, path, {"scores": scores.model_dump_json()})
    return path


def trained(root: DataRoot, finished: bool = True) -> RunFolder:
    run = RunFolder(root.runs / "one")
    weights(run.best), weights(run.last)
    run.config.write_text(json.dumps({"fingerprint": "f"}))
    state = RunState(fingerprint="f", epochs_done=1, finished=finished, best_epoch=1, history=[SCORES])
    write_state(run, state)
    return run


def kept(root: DataRoot, name: str, scores: EpochScores = SCORES) -> Path:
    """A copy of best weights with its note."""
    path = weights(root.path / f"{name}.safetensors", scores)
    path.with_suffix(".json").write_text(json.dumps({"sha256": sha256_file(path)}))
    return path


@pytest.mark.parametrize("name", ["runs/published", "champion/champion", "champion/previous"])
def test_best_weights_that_are_gone_are_put_back_from_each_copy(root: DataRoot, name: str) -> None:
    run, copy = trained(root), kept(root, name)
    run.best.unlink()
    said = list[str]()
    assert what_is_lost(root, run, said.append) is None
    assert run.best.read_bytes() == copy.read_bytes()
    assert len(said) == 1 and str(copy) in said[0]


def test_copies_that_are_damaged_or_of_another_epoch_are_not_taken(root: DataRoot) -> None:
    run = trained(root)
    kept(root, "champion/champion", SCORES.model_copy(update={"loss": 0.126}))
    damaged = kept(root, "runs/published")
    damaged.write_bytes(damaged.read_bytes()[:-1] + b"x")
    run.best.unlink()
    assert str(run.best) in str(what_is_lost(root, run, quiet))
    assert not run.best.exists()


def test_a_run_in_the_middle_needs_one_checkpoint_to_go_on_from(root: DataRoot) -> None:
    run = trained(root, finished=False)
    weights(run.previous)
    run.last.unlink()
    assert what_is_lost(root, run, quiet) is None
    run.previous.unlink()
    assert "are gone" in str(what_is_lost(root, run, quiet))
    assert what_is_lost(root, trained(root), quiet) is None, "a finished one has no use for them"


def test_damaged_best_weights_are_not_published_over_whole_ones(root: DataRoot) -> None:
    run, copy = trained(root), kept(root, "runs/published")
    require_whole_best(root, run)
    run.best.write_bytes(run.best.read_bytes()[:-1] + b"x")
    with pytest.raises(RunFolderError, match="delete it and materialise trained_checkpoint"):
        require_whole_best(root, run)
    run.best.unlink()
    assert what_is_lost(root, run, quiet) is None
    require_whole_best(root, run)
    assert run.best.read_bytes() == copy.read_bytes()
