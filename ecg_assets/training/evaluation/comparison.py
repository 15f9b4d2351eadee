"""Compares experiments side by side, from the files in their run folders."""

import json
import struct
from dataclasses import dataclass
from datetime import UTC, datetime
from math import prod
from pathlib import Path
from typing import Any

from ecg_assets.store.fingerprint import sha256_file
from ecg_assets.store.root import DataRoot
from ecg_assets.training.evaluation.champion_store import read_champion
from ecg_assets.training.evaluation.counts import divided, summed
from ecg_assets.training.evaluation.scorecard import Scorecard, read_scorecard, scorecard_path
from ecg_assets.training.runs.run_folder import RunFolder

Value = float | int | str | None


class ComparisonError(ValueError):
    """Experiments cannot be compared; the message says what to do."""


@dataclass(frozen=True)
class Column:
    """One experiment.

    Attributes:
        experiment: its name.
        values: by row name; rows that an experiment lacks are missing.
    """

    experiment: str
    values: dict[str, Value]


def side_by_side(root: DataRoot, experiments: tuple[str, ...]) -> list[Column]:
    """The columns of these experiments, or of all, sorted by name.

    Files are read as plain JSON, so that runs of earlier versions can be compared too.

    Raises:
        ComparisonError: an experiment does not exist, or there are none.
        ScorecardMissingError: a scorecard cannot be read.
    """
    there = sorted(path.parent.name for path in root.runs.glob("*/config.json"))
    if not there:
        raise ComparisonError(f"{root.runs} holds no experiment; train one first (`ecg-assets train --config demo`)")
    unknown = [name for name in experiments if name not in there]
    if unknown:
        raise ComparisonError(f"{root.runs} holds no experiment {', '.join(unknown)}; there are: {', '.join(there)}")
    return [_column(root, name) for name in experiments or there]


def rows_of(columns: list[Column]) -> list[str]:
    """Names of all rows, in order of first occurrence."""
    return list(dict.fromkeys(name for column in columns for name in column.values))


def _column(root: DataRoot, name: str) -> Column:
    run = RunFolder(root.runs / name)
    values = _training(run)
    champion = read_champion(root)
    values["champion"] = "yes" if champion is not None and champion.experiment == name else None
    if scorecard_path(run).exists():
        card = read_scorecard(run)
        values |= _scores(card)
        if run.best.exists() and sha256_file(run.best) != card.sha256:
            values["test samples"] = f"{card.samples}, of an earlier checkpoint"
    else:
        values["test samples"] = "not evaluated"
    return Column(name, values)


def _training(run: RunFolder) -> dict[str, Value]:
    config, state = _json(run.config)["config"], _json(run.state)
    done, finished = state.get("epochs_done", 0), state.get("finished", False)
    best_epoch = int(state.get("best_epoch", 0))
    best = state["history"][best_epoch - 1] if best_epoch else {}
    return {
        "trained until": _last_event(run.events),
        "epochs": f"{done} of {config.get('epochs', '?')}" + ("" if finished else ", not finished"),
        "best epoch": best_epoch or None,
        "parameters": _parameters(run.best) if run.best.exists() else None,
        "classes": config.get("classes"),
        "validation loss": best.get("validation_loss"),
        "validation Dice": best.get("foreground_dice"),
    }


def _scores(card: Scorecard) -> dict[str, Value]:
    values: dict[str, Value] = {"test samples": card.samples, "dataset": card.dataset_digest[:8]}
    # Rows common to all networks come first: those of three classes have no Dice of lines.
    values |= {f"Dice {name}": value for name, value in {**card.three_class_dice, **card.dice}.items()}
    if not card.cells:
        return values
    total = summed(cell.tally for cell in card.cells)
    values |= {f"F 1 px {name}": value for name, value in total.near_f(1).items()}
    values["intersections found, F"] = total.intersections.f
    for recipe, tally in divided(card.cells, "recipe").items():
        values[f"{recipe}: samples"] = tally.samples
        values[f"{recipe}: Dice grid"] = tally.three_class_dice["grid"]
        values[f"{recipe}: Dice wave"] = tally.three_class_dice["wave"]
        values[f"{recipe}: wave F 1 px"] = tally.near_f(1)["wave"]
    return values


def _json(path: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(path.read_text("utf-8")) if path.exists() else {}
    return content


def _last_event(events: Path) -> str | None:
    """Time of the last complete line of events; file times are not used because copying changes them."""
    lines = events.read_text("utf-8").split("\n")[:-1] if events.exists() else []
    if not lines:
        return None
    return datetime.fromtimestamp(json.loads(lines[-1])["time"], UTC).strftime("%Y-%m-%d %H:%M UTC")


def _parameters(checkpoint: Path) -> int:
    """From the header of the safetensors file alone: its length in 8 bytes, then JSON."""
    with checkpoint.open("rb") as file:
        (length,) = struct.unpack("<Q", file.read(8))
        header: dict[str, Any] = json.loads(file.read(length))
    return sum(prod(one["shape"]) for name, one in header.items() if name != "__metadata__")
