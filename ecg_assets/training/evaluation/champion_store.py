"""Stores the champion's files: its card and weights, those of the one before, and the history of decisions."""

import json
import shutil
import time
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from ecg_assets.store.atomic import atomic_path, write_text
from ecg_assets.store.bucket.units import ARCHIVE
from ecg_assets.store.fingerprint import sha256_file
from ecg_assets.store.log import Log
from ecg_assets.store.plain_file import read_plain
from ecg_assets.store.root import DataRoot
from ecg_assets.store.safe_yaml import first_problem
from ecg_assets.store.sealed import (
    SEAL_BROKEN,
    SealBrokenError,
    read_unsealed,
    sealed_line,
    unsealed,
    write_sealed_text,
)
from ecg_assets.training.evaluation.scorecard import Scorecard

CARD, CHECKPOINT = "champion.json", "champion.safetensors"
PREVIOUS_CARD, PREVIOUS_CHECKPOINT = "previous.json", "previous.safetensors"
# The decisions, and damaged lines moved out of them.
HISTORY, TORN = "history.jsonl", "history.torn.jsonl"


class ChampionError(ValueError):
    """A champion's card cannot be read; the message names the file and says what to do."""


class Contender(BaseModel):
    """A checkpoint and its scores.

    Attributes:
        experiment: that trained it.
        sha256: of the checkpoint's file.
        dataset_digest: the dataset on whose test split it was scored.
        score: mean Dice over background, grid and wave, from 0 to 1.
        card: all scores; None if an earlier version stored `score` only.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    experiment: str
    sha256: str
    dataset_digest: str
    score: float
    card: Scorecard | None = Field(default=None, repr=False)

    @classmethod
    def of(cls, card: Scorecard) -> "Contender":
        """The contender of a scorecard."""
        bare = card.model_copy(update={"best": [], "worst": []})  # their pictures stay with the run
        return cls(
            experiment=card.experiment,
            sha256=card.sha256,
            dataset_digest=card.dataset_digest,
            score=card.score,
            card=bare,
        )


def read_champion(root: DataRoot) -> Contender | None:
    """The champion, or None before there is one.

    Raises:
        ChampionError: its file is damaged.
    """
    return _read(root.champion / CARD)


def read_previous(root: DataRoot) -> Contender | None:
    """The champion before, or None.

    Raises:
        ChampionError: its file is damaged.
    """
    return _read(root.champion / PREVIOUS_CARD)


def champion_checkpoint(root: DataRoot) -> Path:
    """Path of the champion's weights."""
    return root.champion / CHECKPOINT


def has_its_weights(root: DataRoot, contender: Contender) -> bool:
    """Whether the champion's weights have the hash in its card."""
    return _is(champion_checkpoint(root), contender)


def previous_has_its_weights(root: DataRoot, contender: Contender) -> bool:
    """The same for the previous champion."""
    return _is(root.champion / PREVIOUS_CHECKPOINT, contender)


def history(root: DataRoot, log: Log) -> list[dict[str, Any]]:
    """Every decision, the oldest first: `decision`, `reason`, `experiment`, `sha256`, `time`, `three_class_dice`.

    Lines that were torn by a crash or damaged are skipped and reported to `log`.
    """
    lines, damaged = _lines(root.champion / HISTORY)
    if damaged:
        log(f"{root.champion / HISTORY}: {_said(damaged)}; they are read past")
    return [json.loads(unsealed(line.encode())[0]) for line in lines]


def history_damage(path: Path) -> tuple[str | None, bool]:
    """The damaged lines of a history, and whether each of them has a seal."""
    lines, damaged = _lines(path)
    covered = all(unsealed(line.encode())[1] for line in lines)
    if not damaged:
        return None, covered
    return f"has damage: {_said(damaged)}; they are read past, and the next decision moves them to {TORN}", covered


def _lines(path: Path) -> tuple[list[str], dict[int, str]]:
    """Whole lines, and damaged ones by their number."""
    content = read_plain(path).decode("utf-8", "backslashreplace") if path.exists() else ""
    whole, damaged = list[str](), dict[int, str]()
    for number, line in enumerate(content.removesuffix("\n").split("\n") if content else [], start=1):
        if _is_decision(line):
            whole.append(line)
        else:
            damaged[number] = line
    return whole, damaged


def _is_decision(line: str) -> bool:
    try:
        return isinstance(json.loads(unsealed(line.encode())[0]).get("sha256"), str)
    except (ValueError, AttributeError, RecursionError):
        return False


