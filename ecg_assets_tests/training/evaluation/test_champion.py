"""The champion is the best on the same test split; keeping it is a decision too, and recorded; it can be demoted."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ecg_assets.store.fingerprint import sha256_file
from ecg_assets.store.root import DataRoot, open_root
from ecg_assets.store.sealed import read_unsealed
from ecg_assets.training.evaluation.champion import NoPreviousChampionError, decide, demote
from ecg_assets.training.evaluation.champion_store import (
    Contender,
    champion_checkpoint,
    history,
    history_damage,
    read_champion,
    read_previous,
)
from ecg_assets.training.evaluation.promotion import judge
from ecg_assets.training.evaluation.scorecard import Scorecard
from ecg_assets_tests.conftest import quiet
from ecg_assets_tests.training.evaluation.cards import card_with


@pytest.fixture
def root(tmp_path: Path) -> DataRoot:
    return open_root(tmp_path / "data_root")


def contend(root: DataRoot, name: str, wave: float, dataset: str = "d1") -> tuple[Scorecard, Path]:
    checkpoint = root.path / f"{name}.safetensors"
    checkpoint.write_text(f"weights of {name}")
    return card_with(name, dataset, sha256_file(checkpoint), wave=wave), checkpoint


def never(_: Contender, __: Path) -> Scorecard:
    raise AssertionError("nothing has to be scored again on the same dataset")


def test_better_on_the_wave_and_not_worse_elsewhere_is_promoted() -> None:
    champion = card_with("old", wave=0.90, grid=0.95)
    assert judge(card_with("new", wave=0.91, grid=0.95), champion).promoted
    assert judge(card_with("new", wave=0.91, grid=0.946), champion).promoted, "0.004 is allowed"


@pytest.mark.parametrize(
    ("scores", "said"),
    [
        ({"wave": 0.90, "grid": 0.99}, "not better on the wave: wave 0.9000 against 0.9000"),
        ({"wave": 0.89, "grid": 0.99}, "not better on the wave"),
        ({"wave": 0.99, "grid": 0.944}, "worse by more than 0.005: grid 0.9440 against 0.9500"),
        ({"wave": 0.99, "grid": 0.95, "background": 0.89}, "worse by more than 0.005: background"),
        ({"wave": 0.99, "grid": None}, None),
    ],
)
def test_the_rule_says_why_the_champion_stays(scores: dict[str, Any], said: str | None) -> None:
    verdict = judge(card_with("new", **scores), card_with("old", wave=0.90, grid=0.95))
    assert verdict.promoted == (said is None)
    assert said is None or said in verdict.reason


def test_two_networks_of_five_classes_are_compared_on_all_five() -> None:
    champion = card_with("old", wave=0.9, horizontal=0.9, vertical=0.9, intersection=0.9)
    worse = card_with("new", wave=0.95, horizontal=0.9, vertical=0.9, intersection=0.89)
    assert "intersection 0.8900 against 0.9000" in judge(worse, champion).reason


def test_networks_of_three_and_five_classes_are_compared_on_background_grid_and_wave() -> None:
    five = card_with("five", wave=0.95, horizontal=0.9, vertical=0.1, intersection=0.1)
    three = card_with("three", wave=0.9, grid=0.9)
    assert judge(five, three).promoted
    assert not judge(three, five).promoted


def test_scores_on_different_datasets_are_never_compared() -> None:
    with pytest.raises(ValueError, match="different datasets"):
        judge(card_with("new", "d2"), card_with("old", "d1"))


def test_the_first_is_champion_and_a_better_one_takes_its_place_and_the_old_one_is_kept(root: DataRoot) -> None:
    assert read_champion(root) is None
    assert decide(root, *contend(root, "first", 0.8), never, quiet).promoted
    decision = decide(root, *contend(root, "better", 0.9), never, quiet)
    assert decision.promoted
    assert "better takes the place of first: better on the wave (wave 0.9000 against 0.8000)" in decision.reason
    assert read_champion(root) == decision.champion
    assert champion_checkpoint(root).read_text() == "weights of better"
    assert (root.champion / "previous.safetensors").read_text() == "weights of first"
    previous = read_previous(root)
    assert previous is not None
    assert previous.experiment == "first"


@pytest.mark.parametrize("wave", [0.7, 0.8])
def test_one_that_is_not_better_leaves_the_champion_in_place_and_is_recorded(root: DataRoot, wave: float) -> None:
    decide(root, *contend(root, "first", 0.8), never, quiet)
    decision = decide(root, *contend(root, "other", wave), never, quiet)
    assert not decision.promoted
    assert decision.champion.experiment == "first"
    assert champion_checkpoint(root).read_text() == "weights of first"
    assert [(line["decision"], line["experiment"]) for line in history(root, quiet)] == [
        ("promoted", "first"),
        ("kept", "other"),
    ]
    assert "not better on the wave" in history(root, quiet)[1]["reason"]


def test_the_same_checkpoint_again_changes_nothing(root: DataRoot) -> None:
    decide(root, *contend(root, "first", 0.8), never, quiet)
    decision = decide(root, *contend(root, "first", 0.8), never, quiet)
    assert not decision.promoted
    assert "same checkpoint" in decision.reason


def test_on_a_new_dataset_the_old_champion_is_scored_again_before_they_are_compared(root: DataRoot) -> None:
    decide(root, *contend(root, "first", 0.95, "d1"), never, quiet)
    scored: list[Path] = []

    def score_again(contender: Contender, checkpoint: Path) -> Scorecard:
        scored.append(checkpoint)
        return card_with(contender.experiment, "d2", contender.sha256, wave=0.6)

    decision = decide(root, *contend(root, "second", 0.7, "d2"), score_again, quiet)
    assert scored == [champion_checkpoint(root)]
    assert decision.promoted
    assert "wave 0.7000 against 0.6000" in decision.reason


def test_a_champion_of_an_earlier_scoring_is_scored_again_and_carries_its_new_scores(root: DataRoot) -> None:
    decide(root, *contend(root, "first", 0.95), never, quiet)
    card = root.champion / "champion.json"
    bare = Contender.model_validate_json(read_unsealed(card)).model_dump(exclude={"card"})
    card.write_text(Contender(**bare).model_dump_json(exclude={"card"}))
    again = card_with("first", "d1", bare["sha256"], wave=0.9)
    decision = decide(root, *contend(root, "second", 0.7), lambda *_: again, quiet)
    assert not decision.promoted
    kept = read_champion(root)
    assert kept is not None
    assert kept.card is not None
    assert kept.card.three_class_dice["wave"] == 0.9


def test_demotion_puts_the_previous_champion_back_and_the_demoted_one_is_not_promoted_again(root: DataRoot) -> None:
    decide(root, *contend(root, "first", 0.8), never, quiet)
    better = contend(root, "better", 0.9)
    decide(root, *better, never, quiet)
    assert demote(root, quiet).experiment == "first"
    assert champion_checkpoint(root).read_text() == "weights of first"
    champion = read_champion(root)
    assert champion is not None
    assert champion.experiment == "first"
    assert history(root, quiet)[-1]["decision"] == "demoted"
    decision = decide(root, *better, never, quiet)
    assert not decision.promoted
    assert "this checkpoint of better was demoted" in decision.reason
    assert decide(root, *contend(root, "third", 0.85), never, quiet).promoted


def test_without_a_previous_champion_demotion_says_so(root: DataRoot) -> None:
    with pytest.raises(NoPreviousChampionError, match="holds no champion"):
        demote(root, quiet)
    decide(root, *contend(root, "first", 0.8), never, quiet)
    with pytest.raises(NoPreviousChampionError, match=r"no previous champion.*first"):
        demote(root, quiet)
    assert champion_checkpoint(root).read_text() == "weights of first"


def test_a_promotion_interrupted_after_the_weights_does_not_lose_the_previous_ones(root: DataRoot) -> None:
    decide(root, *contend(root, "first", 0.8), never, quiet)
    first_card = (root.champion / "champion.json").read_text()
    better = contend(root, "better", 0.9)
    decide(root, *better, never, quiet)
    (root.champion / "champion.json").write_text(first_card)  # as if the process had died before writing the card
    assert decide(root, *better, never, quiet).promoted
    assert (root.champion / "previous.safetensors").read_text() == "weights of first"


@pytest.mark.parametrize("damage", [Path.unlink, lambda path: path.write_text("others")])
def test_weights_that_were_lost_or_exchanged_are_copied_again_from_the_same_checkpoint(
    root: DataRoot, damage: Callable[[Path], object]
) -> None:
    card, checkpoint = contend(root, "first", 0.9)
    decide(root, card, checkpoint, never, quiet)
    damage(champion_checkpoint(root))
    assert not decide(root, card, checkpoint, never, quiet).promoted
    assert champion_checkpoint(root).read_text() == "weights of first"
    damage(champion_checkpoint(root))
    assert decide(root, *contend(root, "better", 0.95), never, quiet).promoted
    assert read_previous(root) is None, "what is not there cannot be put back"


def test_a_damaged_line_of_the_history_is_told_with_the_file(root: DataRoot) -> None:
    decide(root, *contend(root, "first", 0.9), never, quiet)
    with (root.champion / "history.jsonl").open("a") as file:
        file.write('{"torn')
    told: list[str] = []
    assert [line["experiment"] for line in history(root, told.append)] == ["first"]
    assert told == [f"{root.champion / 'history.jsonl'}: line 2 is no whole decision; they are read past"]


def test_after_a_torn_line_decisions_are_recorded_on_and_the_line_is_kept_beside(root: DataRoot) -> None:
    decide(root, *contend(root, "first", 0.9), never, quiet)
    path = root.champion / "history.jsonl"
    flipped = path.read_text().replace("promoted", "prom\x00ted", 1).rstrip()
    with path.open("a") as file:
        file.write(flipped + '\n{"decision": "demo')
    damage, covered = history_damage(path)
    assert damage is not None and damage.startswith("has damage: line 2, 3 is no whole decision") and covered
    assert decide(root, *contend(root, "second", 0.95), never, quiet).promoted
    assert [line["experiment"] for line in history(root, never_told)] == ["first", "second"]
    assert history_damage(path) == (None, True)
    assert (root.champion / "history.torn.jsonl").read_text() == flipped + '\n{"decision": "demo\n'


def test_each_flipped_bit_of_a_history_is_found_and_lines_of_earlier_versions_are_read(root: DataRoot) -> None:
    decide(root, *contend(root, "first", 0.9), never, quiet)
    path = root.champion / "history.jsonl"
    whole = path.read_bytes()
    for bit in range(0, 8 * len(whole), 3):
        content = bytearray(whole)
        content[bit // 8] ^= 1 << bit % 8
        path.write_bytes(content)
        assert history_damage(path)[0] is not None, bit
    path.write_text(json.dumps({"decision": "demoted", "sha256": "s"}) + "\n")
    assert history_damage(path) == (None, False)
    assert [line["sha256"] for line in history(root, never_told)] == ["s"]


def never_told(line: str) -> None:
    raise AssertionError(line)
