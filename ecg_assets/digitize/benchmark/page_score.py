"""Scores one digitised page against its printed signal."""

from typing import NamedTuple

import numpy as np
from pydantic import BaseModel, ConfigDict

from ecg_assets.digitize.benchmark.rendered_pages import Trial
from ecg_assets.digitize.interface import Reading
from ecg_assets.digitize.scoring.snr import Power, align, lead_powers, printed_window, total
from ecg_assets.records.record import LEADS

# Lower edges of the confidence bins, and how near the truth a correct sample lies.
CONFIDENCE_EDGES: tuple[float, ...] = (0.0, 0.5, 0.7, 0.8, 0.9)
RIGHT_WITHIN_MV = 0.1


class Sure(NamedTuple):
    """Counts of one confidence bin: its samples and how many of them are correct."""

    samples: int = 0
    right: int = 0


class PageScore(BaseModel):
    """A page's score, as it is stored.

    Attributes:
        record_id, recipe, style, layout: which page.
        refused: why the page was refused; None when it was read.
        layout_read: the layout that was found, if the reader reports it.
        leads: S and N by lead; empty when refused.
        sure: one per confidence bin of `CONFIDENCE_EDGES`.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    record_id: str
    recipe: str
    style: str
    layout: str
    refused: str | None = None
    layout_read: str | None = None
    leads: dict[str, tuple[float, float]] = {}
    sure: tuple[Sure, ...] = ()

    @property
    def power(self) -> Power:
        """S and N of the page."""
        return total(Power(*sums) for sums in self.leads.values())

    @property
    def ratio(self) -> float:
        """The competition's value, 0 to 384; 0 when refused."""
        return 0.0 if self.refused is not None else self.power.ratio

    @property
    def db(self) -> float:
        """The ratio in dB without the cap; minus infinite when refused."""
        return float("-inf") if self.refused is not None else self.power.db


def refused_page(trial: Trial, why: str) -> PageScore:
    """The score of a page without a signal."""
    return PageScore(
        record_id=trial.record.id, recipe=trial.recipe, style=trial.style, layout=trial.layout, refused=why
    )


def page_score(trial: Trial, reading: Reading) -> PageScore:
    """Scores a reading at the record's sampling rate.

    Raises:
        ShapeError: the reading has another length than the truth.
    """
    powers = lead_powers(trial.truth_mv, reading.signal_mv, trial.record.fs_hz)
    layout = reading.info().get("layout")
    return PageScore(
        record_id=trial.record.id,
        recipe=trial.recipe,
        style=trial.style,
        layout=trial.layout,
        layout_read=str(layout) if layout is not None else None,
        leads={lead: (power.signal, power.noise) for lead, power in powers.items()},
        sure=_sure(trial, reading),
    )


def _sure(trial: Trial, reading: Reading) -> tuple[Sure, ...]:
    """Counts over all printed samples that were read, after each lead's shift and offset are removed."""
    samples, right = np.zeros((2, len(CONFIDENCE_EDGES)), dtype=np.int64)
    for place in range(len(LEADS)):
        window = printed_window(trial.truth_mv[place])
        if window.start == window.stop:
            continue
        truth, fs_hz = trial.truth_mv[place][window], trial.record.fs_hz
        aligned = align(truth, reading.signal_mv[place][window], fs_hz)
        confidence = np.roll(reading.confidence[place][window], aligned.shift)
        known = np.isfinite(aligned.values_mv) & np.isfinite(truth) & np.isfinite(confidence)
        near = np.abs(aligned.values_mv[known] - truth[known]) <= RIGHT_WITHIN_MV
        kind = np.searchsorted(CONFIDENCE_EDGES, confidence[known], side="right") - 1
        samples += np.bincount(kind, minlength=len(CONFIDENCE_EDGES))
        right += np.bincount(kind[near], minlength=len(CONFIDENCE_EDGES))
    return tuple(Sure(int(one), int(other)) for one, other in zip(samples, right, strict=True))
