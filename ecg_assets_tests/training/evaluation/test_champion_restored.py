"""Files of the champions that are damaged or gone: what the messages say helps, and nobody's weights are lost by it."""

from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from ecg_assets.cli import main
from ecg_assets.store.root import DataRoot, open_root
from ecg_assets.training.evaluation.champion import NoPreviousChampionError, decide, demote
from ecg_assets.training.evaluation.champion_store import (
    ChampionError,
    Contender,
    champion_checkpoint,
    history,
    read_champion,
    read_previous,
)
from ecg_assets.training.evaluation.scorecard import Scorecard
from ecg_assets.training.runs.run_folder import RunFolder
from ecg_assets_tests.conftest import AdviceGiven, quiet
from ecg_assets_tests.training.evaluation.cards import card_with
from ecg_assets_tests.training.evaluation.test_champion import contend, never

Damage = Callable[[Path], object]
damages = pytest.mark.parametrize(
    "damage", [Path.unlink, lambda path: path.write_text("others")], ids=["gone", "other"]
)


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> DataRoot:
    """`second` is champion; before, `first` was."""
    monkeypatch.setenv("ECG_ASSETS_DATA", str(tmp_path / "data_root"))
    root = open_root(tmp_path / "data_root")
    decide(root, *contend(root, "first", 0.8), never, quiet)
    decide(root, *contend(root, "second", 0.9), never, quiet)
    return root


def keep_run(root: DataRoot, name: str) -> None:
    """The training of a champion, as its run folder still has it."""
    best = RunFolder(root.runs / name).best
    best.parent.mkdir(parents=True)
    best.write_text(f"weights of {name}")


def demoted() -> Result:
    return CliRunner().invoke(main, ["demote"])


def scored_again(contender: Contender, checkpoint: Path) -> Scorecard:
    assert checkpoint.read_text() == f"weights of {contender.experiment}"
    return card_with(contender.experiment, "d1", contender.sha256, wave=0.9)


def holders(root: DataRoot) -> list[str | None]:
    """Champion and the one before, as their cards and their weights say."""
    pairs = ((read_champion(root), "champion"), (read_previous(root), "previous"))
    for contender, name in pairs:
        if contender is not None:
            weights = root.champion / f"{name}.safetensors"
            assert weights.read_text() == f"weights of {contender.experiment}"
    return [None if contender is None else contender.experiment for contender, _ in pairs]


@pytest.mark.advice("training/evaluation/champion_store.py", "); delete it and materialise champion, which knows ")
@pytest.mark.parametrize("name", ["champion", "previous"])
def test_a_damaged_card_is_deleted_and_its_weights_are_known_again(
    root: DataRoot, advice: AdviceGiven, name: str
) -> None:
    card = root.champion / f"{name}.json"
    card.write_text(card.read_text().replace("0.9", "0.8", 1))
    worse = contend(root, "third", 0.85)
    with pytest.raises(ChampionError, match=rf"{name}\.json is damaged") as refused:
        decide(root, *worse, never, quiet)
    advice.in_message(refused.value)
    assert demoted().exit_code == 1
    card.unlink()
    decision = decide(root, *worse, scored_again, quiet)
    assert not decision.promoted
    assert decision.champion.experiment == "second"
    assert demoted().exit_code == 0
    assert holders(root) == ["first", None]


@pytest.mark.advice("inspection/advice.py", "delete it and materialise champion: history.jsonl names the ")
def test_verify_advises_the_same(root: DataRoot, advice: AdviceGiven) -> None:
    card = root.champion / "champion.json"
    card.write_text("{")
    advice.in_message(CliRunner().invoke(main, ["verify"]).output)
    card.unlink()
    decide(root, *contend(root, "third", 0.85), scored_again, quiet)
    assert holders(root) == ["second", "first"]


@damages
def test_demotion_copies_the_weights_of_the_champion_before_again_from_its_run(root: DataRoot, damage: Damage) -> None:
    keep_run(root, "first")
    damage(root.champion / "previous.safetensors")
    done = demoted()
    assert done.exit_code == 0, done.output
    assert "previous.safetensors was damaged or gone; it is copied again from" in done.output
    assert holders(root) == ["first", None]


@damages
@pytest.mark.advice("training/evaluation/champion.py", ": put the file back, or train another experiment and ")
@pytest.mark.parametrize("way", ["put back", "train another"])
def test_without_those_weights_the_champion_stays_until_they_are_back_or_another_one_is_trained(
    root: DataRoot, advice: AdviceGiven, damage: Damage, way: str
) -> None:
    path = root.champion / "previous.safetensors"
    kept = path.read_bytes()
    damage(path)
    refused = demoted()
    assert refused.exit_code == 1
    advice.in_message(refused.output)
    assert champion_checkpoint(root).read_text() == "weights of second"
    assert [line["decision"] for line in history(root, quiet)] == ["promoted", "promoted"]
    if way == "put back":
        path.write_bytes(kept)
    else:
        assert decide(root, *contend(root, "third", 0.95), never, quiet).promoted
    assert demoted().exit_code == 0
    assert holders(root) == ["first" if way == "put back" else "second", None]


@damages
def test_champion_mends_the_one_before_where_a_run_has_its_weights(root: DataRoot, damage: Damage) -> None:
    keep_run(root, "first")
    damage(root.champion / "previous.safetensors")
    decide(root, *contend(root, "third", 0.7), never, quiet)
    assert holders(root) == ["second", "first"]


def test_one_before_whose_weights_are_deleted_for_good_is_given_up(root: DataRoot) -> None:
    (root.champion / "previous.safetensors").unlink()
    told: list[str] = []
    decide(root, *contend(root, "third", 0.7), never, told.append)
    assert holders(root) == ["second", None]
    assert "champion: the weights of first are gone; it cannot be put back any more" in told


@damages
def test_demotion_needs_the_weights_of_the_champion_before_only(root: DataRoot, damage: Damage) -> None:
    damage(champion_checkpoint(root))
    assert demoted().exit_code == 0
    assert holders(root) == ["first", None]


@damages
def test_a_champion_without_its_weights_gives_way_and_with_them_in_a_run_does_not(
    root: DataRoot, damage: Damage
) -> None:
    keep_run(root, "second")
    damage(champion_checkpoint(root))
    assert not decide(root, *contend(root, "third", 0.7), never, quiet).promoted
    assert holders(root) == ["second", "first"]
    RunFolder(root.runs / "second").best.unlink()
    damage(champion_checkpoint(root))
    decision = decide(root, *contend(root, "third", 0.7), never, quiet)
    assert decision.promoted and "whose weights are gone" in decision.reason
    assert holders(root) == ["third", "first"]


@pytest.mark.advice(
    "training/evaluation/champion.py",
    " holds no champion; materialise champion first",
    "put back already; train another experiment and materialise champion",
)
def test_without_a_champion_or_one_before_materialising_it_is_what_helps(tmp_path: Path, advice: AdviceGiven) -> None:
    root = open_root(tmp_path)
    for name, wave in (("first", 0.8), ("second", 0.9)):
        with pytest.raises(NoPreviousChampionError) as refused:
            demote(root, quiet)
        advice.in_message(refused.value)
        decide(root, *contend(root, name, wave), never, quiet)
    assert demote(root, quiet).experiment == "first"