def _said(damaged: dict[int, str]) -> str:
    return f"line {', '.join(map(str, damaged))} is no whole decision"


def known_by_weights(root: DataRoot, path: Path, log: Log) -> Contender | None:
    """The contender that was promoted with the weights at `path`, by the history; without scores.

    It replaces a lost card: as long as a champion's weights exist, its scores can be computed again.
    """
    sha256 = sha256_file(path) if path.is_file() else None
    for line in reversed(history(root, log)):
        if line.get("decision") == "promoted" and line["sha256"] == sha256:
            log(f"{path.name}: its card was gone; by {HISTORY} it is {line['experiment']}")
            return Contender(
                experiment=line["experiment"], sha256=line["sha256"], dataset_digest="", score=line["score"]
            )
    return None


def keep_as_previous(root: DataRoot, champion: Contender) -> None:
    """Keeps the champion's card and weights as the previous champion's, if its weights exist."""
    # After an interrupted promotion the weights are the challenger's, and the champion's are already kept.
    if has_its_weights(root, champion):
        copy_weights(champion_checkpoint(root), root.champion / PREVIOUS_CHECKPOINT)
        write_champion(root.champion / PREVIOUS_CARD, champion)


def put_weights_back(root: DataRoot, contender: Contender, log: Log, *others: Path) -> bool:
    """Restores damaged or missing weights of the champion; returns whether they are intact now.

    They are searched by their hash, in `others` and in all places where trainings keep their best weights.
    """
    return _put_back(root, champion_checkpoint(root), contender, log, *others)


def put_previous_back(root: DataRoot, contender: Contender, log: Log) -> bool:
    """The same for the previous champion."""
    return _put_back(root, root.champion / PREVIOUS_CHECKPOINT, contender, log)


def _put_back(root: DataRoot, target: Path, contender: Contender, log: Log, *others: Path) -> bool:
    if _is(target, contender):
        return True
    archived = (root.runs / ARCHIVE).glob("*/*/checkpoints/best.safetensors")
    of_runs = root.runs.glob("*/checkpoints/best.safetensors")
    kept = (root.runs / "published.safetensors", champion_checkpoint(root), root.champion / PREVIOUS_CHECKPOINT)
    for path in (*others, *kept, *of_runs, *archived):
        if _is(path, contender):
            copy_weights(path, target)
            log(f"{target} was damaged or gone; it is copied again from {path}")
            return True
    return False


def _read(path: Path) -> Contender | None:
    if not path.exists():
        return None
    try:
        return Contender.model_validate_json(read_unsealed(path))
    except (ValidationError, SealBrokenError) as error:
        said = first_problem(error) if isinstance(error, ValidationError) else SEAL_BROKEN
        raise ChampionError(
            f"{path} is damaged ({said}); delete it and materialise champion, which knows {path.stem}.safetensors by "
            f"{HISTORY}"
        ) from error


def _is(checkpoint: Path, contender: Contender) -> bool:
    return checkpoint.is_file() and sha256_file(checkpoint) == contender.sha256


def write_champion(path: Path, contender: Contender) -> None:
    """Writes a card, the champion's or the previous champion's, as JSON."""
    write_sealed_text(path, contender.model_dump_json(indent=1) + "\n")


def copy_weights(source: Path, target: Path) -> None:
    """Copies a checkpoint; `target` is intact at every moment."""
    with atomic_path(target) as temporary:
        shutil.copyfile(source, temporary)


def record_decision(root: DataRoot, decision: str, reason: str, contender: Contender) -> None:
    """Adds a line to the history: a promotion, a demotion, or a champion that was kept.

    Damaged lines are moved to a file beside it.
    """
    line = {
        "decision": decision,
        "reason": reason,
        "time": time.time(),
        "experiment": contender.experiment,
        "sha256": contender.sha256,
        "score": contender.score,
        "three_class_dice": contender.card and contender.card.three_class_dice,
    }
    path = root.champion / HISTORY
    lines, damaged = _lines(path)
    if damaged:
        torn = root.champion / TORN
        before = read_plain(torn).decode("utf-8", "backslashreplace") if torn.exists() else ""
        write_text(torn, before + "".join(f"{one}\n" for one in damaged.values()))
    known = [sealed_line(unsealed(one.encode())[0].decode()) for one in lines]
    write_text(path, "".join(f"{one}\n" for one in (*known, sealed_line(json.dumps(line, sort_keys=True)))))
