"""Files of a run and of its dataset that are damaged or gone: what is said of them is done, and it helps."""

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner, Result

from ecg_assets.cli import main
from ecg_assets.samples.config import SamplesConfig
from ecg_assets.samples.stage import build_dataset
from ecg_assets.store.fingerprint import sha256_file
from ecg_assets.store.root import DataRoot, open_root
from ecg_assets.training import session
from ecg_assets.training.evaluation.scorecard import ScorecardMissingError, read_scorecard, score_run, scorecard_path
from ecg_assets.training.runs.prepare import archived_runs
from ecg_assets.training.runs.published import (
    NothingPublishedError,
    PublishedCheckpoint,
    note_published,
    published_note,
    read_published,
)
from ecg_assets.training.runs.run_folder import RunFolder
from ecg_assets.training.runs.run_state import is_finished
from ecg_assets.training.trainer import TrainingFailedError, train
from ecg_assets_tests.conftest import AdviceGiven, quiet
from ecg_assets_tests.training.conftest import SMALL

SAMPLES = SamplesConfig(recipes={"clean": 1.0}, positives=1, negatives=1, crop_px=64)
SHORT: dict[str, Any] = SMALL | {"epochs": 1, "steps_per_epoch": 1, "validation_steps": 1, "class_weights": None}
Damage = Callable[[Path], object]


def no_json(path: Path) -> None:
    path.write_text("{")


def no_fields(path: Path) -> None:
    path.write_text("{}")


def flipped(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[-3] ^= 1
    path.write_bytes(content)


@dataclass(frozen=True)
class Trained:
    """A data root with a finished training of one step, which is published.

    Attributes:
        root: the data root.
        config: the training's YAML file.
    """

    root: DataRoot
    config: Path

    @property
    def run(self) -> RunFolder:
        return RunFolder(self.root.runs / "small")

    def train(self) -> Result:
        """What the shell does; materialising trained_checkpoint publishes as well."""
        result = CliRunner().invoke(main, ["train", "--config", str(self.config)])
        if result.exit_code == 0:
            note_published(self.root, "small", self.run.best, sha256_file(self.run.best))
        return result

    def make_samples(self) -> None:
        """What materialising mixed_dataset does."""
        build_dataset(self.root, SAMPLES, 1, quiet)


@pytest.fixture(scope="module")
def made(made_root: DataRoot, tmp_path_factory: pytest.TempPathFactory) -> Trained:
    folder = tmp_path_factory.mktemp("trained")
    root = open_root(folder / "data_root")
    for name in ("ori_csv", "grids", "data"):
        (root.path / name).symlink_to(made_root.path / name)
    config = folder / "small.yaml"
    config.write_text(yaml.safe_dump(SHORT | {"widths": list(SHORT["widths"])}))
    trained = Trained(root, config)
    trained.make_samples()
    with pytest.MonkeyPatch.context() as patch:
        without_pictures(patch, root)
        result = trained.train()
    assert result.exit_code == 0, result.output
    return trained


def without_pictures(patch: pytest.MonkeyPatch, root: DataRoot) -> None:
    """Commands are of this data root, and no process beside a training draws, which takes longer than it."""
    patch.setenv("ECG_ASSETS_DATA", str(root.path))
    patch.setattr(session, "train", lambda run, listeners, **_: train(run, listeners))


@pytest.fixture
def trained(made: Trained, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Trained:
    """A copy of it, to be broken."""
    shutil.copytree(made.root.path, tmp_path / "data_root", symlinks=True)
    root = open_root(tmp_path / "data_root")
    without_pictures(monkeypatch, root)
    return Trained(root, made.config)


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        pytest.param(
            Path.unlink,
            "dataset.json is not there",
            marks=pytest.mark.advice("training/runs/run_folder.py", " is not there; materialise mixed_dataset first"),
        ),
        pytest.param(
            no_json,
            "it is no JSON text",
            marks=pytest.mark.advice("training/runs/run_folder.py", "delete it and materialise mixed_dataset"),
        ),
        pytest.param(
            no_fields,
            "it has no digest",
            marks=pytest.mark.advice("training/runs/run_folder.py", "(it has no digest); delete it and materialise"),
        ),
    ],
)
def test_facts_of_the_dataset_are_made_again(trained: Trained, damage: Damage, said: str, advice: AdviceGiven) -> None:
    facts = trained.root.dataset / "dataset.json"
    damage(facts)
    failed = trained.train()
    assert failed.exit_code == 1 and said in failed.output
    advice.in_message(failed.output)
    facts.unlink(missing_ok=True)
    trained.make_samples()
    kept = trained.train()
    assert kept.exit_code == 0 and "its checkpoints are kept" in kept.output


