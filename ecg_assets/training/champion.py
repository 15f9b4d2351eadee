"""The champion: the best checkpoint so far, on the test split of the present dataset; and the one before it."""

import json
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from ecg_assets.store.atomic import atomic_path, write_text
from ecg_assets.store.fingerprint import sha256_file
from ecg_assets.store.root import DataRoot
from ecg_assets.store.stage import Log
from ecg_assets.store.yaml_file import first_problem
from ecg_assets.training.promotion import Verdict, judge
from ecg_assets.training.scorecard import Scorecard, is_current, score_checkpoint

_CARD, _CHECKPOINT = "champion.json", "champion.safetensors"
_PREVIOUS_CARD, _PREVIOUS_CHECKPOINT = "previous.json", "previous.safetensors"
_HISTORY = "history.jsonl"

ScoreAgain = Callable[["Contender", Path], Scorecard]


class NoPreviousChampionError(ValueError):
    """There is no champion to put back."""


class ChampionError(ValueError):
    """What is noted of a champion cannot be read; the message names the file and says what to do."""


class Contender(BaseModel):
    """A checkpoint and what it reached.

    Attributes:
        experiment: whose checkpoint it is.
        sha256: of the checkpoint's file.
        dataset_digest: the dataset on whose test split it was scored.
        score: mean Dice over background, grid and wave, from 0 to 1.
        card: all scores; None where an earlier version of the scoring left the score alone.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    experiment: str
    sha256: str
    dataset_digest: str
    score: float
    card: Scorecard | None = Field(default=None, repr=False)

    @classmethod
    def of(cls, card: Scorecard) -> "Contender":
        """The checkpoint that was scored."""
        bare = card.model_copy(update={"best": [], "worst": []})  # their pictures stay with the run
        return cls(
            experiment=card.experiment,
            sha256=card.sha256,
            dataset_digest=card.dataset_digest,
            score=card.score,
            card=bare,
        )


@dataclass(frozen=True)
class Decision:
    """Who is champion now, and why.

    Attributes:
        promoted: the challenger took the place.
        reason: a sentence for people.
        champion: who holds it now.
        before: who held it, scored on the present dataset; None when nobody did.
    """

    promoted: bool
    reason: str
    champion: Contender
    before: Contender | None


def read_champion(root: DataRoot) -> Contender | None:
    """The champion, or None before there is one.

    Raises:
        ChampionError: its file is damaged.
    """
    return _read(root.champion / _CARD)


def read_previous(root: DataRoot) -> Contender | None:
    """The champion before, or None.

    Raises:
        ChampionError: its file is damaged.
    """
    return _read(root.champion / _PREVIOUS_CARD)


def champion_checkpoint(root: DataRoot) -> Path:
    """Where the champion's weights lie."""
    return root.champion / _CHECKPOINT


def has_its_weights(root: DataRoot, contender: Contender) -> bool:
    """Whether the champion's weights are the file of which its card tells."""
    return _is(champion_checkpoint(root), contender)


def previous_has_its_weights(root: DataRoot, contender: Contender) -> bool:
    """The same for the champion before."""
    return _is(root.champion / _PREVIOUS_CHECKPOINT, contender)


def scorer(root: DataRoot, dataset_digest: str, log: Log) -> ScoreAgain:
    """Scores a contender's weights on the present dataset, whose digest is given."""

    def score_again(contender: Contender, checkpoint: Path) -> Scorecard:
        return score_checkpoint(root, checkpoint, contender.experiment, dataset_digest, log)

    return score_again


def champion_on(root: DataRoot, dataset_digest: str, score_again: ScoreAgain, log: Log) -> Contender | None:
    """The champion with its scores on this dataset: scored again, and kept, when they are of another or outdated.

    Args:
        root: holds the champion.
        dataset_digest: of the present dataset.
        score_again: scores a checkpoint on the present dataset.
        log: receives what happens.
    """
    champion = read_champion(root)
    if champion is None:
        return None
    if champion.card is not None and is_current(champion.card, champion.sha256, dataset_digest):
        return champion
    log(f"champion: {champion.experiment} was scored on another dataset, or otherwise; scoring it again")
    again = Contender.of(score_again(champion, champion_checkpoint(root)))
    _write(root.champion / _CARD, again)
    return again


