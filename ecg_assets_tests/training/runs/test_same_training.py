"""A training begins anew for what changes its result, and goes on for everything else."""

from pathlib import Path
from typing import Any

import pytest

from ecg_assets.inspection.experiment_states import experiment_states
from ecg_assets.samples.reader import SampleReader
from ecg_assets.store.root import DataRoot, open_root
from ecg_assets.store.sealed import write_sealed_text
from ecg_assets.training.config import TrainConfig
from ecg_assets.training.runs.prepare import archived_runs, prepare_run
from ecg_assets.training.runs.run_folder import RunFolder
from ecg_assets.training.runs.run_state import is_finished, read_start, read_state
from ecg_assets.training.runs.same_training import RESULT_STAYS
from ecg_assets.training.trainer import train
from ecg_assets_tests.conftest import quiet
from ecg_assets_tests.training.conftest import SMALL
from ecg_assets_tests.training.test_trainer import assert_same_weights

FIRST: dict[str, Any] = SMALL | {"steps_per_epoch": 4, "validation_steps": 1}
OTHERWISE: dict[str, Any] = {
    "log_every": 3,
    "check_every": 2,
    "save_every": 2,
    "restarts": 5,
    "stall_timeout_s": 60.0,
    "loader_threads": 1,
    "loader_batches_ahead": 2,
}


@pytest.fixture
def root(made_root: DataRoot, tmp_path: Path) -> DataRoot:
    root = open_root(tmp_path / "data_root")
    root.dataset.symlink_to(made_root.dataset)
    assert len(SampleReader(root.dataset, "train"))
    return root


def prepared(root: DataRoot, **changes: Any) -> tuple[RunFolder, str]:
    """The run folder, and what was said of it."""
    said: list[str] = []
    return prepare_run(root, TrainConfig(**(FIRST | changes)), said.append), "\n".join(said)


def test_it_goes_on_whatever_is_logged_checked_saved_survived_and_loaded(root: DataRoot) -> None:
    assert OTHERWISE.keys() == RESULT_STAYS
    assert all(TrainConfig(**FIRST).model_dump()[name] != value for name, value in OTHERWISE.items())
    run, _ = prepared(root, epochs=1)
    train(run.path)
    again, said = prepared(root, epochs=1, **OTHERWISE)
    assert is_finished(again) and not archived_runs(root)
    assert "goes on with log_every 3, check_every 2, save_every 2" in said
    assert read_start(again).config.log_every == 3
    _, said = prepared(root, epochs=1)
    assert "goes on with log_every 5" in said and not archived_runs(root)
    assert read_start(again).began_with is None
    assert experiment_states(root)["small"] == ["trained", "not evaluated yet"]


def test_what_is_done_otherwise_leaves_the_weights_as_they_are(root: DataRoot) -> None:
    run, _ = prepared(root)
    train(run.path)
    other, _ = prepared(root, experiment="other", **OTHERWISE)
    train(other.path)
    assert_same_weights(run.last, other.last)


def test_more_epochs_go_on_to_the_weights_of_a_training_that_had_them_from_the_start(root: DataRoot) -> None:
    run, _ = prepared(root, epochs=1)
    train(run.path)
    assert is_finished(run)
    run, said = prepared(root, epochs=3)
    assert "goes on with epochs 3" in said
    assert not is_finished(run) and not archived_runs(root)
    train(run.path)
    state = read_state(run)
    assert state is not None and [scores.epoch for scores in state.history] == [1, 2, 3] and is_finished(run)
    whole, _ = prepared(root, experiment="whole", epochs=3)
    train(whole.path)
    assert_same_weights(run.last, whole.last)
    assert experiment_states(root)["small"] == ["trained", "not evaluated yet"]


def test_fewer_epochs_than_are_trained_begin_anew_and_no_fewer_do_not(root: DataRoot) -> None:
    run, _ = prepared(root, epochs=2)
    train(run.path)
    prepared(root, epochs=3)
    train(prepared(root, epochs=2)[0].path)
    state = read_state(run)
    assert state is not None and state.epochs_done == 2 and is_finished(run) and not archived_runs(root)
    _, said = prepared(root, epochs=1)
    assert "epochs is 1, and 2 are trained; it is trained anew" in said
    (archived,) = archived_runs(root)
    assert (archived / "checkpoints" / "best.safetensors").exists()


def test_after_more_epochs_the_first_number_of_them_begins_anew(root: DataRoot) -> None:
    train(prepared(root, epochs=1)[0].path)
    train(prepared(root, epochs=2)[0].path)
    assert "epochs is 1, and 2 are trained" in prepared(root, epochs=1)[1]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"learning_rate": 1e-3}, "learning_rate 0.003 is now 0.001"),
        ({"seed": 1, "log_every": 3}, "seed 0 is now 1"),
        ({"early_stop_patience": 9}, "early_stop_patience None is now 9"),
    ],
)
def test_what_changes_the_result_begins_anew_is_named_and_the_earlier_run_is_kept(
    root: DataRoot, change: dict[str, Any], reason: str
) -> None:
    run, _ = prepared(root, epochs=1)
    run.best.parent.mkdir(parents=True, exist_ok=True)
    run.best.write_bytes(b"hours of training")
    _, said = prepared(root, epochs=1, **change)
    (archived,) = archived_runs(root)
    assert f"small: {reason}; it is trained anew, and the earlier run is kept in {archived}" in said
    assert (archived / "checkpoints" / "best.safetensors").read_bytes() == b"hours of training"


def test_more_epochs_of_a_cosine_begin_anew_and_it_is_said_why(root: DataRoot) -> None:
    prepared(root, schedule="cosine", epochs=1)
    _, said = prepared(root, schedule="cosine", epochs=2)
    assert "epochs 1 is now 2, over which the cosine schedule spreads the learning rate; it is trained anew" in said


def test_more_epochs_without_the_last_checkpoint_begin_anew(root: DataRoot) -> None:
    run, _ = prepared(root, epochs=1)
    train(run.path)
    for path in (run.last, run.previous):
        path.unlink(missing_ok=True)
    assert is_finished(prepared(root, epochs=1, log_every=3)[0])
    _, said = prepared(root, epochs=2)
    assert "are gone; it is trained anew" in said


def test_a_run_of_another_version_begins_anew(root: DataRoot) -> None:
    run, _ = prepared(root)
    text = read_start(run).model_dump_json(indent=1) + "\n"
    write_sealed_text(run.config, text.replace('"seed"', '"seeds"').replace('"fingerprint": "', '"fingerprint": "0'))
    assert "config, dataset or code has changed" in prepared(root)[1]
    assert prepare_run(root, TrainConfig(**FIRST), quiet).path == run.path


def test_a_run_without_its_config_begins_anew_and_is_kept(root: DataRoot) -> None:
    run, said = prepared(root)
    assert "new run in" in said and "anew" not in said
    run.config.unlink()
    assert f"small: {run.config} is missing; it is trained anew" in prepared(root)[1]
    assert len(archived_runs(root)) == 1
