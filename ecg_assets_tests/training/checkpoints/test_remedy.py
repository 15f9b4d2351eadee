"""What is said of a checkpoint that cannot be used, by where it lies, brings a whole one there."""

import shutil
from pathlib import Path

import pytest

from ecg_assets.store.fingerprint import sha256_file
from ecg_assets.store.root import DataRoot, open_root
from ecg_assets.training.checkpoints.checkpoint import load_network
from ecg_assets.training.checkpoints.hashed_safetensors import CheckpointError
from ecg_assets.training.evaluation.champion import decide
from ecg_assets.training.evaluation.champion_store import champion_checkpoint
from ecg_assets.training.evaluation.scorecard import Scorecard
from ecg_assets.training.runs.published import NothingPublishedError, note_published, read_published
from ecg_assets.training.runs.run_folder import RunFolder
from ecg_assets_tests.conftest import AdviceGiven, quiet
from ecg_assets_tests.training.evaluation.cards import card_with
from ecg_assets_tests.training.networks_at_hand import put_checkpoint


@pytest.fixture
def root(tmp_path: Path) -> DataRoot:
    """With one training, `one`, whose weights are published and the champion's."""
    root = open_root(tmp_path / "data_root")
    put_checkpoint(RunFolder(root.runs / "one").best)
    promote(root)
    return root


def promote(root: DataRoot) -> None:
    """What materialising trained_checkpoint and champion does, where nothing has to be trained."""
    best = RunFolder(root.runs / "one").best
    note_published(root, "one", best, sha256_file(best))
    decide(root, card_with("one", "d1", sha256_file(best)), best, never, quiet)


def never(*_: object) -> Scorecard:
    raise AssertionError


def broken(path: Path) -> str:
    """A byte of it is changed; what is said then."""
    content = bytearray(path.read_bytes())
    content[-100] ^= 0x40
    path.write_bytes(content)
    return refused(path)


def refused(path: Path) -> str:
    with pytest.raises(CheckpointError) as error:
        load_network(path)
    return str(error.value)


@pytest.mark.advice("training/checkpoints/remedy.py", "materialise trained_checkpoint")
def test_weights_of_the_champion_and_published_ones_come_again_from_their_training(
    root: DataRoot, advice: AdviceGiven
) -> None:
    path, published = champion_checkpoint(root), root.runs / "published.safetensors"
    assert broken(path).endswith("delete it and materialise champion")
    assert broken(published).endswith("delete it and materialise trained_checkpoint")
    for one in (path, published):
        one.unlink()
    assert refused(path).endswith(f"{path} is not there; materialise champion")
    advice.in_message(refused(published))
    promote(root)
    for one in (path, published):
        load_network(one)


@pytest.mark.advice(
    "training/checkpoints/remedy.py",
    "name the file of a checkpoint, such as runs/",
    "copy it again from where it came, or name the file of another checkpoint",
)
def test_files_of_somewhere_else_are_to_be_copied_again_or_named_rightly(
    root: DataRoot, tmp_path: Path, advice: AdviceGiven
) -> None:
    best, copy = RunFolder(root.runs / "one").best, tmp_path / "copy.safetensors"
    advice.in_message(refused(copy))
    shutil.copy(best, copy)
    advice.in_message(broken(copy))
    load_network(best)
    shutil.copy(best, copy)
    load_network(copy)


@pytest.mark.advice(
    "training/runs/published.py", "); materialise trained_checkpoint again", " is not there; materialise trained_check"
)
def test_what_was_published_and_is_gone_is_published_again(root: DataRoot, advice: AdviceGiven) -> None:
    best = RunFolder(root.runs / "one").best
    kept = best.read_bytes()
    best.unlink()
    (root.runs / "published.safetensors").unlink()
    with pytest.raises(NothingPublishedError) as error:
        read_published(root)
    advice.in_message(error.value)
    (root.runs / "published.json").unlink()
    with pytest.raises(NothingPublishedError) as error:
        read_published(root)
    advice.in_message(error.value)
    best.write_bytes(kept)
    promote(root)
    load_network(read_published(root).checkpoint)
