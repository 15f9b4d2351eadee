"""Scores a folder of digitised records against a folder of true ones, with the competition's metric."""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ecg_assets.digitize.scoring.snr import Power, lead_powers, score_db, total
from ecg_assets.digitize.signals_csv import read_signals
from ecg_assets.records.record import LEADS
from ecg_assets.records.resampling import resampled

WORST = 10
# Tables in the competition's folders that are not records.
_TABLES = ("train.csv", "test.csv")
_VARIANT = re.compile(r"-\d{4}$")

Signals = tuple[npt.NDArray[np.float32], int]


class ScoreError(ValueError):
    """Two folders cannot be scored; the message says what was expected."""


@dataclass(frozen=True)
class Scored:
    """The score of one prediction, or of a truth without a prediction.

    Attributes:
        name: of the prediction, or of the truth if the prediction is missing.
        record_id: of the truth.
        missing: whether the prediction is missing; the record's ratio is then 0.
        resampled_from_hz: the prediction's sampling rate if it differs from the truth's.
        leads: S and N of each printed lead.
    """

    name: str
    record_id: str
    missing: bool = False
    resampled_from_hz: int | None = None
    leads: Mapping[str, Power] = field(default_factory=dict)

    @property
    def power(self) -> Power:
        """S and N of the record."""
        return total(self.leads.values())

    @property
    def ratio(self) -> float:
        """The competition's value, 0 to 384."""
        return 0.0 if self.missing else self.power.ratio

    @property
    def db(self) -> float:
        """The ratio in dB without the cap; minus infinite when missing."""
        return float("-inf") if self.missing else self.power.db


@dataclass(frozen=True)
class Scores:
    """The scores of a folder.

    Attributes:
        scored: by name.
        without_truth: names of predictions without a truth; they are not scored.
    """

    scored: list[Scored]
    without_truth: list[str]

    @property
    def db(self) -> float:
        """The competition's score; a missing prediction counts with a ratio of 0."""
        return score_db(one.ratio for one in self.scored)

    @property
    def missing(self) -> list[str]:
        """Truths without a prediction."""
        return [one.record_id for one in self.scored if one.missing]

    @property
    def resampled(self) -> list[str]:
        """Predictions that were resampled to their truth's rate."""
        return [one.name for one in self.scored if one.resampled_from_hz is not None]

    @property
    def worst(self) -> list[Scored]:
        """The ten with the smallest ratio."""
        return sorted(self.scored, key=lambda one: (one.db, one.name))[:WORST]

    def by_lead(self) -> dict[str, float]:
        """Score in dB of each lead alone, over the existing predictions."""
        found: dict[str, list[float]] = {lead: [] for lead in LEADS}
        for one in self.scored:
            for lead, power in one.leads.items():
                found[lead].append(power.ratio)
        return {lead: score_db(ratios) for lead, ratios in found.items() if ratios}

    def info(self) -> dict[str, Any]:
        """All scores as JSON values; infinite dB are null."""
        return {
            "score_db": self.db,
            "records": len(self.scored),
            "missing": self.missing,
            "without_truth": self.without_truth,
            "resampled": self.resampled,
            "leads_db": self.by_lead(),
            "worst": [one.name for one in self.worst],
            "by_record": {one.name: described(one) for one in self.scored},
        }


def score_folders(predictions: Path, truth: Path) -> Scores:
    """Scores each `<id>.csv` or `<id>-NNNN.csv` below `predictions` against `<id>.csv` below `truth`.

    Each of several images of one record is scored. A prediction at another sampling rate is resampled to the truth's.

    Raises:
        ScoreError: a folder holds no CSV, an id occurs twice, or no prediction has a truth.
        SignalsError: a file cannot be read.
    """
    truths, predicted = _csvs(truth), _csvs(predictions)
    by_record: dict[str, list[str]] = {record_id: [] for record_id in truths}
    without_truth = []
    for name in predicted:
        record_id = name if name in truths else _VARIANT.sub("", name)
        if record_id in by_record:
            by_record[record_id].append(name)
        else:
            without_truth.append(name)
    if len(without_truth) == len(predicted):
        raise ScoreError(f"none of the {len(predicted)} CSVs below {predictions} is named like one below {truth}")
    scored: list[Scored] = []
    for record_id, names in by_record.items():
        scored += [score_file(name, record_id, truths[record_id], predicted[name]) for name in names]
        if not names:
            scored.append(Scored(record_id, record_id, missing=True))
    return Scores(scored, without_truth)


def _csvs(folder: Path) -> dict[str, Path]:
    """CSVs of records at any depth, by stem, sorted."""
    found: dict[str, Path] = {}
    for path in sorted(folder.rglob("*.csv"), key=lambda one: one.stem):
        if path.name in _TABLES or path.name.startswith("."):
            continue
        if path.stem in found:
            raise ScoreError(f"{path.stem} is there twice: {found[path.stem]} and {path}; keep one of them")
        found[path.stem] = path
    if not found:
        raise ScoreError(f"{folder} holds no CSV of signals; expected <id>.csv in the competition's shape")
    return found


def score_file(name: str, record_id: str, truth: Path, predicted: Path) -> Scored:
    """Scores one CSV against its truth.

    Raises:
        SignalsError: one of them cannot be read.
    """
    return score_signals(name, record_id, read_signals(truth), read_signals(predicted))


def score_signals(name: str, record_id: str, truth: Signals, predicted: Signals) -> Scored:
    """As `score_file`, for signals: (12, n) mV, NaN outside the printed parts, and their sampling rate in Hz."""
    (truth_mv, fs_hz), (predicted_mv, own_hz) = truth, predicted
    leads = lead_powers(truth_mv, resampled(predicted_mv, own_hz, fs_hz), fs_hz)
    return Scored(name, record_id, resampled_from_hz=own_hz if own_hz != fs_hz else None, leads=leads)


def truth_of(image: Path, truth: Path) -> Path | None:
    """The truth of an image: `truth` itself, or below that folder `<id>.csv` of an image `<id>` or `<id>-NNNN`."""
    if not truth.is_dir():
        return truth
    names = {f"{stem}.csv" for stem in (image.stem, _VARIANT.sub("", image.stem))}
    return next((path for path in sorted(truth.rglob("*.csv")) if path.name in names), None)


def described(one: Scored) -> dict[str, Any]:
    """One prediction's score as JSON values."""
    return {
        "record": one.record_id,
        "missing": one.missing,
        "ratio": one.ratio,
        "db": _finite(one.db),
        "leads_db": {lead: _finite(power.db) for lead, power in one.leads.items()},
    }


def _finite(db: float) -> float | None:
    return round(db, 4) if math.isfinite(db) else None
