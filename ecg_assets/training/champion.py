"""The champion: the best checkpoint so far, by its score on the test split of the present dataset."""

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from ecg_assets.store.atomic import atomic_path, write_text
from ecg_assets.store.root import DataRoot
from ecg_assets.store.stage import Log

_CARD, _HISTORY, _CHECKPOINT = "champion.json", "history.jsonl", "champion.safetensors"


class Contender(BaseModel):
    """A checkpoint and what it reached.

    Attributes:
        experiment: whose checkpoint it is.
        sha256: of the checkpoint's file.
        dataset_digest: the dataset on whose test split it was scored.
        score: mean Dice over background, grid and wave, from 0 to 1.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    experiment: str
    sha256: str
    dataset_digest: str
    score: float


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
    """The champion, or None before there is one."""
    card = root.champion / _CARD
    return Contender.model_validate_json(card.read_text("utf-8")) if card.exists() else None


def champion_checkpoint(root: DataRoot) -> Path:
    """Where the champion's weights lie."""
    return root.champion / _CHECKPOINT


def decide(
    root: DataRoot, challenger: Contender, checkpoint: Path, score_again: Callable[[Path], float], log: Log
) -> Decision:
    """Promotes the challenger when it is better than the champion on the same test split; else the champion stays.

    Args:
        root: holds the champion.
        challenger: with its score on the present dataset.
        checkpoint: the challenger's weights, copied when it is promoted.
        score_again: scores a checkpoint on the present dataset; called when the champion's score is of another one.
        log: receives what happens.
    """
    before = read_champion(root)
    if before is not None and before.dataset_digest != challenger.dataset_digest:
        log(f"champion: the dataset has changed; scoring the present champion ({before.experiment}) on the new one")
        score = score_again(champion_checkpoint(root))
        before = before.model_copy(update={"score": score, "dataset_digest": challenger.dataset_digest})
    promoted, reason = _compare(before, challenger)
    champion = challenger if promoted or before is None else before
    if promoted and (before is None or before.sha256 != challenger.sha256):
        _install(root, checkpoint)
    write_text(root.champion / _CARD, champion.model_dump_json(indent=1) + "\n")
    decision = Decision(promoted, reason, champion, before)
    _record(root, decision, challenger)
    log(f"champion: {reason}")
    return decision


def _compare(before: Contender | None, challenger: Contender) -> tuple[bool, str]:
    if before is None:
        return True, f"{challenger.experiment} is the first champion ({challenger.score:.4f})"
    if before.sha256 == challenger.sha256:
        return False, f"{before.experiment} stays champion ({before.score:.4f}): the challenger is the same checkpoint"
    scores = f"{challenger.score:.4f} against {before.score:.4f}"
    if challenger.score > before.score:
        return True, f"{challenger.experiment} takes the place of {before.experiment}: {scores}"
    return False, f"{before.experiment} stays champion: {challenger.experiment} is not better, {scores}"


def _install(root: DataRoot, checkpoint: Path) -> None:
    with atomic_path(champion_checkpoint(root)) as temporary:
        shutil.copyfile(checkpoint, temporary)


def _record(root: DataRoot, decision: Decision, challenger: Contender) -> None:
    """One line a decision, promotions and keepings alike."""
    line = {"promoted": decision.promoted, "reason": decision.reason, "challenger": challenger.model_dump()}
    with (root.champion / _HISTORY).open("a", encoding="utf-8") as history:
        history.write(json.dumps(line, sort_keys=True) + "\n")
