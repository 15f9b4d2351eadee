"""The champion is the best on the same test split; keeping it is a decision too, and recorded."""

import json
from pathlib import Path

import pytest

from ecg_assets.store.root import DataRoot, open_root
from ecg_assets.training.champion import Contender, champion_checkpoint, decide, read_champion


@pytest.fixture
def root(tmp_path: Path) -> DataRoot:
    return open_root(tmp_path / "data_root")


def contend(root: DataRoot, name: str, score: float, dataset: str = "d1") -> tuple[Contender, Path]:
    checkpoint = root.path / f"{name}.safetensors"
    checkpoint.write_text(f"weights of {name}")
    return Contender(experiment=name, sha256=f"sha-{name}", dataset_digest=dataset, score=score), checkpoint


def never(_: Path) -> float:
    raise AssertionError("nothing has to be scored again on the same dataset")


def nowhere(_: str) -> None:
    pass


def test_the_first_is_champion_and_a_better_one_takes_its_place(root: DataRoot) -> None:
    assert read_champion(root) is None
    assert decide(root, *contend(root, "first", 0.8), never, nowhere).promoted
    decision = decide(root, *contend(root, "better", 0.9), never, nowhere)
    assert decision.promoted
    assert "better takes the place of first: 0.9000 against 0.8000" in decision.reason
    assert read_champion(root) == decision.champion
    assert champion_checkpoint(root).read_text() == "weights of better"


@pytest.mark.parametrize("score", [0.7, 0.8])
def test_one_that_is_not_better_leaves_the_champion_in_place_and_is_recorded(root: DataRoot, score: float) -> None:
    decide(root, *contend(root, "first", 0.8), never, nowhere)
    decision = decide(root, *contend(root, "other", score), never, nowhere)
    assert not decision.promoted
    assert decision.champion.experiment == "first"
    assert champion_checkpoint(root).read_text() == "weights of first"
    lines = [json.loads(line) for line in (root.champion / "history.jsonl").read_text().splitlines()]
    assert [line["promoted"] for line in lines] == [True, False]
    assert lines[1]["challenger"]["experiment"] == "other"


def test_the_same_checkpoint_again_changes_nothing(root: DataRoot) -> None:
    decide(root, *contend(root, "first", 0.8), never, nowhere)
    decision = decide(root, *contend(root, "first", 0.8), never, nowhere)
    assert not decision.promoted
    assert "same checkpoint" in decision.reason


def test_on_a_new_dataset_the_old_champion_is_scored_again_before_they_are_compared(root: DataRoot) -> None:
    decide(root, *contend(root, "first", 0.95, "d1"), never, nowhere)
    scored: list[Path] = []

    def score_again(checkpoint: Path) -> float:
        scored.append(checkpoint)
        return 0.6

    decision = decide(root, *contend(root, "second", 0.7, "d2"), score_again, nowhere)
    assert scored == [champion_checkpoint(root)]
    assert decision.promoted
    assert decision.before is not None
    assert decision.before.score == 0.6


def test_a_champion_that_holds_on_a_new_dataset_carries_its_new_score(root: DataRoot) -> None:
    decide(root, *contend(root, "first", 0.95, "d1"), never, nowhere)
    decide(root, *contend(root, "second", 0.7, "d2"), lambda _: 0.9, nowhere)
    kept = read_champion(root)
    assert kept is not None
    assert (kept.experiment, kept.score, kept.dataset_digest) == ("first", 0.9, "d2")
