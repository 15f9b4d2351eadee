"""Reads the competition's test.csv, which lists the samples of a submission."""

from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from ecg_assets.digitize.signals_csv import SECONDS
from ecg_assets.pages.style.layouts import layout_named
from ecg_assets.records.record import LEADS

_COLUMNS = ("id", "lead", "fs", "number_of_rows")


class SubmissionError(ValueError):
    """test.csv or a submission is not as expected; the message names the file and the row."""


@dataclass(frozen=True)
class Wanted:
    """One row of test.csv: a lead's samples.

    Attributes:
        record_id, lead, fs_hz: record, lead and sampling rate.
        rows: number of samples from the begin of the lead's column on the page.
    """

    record_id: str
    lead: str
    fs_hz: int
    rows: int

    @property
    def first(self) -> int:
        """Index of the first sample in a record of 10 s: the begin of a quarter, or 0 for the rhythm strip."""
        samples = SECONDS * self.fs_hz
        return 0 if self.rows == samples else int(_quarter(self.lead) * samples / 4)

    @property
    def ids(self) -> list[str]:
        """The samples' ids in the submission."""
        return [f"{self.record_id}_{sample}_{self.lead}" for sample in range(self.rows)]


def read_test_table(path: Path) -> list[Wanted]:
    """The rows of test.csv, in order.

    Raises:
        SubmissionError: the file or a row is not in the competition's format.
    """
    try:
        table = pd.read_csv(path, dtype=str, keep_default_na=False, skipinitialspace=True)
    except (OSError, ValueError) as error:
        raise SubmissionError(f"{path} cannot be read as a table ({error}); expected {','.join(_COLUMNS)}") from error
    missing = [name for name in _COLUMNS if name not in table.columns]
    if missing or not len(table):
        raise SubmissionError(f"{path} lacks {', '.join(missing) or 'rows'}; expected columns {','.join(_COLUMNS)}")
    cells = zip(*(table[name] for name in _COLUMNS), strict=True)
    wanted = [_wanted(path, line, *row) for line, row in enumerate(cells, start=2)]
    repeated = [key for key, count in Counter((one.record_id, one.lead) for one in wanted).items() if count > 1]
    if repeated:
        raise SubmissionError(f"{path} asks for record {repeated[0][0]}, lead {repeated[0][1]} more than once")
    return wanted


def _wanted(path: Path, line: int, record_id: str, lead: str, fs_text: str, rows_text: str) -> Wanted:
    if lead not in LEADS:
        raise SubmissionError(f"{path}, line {line}: {lead!r} is no lead; expected one of {', '.join(LEADS)}")
    if not (fs_text.isdigit() and rows_text.isdigit() and int(fs_text) and int(rows_text)):
        raise SubmissionError(
            f"{path}, line {line}: fs {fs_text!r}, number_of_rows {rows_text!r}; expected whole numbers"
        )
    one = Wanted(record_id, lead, int(fs_text), int(rows_text))
    if one.first + one.rows > SECONDS * one.fs_hz:
        raise SubmissionError(
            f"{path}, line {line}: {one.rows} rows from row {one.first} are beyond 10 s at {fs_text} Hz"
        )
    return one


def _quarter(lead: str) -> int:
    """The column of the competition's page in which a lead stands."""
    return next(place for place, column in enumerate(layout_named("kaggle").columns) if lead in column)