def decide(root: DataRoot, card: Scorecard, checkpoint: Path, score_again: ScoreAgain, log: Log) -> Decision:
    """Promotes the challenger by the rule of `promotion.judge`; else the champion stays, which is recorded as well.

    The champion that loses its place is kept as the previous one.

    Args:
        root: holds the champion.
        card: the challenger's scores on the present dataset.
        checkpoint: the challenger's weights, copied when it is promoted.
        score_again: scores a checkpoint on the present dataset; called when the champion's scores are of another one.
        log: receives what happens.
    """
    challenger = Contender.of(card)
    before = champion_on(root, card.dataset_digest, score_again, log)
    verdict = _verdict(root, before, card)
    if verdict.promoted:
        if before is not None:
            _keep_as_previous(root, before)
        _copy(checkpoint, champion_checkpoint(root))
        _write(root.champion / _CARD, challenger)
    elif before is not None and before.sha256 == challenger.sha256 and not has_its_weights(root, before):
        _copy(checkpoint, champion_checkpoint(root))
        log("champion: its weights were damaged or gone; they are copied again")
    _record(root, "promoted" if verdict.promoted else "kept", verdict.reason, challenger)
    log(f"champion: {verdict.reason}")
    return Decision(
        verdict.promoted, verdict.reason, challenger if before is None or verdict.promoted else before, before
    )


def demote(root: DataRoot, log: Log) -> Contender:
    """Puts the previous champion back. The demoted checkpoint is never promoted again: it is in the history.

    Returns:
        Who is champion now.

    Raises:
        NoPreviousChampionError: there is none.
    """
    champion, previous = read_champion(root), read_previous(root)
    if champion is None:
        raise NoPreviousChampionError(f"{root.champion} holds no champion; materialise champion first")
    if previous is None:
        raise NoPreviousChampionError(
            f"{root.champion} holds no previous champion to put back: {champion.experiment} is the first, or one was "
            "put back already; train another experiment and materialise champion"
        )
    reason = f"{champion.experiment} was demoted; {previous.experiment} is champion again"
    # First of all: a demotion that is interrupted is then carried out again by the next one, not forgotten.
    _record(root, "demoted", reason, champion)
    _copy(root.champion / _PREVIOUS_CHECKPOINT, champion_checkpoint(root))
    _write(root.champion / _CARD, previous)
    (root.champion / _PREVIOUS_CARD).unlink()
    (root.champion / _PREVIOUS_CHECKPOINT).unlink()
    log(f"champion: {reason}")
    return previous


def history(root: DataRoot) -> list[dict[str, Any]]:
    """Every decision, the oldest first: `decision`, `reason`, `experiment`, `sha256`, `time`, `three_class_dice`.

    Raises:
        ChampionError: a line is damaged.
    """
    path = root.champion / _HISTORY
    lines = path.read_text("utf-8").splitlines() if path.exists() else []
    try:
        return [json.loads(line) for line in lines]
    except ValueError as error:
        raise ChampionError(f"{path} is damaged ({error}); remove the line that is no JSON") from error


def _verdict(root: DataRoot, before: Contender | None, card: Scorecard) -> Verdict:
    if before is None or before.card is None:
        return Verdict(True, f"{card.experiment} is the first champion")
    if before.sha256 == card.sha256:
        return Verdict(False, f"{before.experiment} stays champion: the challenger is the same checkpoint")
    stays = f"{before.experiment} stays champion"
    if any(line.get("decision") == "demoted" and line["sha256"] == card.sha256 for line in history(root)):
        return Verdict(False, f"{stays}: this checkpoint of {card.experiment} was demoted; train it anew")
    verdict = judge(card, before.card)
    ending = f"{card.experiment} takes the place of {before.experiment}" if verdict.promoted else stays
    return Verdict(verdict.promoted, f"{ending}: {verdict.reason}")


def _keep_as_previous(root: DataRoot, champion: Contender) -> None:
    # After a promotion that was interrupted the weights are the challenger's, and the champion's are kept already.
    if has_its_weights(root, champion):
        _copy(champion_checkpoint(root), root.champion / _PREVIOUS_CHECKPOINT)
        _write(root.champion / _PREVIOUS_CARD, champion)


def _read(path: Path) -> Contender | None:
    if not path.exists():
        return None
    try:
        return Contender.model_validate_json(path.read_bytes())
    except ValidationError as error:
        raise ChampionError(
            f"{path} is damaged ({first_problem(error)}); delete it and {path.stem}.safetensors beside it, and "
            "materialise champion"
        ) from error


def _is(checkpoint: Path, contender: Contender) -> bool:
    return checkpoint.is_file() and sha256_file(checkpoint) == contender.sha256


def _write(path: Path, contender: Contender) -> None:
    write_text(path, contender.model_dump_json(indent=1) + "\n")


def _copy(source: Path, target: Path) -> None:
    with atomic_path(target) as temporary:
        shutil.copyfile(source, temporary)


def _record(root: DataRoot, decision: str, reason: str, contender: Contender) -> None:
    """One line a decision: promotions, keepings and demotions alike."""
    line = {
        "decision": decision,
        "reason": reason,
        "time": time.time(),
        "experiment": contender.experiment,
        "sha256": contender.sha256,
        "score": contender.score,
        "three_class_dice": contender.card and contender.card.three_class_dice,
    }
    root.champion.mkdir(parents=True, exist_ok=True)
    with (root.champion / _HISTORY).open("a", encoding="utf-8") as file:
        file.write(json.dumps(line, sort_keys=True) + "\n")