@pytest.mark.advice("training/loop/replica.py", "delete it and materialise mixed_dataset")
@pytest.mark.parametrize(("damage", "said"), [(no_json, "no JSON text"), (no_fields, "has no class_shares")])
def test_facts_of_the_dataset_that_a_trainer_misses(
    trained: Trained, damage: Damage, said: str, advice: AdviceGiven
) -> None:
    for path in (trained.run.state, trained.run.best, trained.run.last):
        path.unlink()
    facts = trained.root.dataset / "dataset.json"
    damage(facts)
    with pytest.raises(TrainingFailedError, match=said) as failed:
        train(trained.run.path)
    advice.in_message(failed.value)
    facts.unlink()
    trained.make_samples()
    train(trained.run.path)
    assert is_finished(trained.run)


@pytest.mark.advice("training/runs/run_state.py", "delete it and materialise trained_checkpoint")
@pytest.mark.parametrize("damage", [no_json, flipped])
@pytest.mark.parametrize("name", ["state.json", "config.json"])
def test_a_damaged_file_of_a_run_costs_no_weights(
    trained: Trained, name: str, damage: Damage, advice: AdviceGiven
) -> None:
    path, best = trained.run.path / name, sha256_file(trained.run.best)
    damage(path)
    failed = trained.train()
    assert failed.exit_code == 1 and f"{path} " in failed.output
    advice.in_message(failed.output)
    path.unlink()
    done = trained.train()
    assert done.exit_code == 0, done.output
    assert is_finished(trained.run)
    kept = [folder / "checkpoints" / "best.safetensors" for folder in archived_runs(trained.root)]
    assert best in {sha256_file(one) for one in (trained.run.best, *kept)}


@pytest.mark.advice("training/runs/lost_checkpoints.py", " has changed since it was published; delete it and ")
def test_best_weights_that_changed_are_put_back_as_they_were_published(trained: Trained, advice: AdviceGiven) -> None:
    best = sha256_file(trained.run.best)
    flipped(trained.run.best)
    failed = trained.train()
    assert failed.exit_code == 1
    advice.in_message(failed.output)
    trained.run.best.unlink()
    done = trained.train()
    assert done.exit_code == 0 and "it is put back from" in done.output
    assert sha256_file(trained.run.best) == best


@pytest.mark.advice("training/trainer.py", " is gone, though all epochs are trained; materialise trained_checkpoint")
@pytest.mark.parametrize("copies", [True, False])
def test_best_weights_that_are_gone_are_put_back_or_trained_anew(
    trained: Trained, copies: bool, advice: AdviceGiven
) -> None:
    before = sha256_file(trained.run.best)
    trained.run.best.unlink()
    if not copies:
        (trained.root.runs / "published.safetensors").unlink()
    with pytest.raises(TrainingFailedError) as failed:
        train(trained.run.path)
    advice.in_message(failed.value)
    done = trained.train()
    assert done.exit_code == 0, done.output
    assert is_finished(trained.run)
    assert sha256_file(trained.run.best) == before or not copies
    assert len(archived_runs(trained.root)) == (not copies)


@pytest.mark.advice("training/runs/published.py", "it names no experiment and no sha256); delete it and materialise")
def test_a_damaged_note_of_what_was_published(trained: Trained, advice: AdviceGiven) -> None:
    no_json(published_note(trained.root))
    with pytest.raises(NothingPublishedError) as error:
        read_published(trained.root)
    advice.in_message(error.value)
    published_note(trained.root).unlink()
    assert trained.train().exit_code == 0
    assert read_published(trained.root).run == trained.run


@pytest.mark.advice("training/runs/published.py", ". To evaluate the other one, materialise trained_checkpoint")
def test_a_training_that_was_not_published_is_evaluated_once_it_is(trained: Trained, advice: AdviceGiven) -> None:
    trained.config.with_name("longer.yaml").write_text(trained.config.read_text().replace("epochs: 1", "epochs: 2"))
    other = Trained(trained.root, trained.config.with_name("longer.yaml"))
    assert CliRunner().invoke(main, ["train", "--config", str(other.config)]).exit_code == 0
    published: PublishedCheckpoint = read_published(trained.root)
    advice.in_message(published.difference)
    assert other.train().exit_code == 0
    assert read_published(trained.root).difference is None


@pytest.mark.advice(
    "training/evaluation/scorecard.py",
    " is not there; materialise evaluation_report first",
    " is no scorecard; delete it and materialise evaluation_report",
)
def test_scores_that_are_gone_or_damaged_are_counted_again(trained: Trained, advice: AdviceGiven) -> None:
    with pytest.raises(ScorecardMissingError) as error:
        read_scorecard(trained.run)
    advice.in_message(error.value)
    card, _ = score_run(trained.root, trained.run, trained.run.best, quiet)
    path = scorecard_path(trained.run)
    flipped(path)
    with pytest.raises(ScorecardMissingError) as error:
        read_scorecard(trained.run)
    advice.in_message(error.value)
    path.unlink()
    score_run(trained.root, trained.run, trained.run.best, quiet)
    assert read_scorecard(trained.run) == card
