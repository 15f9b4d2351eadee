"""Promotes and demotes the champion, the best checkpoint so far on the test split of the present dataset."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from ecg_assets.store.log import Log
from ecg_assets.store.root import DataRoot
from ecg_assets.training.evaluation.champion_store import (
    CARD,
    PREVIOUS_CARD,
    PREVIOUS_CHECKPOINT,
    Contender,
    champion_checkpoint,
    copy_weights,
    history,
    keep_as_previous,
    known_by_weights,
    put_previous_back,
    put_weights_back,
    read_champion,
    read_previous,
    record_decision,
    write_champion,
)
from ecg_assets.training.evaluation.promotion import Verdict, judge
from ecg_assets.training.evaluation.scorecard import Scorecard, is_current, score_checkpoint

ScoreAgain = Callable[["Contender", Path], Scorecard]


class NoPreviousChampionError(ValueError):
    """There is no previous champion to restore."""


@dataclass(frozen=True)
class Decision:
    """The champion after a decision, and the reason.

    Attributes:
        promoted: whether the challenger became champion.
        reason: a sentence for people.
        champion: the present champion.
        before: the champion before, scored on the present dataset; None if there was none.
    """

    promoted: bool
    reason: str
    champion: Contender
    before: Contender | None


def scorer(root: DataRoot, dataset_digest: str, log: Log) -> ScoreAgain:
    """A function that scores a contender's weights on the present dataset, whose digest is given."""

    def score_again(contender: Contender, checkpoint: Path) -> Scorecard:
        return score_checkpoint(root, checkpoint, contender.experiment, dataset_digest, log)

    return score_again


def champion_on(root: DataRoot, dataset_digest: str, score_again: ScoreAgain, log: Log) -> Contender | None:
    """The champion with its scores on this dataset; outdated scores are computed again and stored.

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
    write_champion(root.champion / CARD, again)
    return again


def decide(root: DataRoot, card: Scorecard, checkpoint: Path, score_again: ScoreAgain, log: Log) -> Decision:
    """Promotes the challenger by the rule of `promotion.judge`, or keeps the champion; both are recorded.

    A replaced champion is kept as the previous one.

    Args:
        root: holds the champion.
        card: the challenger's scores on the present dataset.
        checkpoint: the challenger's weights, copied if it is promoted.
        score_again: scores a checkpoint on the present dataset; called if the champion's scores are of another one.
        log: receives what happens.
    """
    challenger = Contender.of(card)
    held = _held(root, log)
    _mend_previous(root, log)
    whole = held is None or put_weights_back(root, held, log, checkpoint)
    # A champion without its weights can be neither used nor scored.
    before = champion_on(root, card.dataset_digest, score_again, log) if whole else held
    verdict = _verdict(root, before, card, whole, log)
    if verdict.promoted:
        if before is not None:
            keep_as_previous(root, before)
        copy_weights(checkpoint, champion_checkpoint(root))
        write_champion(root.champion / CARD, challenger)
    record_decision(root, "promoted" if verdict.promoted else "kept", verdict.reason, challenger)
    log(f"champion: {verdict.reason}")
    return Decision(
        verdict.promoted, verdict.reason, challenger if before is None or verdict.promoted else before, before
    )


def demote(root: DataRoot, log: Log) -> Contender:
    """Restores the previous champion. The demoted checkpoint is in the history and is never promoted again.

    Returns:
        The present champion.

    Raises:
        NoPreviousChampionError: there is none, or its weights are damaged or missing. The champion is unchanged.
    """
    champion = read_champion(root)
    previous = read_previous(root) or known_by_weights(root, root.champion / PREVIOUS_CHECKPOINT, log)
    if champion is None:
        raise NoPreviousChampionError(f"{root.champion} holds no champion; materialise champion first")
    if previous is None:
        raise NoPreviousChampionError(
            f"{root.champion} holds no previous champion to put back: {champion.experiment} is the first, or one was "
            "put back already; train another experiment and materialise champion"
        )
    if not put_previous_back(root, previous, log):
        raise NoPreviousChampionError(
            f"{root.champion / PREVIOUS_CHECKPOINT} is damaged or gone, and no run holds these weights of "
            f"{previous.experiment} ({previous.sha256[:12]}): put the file back, or train another experiment and "
            f"materialise champion; until then {champion.experiment} stays champion"
        )
    reason = f"{champion.experiment} was demoted; {previous.experiment} is champion again"
    # Recorded first, so that an interrupted demotion is completed by the next one.
    record_decision(root, "demoted", reason, champion)
    copy_weights(root.champion / PREVIOUS_CHECKPOINT, champion_checkpoint(root))
    write_champion(root.champion / CARD, previous)
    (root.champion / PREVIOUS_CARD).unlink(missing_ok=True)
    (root.champion / PREVIOUS_CHECKPOINT).unlink()
    log(f"champion: {reason}")
    return previous


def _held(root: DataRoot, log: Log) -> Contender | None:
    """The champion, also if its card is lost but its weights are not."""
    held = read_champion(root)
    if held is None:
        held = known_by_weights(root, champion_checkpoint(root), log)
        if held is not None:
            write_champion(root.champion / CARD, held)
    return held


def _mend_previous(root: DataRoot, log: Log) -> None:
    """Restores the previous champion's weights, or drops that champion if they are lost for good."""
    previous = read_previous(root)
    if previous is None or put_previous_back(root, previous, log):
        return
    if not (root.champion / PREVIOUS_CHECKPOINT).exists():
        (root.champion / PREVIOUS_CARD).unlink()
        log(f"champion: the weights of {previous.experiment} are gone; it cannot be put back any more")


def _verdict(root: DataRoot, before: Contender | None, card: Scorecard, whole: bool, log: Log) -> Verdict:
    if before is None or before.card is None:
        return Verdict(True, f"{card.experiment} is the first champion")
    if before.sha256 == card.sha256:
        return Verdict(False, f"{before.experiment} stays champion: the challenger is the same checkpoint")
    stays = f"{before.experiment} stays champion"
    if any(line.get("decision") == "demoted" and line["sha256"] == card.sha256 for line in history(root, log)):
        return Verdict(False, f"{stays}: this checkpoint of {card.experiment} was demoted; train it anew")
    if not whole:
        return Verdict(True, f"{card.experiment} takes the place of {before.experiment}, whose weights are gone")
    verdict = judge(card, before.card)
    ending = f"{card.experiment} takes the place of {before.experiment}" if verdict.promoted else stays
    return Verdict(verdict.promoted, f"{ending}: {verdict.reason}")
