"""Writes the submission as Parquet: one row per sample, `id = {id}_{sample}_{lead}` and `value` in mV."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from ecg_assets.digitize.signals_csv import SECONDS
from ecg_assets.digitize.submission.test_table import SubmissionError, Wanted
from ecg_assets.records.record import LEADS
from ecg_assets.store.atomic import atomic_path
from ecg_assets.store.log import Log

SCHEMA = pa.schema([pa.field("id", pa.string(), nullable=False), pa.field("value", pa.float64(), nullable=False)])
# A submission needs a number in every row; samples that were not read get the baseline's value.
FILLED_WITH_MV = 0.0
_ROWS_A_GROUP = 500_000

# (12, 10 * fs_hz) mV of a record at the requested sampling rate, NaN where nothing was read; None without a signal.
Signals = Callable[[str, int], npt.NDArray[np.floating] | None]


@dataclass
class Submission:
    """Summary of a written submission.

    Attributes:
        rows: samples.
        filled: samples that were not read and are 0.
        without_signal: records without any signal.
    """

    rows: int = 0
    filled: int = 0
    without_signal: list[str] = field(default_factory=list)


def write_submission(wanted: Sequence[Wanted], signals: Signals, out: Path, log: Log) -> Submission:
    """Writes the submission atomically, in the order of `wanted`, and reads it back.

    Args:
        wanted: from test.csv.
        signals: called once per record.
        out: the Parquet file.
        log: receives a line for each record without a signal.

    Raises:
        SubmissionError: a signal has another length, or the file differs from what was to be written.
    """
    done = Submission()
    with atomic_path(out) as temporary:
        with pq.ParquetWriter(temporary, SCHEMA, compression="zstd") as writer:
            for group in _groups(wanted, _Kept(wanted, signals, done, log)):
                writer.write_table(group)
        check_submission(temporary, wanted)
    return done


def check_submission(path: Path, wanted: Sequence[Wanted]) -> None:
    """Reads a submission and compares it with test.csv.

    Raises:
        SubmissionError: columns, ids, their order or a value is wrong.
    """
    file = pq.ParquetFile(path)
    if file.schema_arrow.names != SCHEMA.names or file.schema_arrow.types != SCHEMA.types:
        raise SubmissionError(f"{path} has {file.schema_arrow}, expected {SCHEMA}")
    expected, row = (name for one in wanted for name in one.ids), 0
    for batch in file.iter_batches(batch_size=_ROWS_A_GROUP):
        for name in batch.column("id").to_pylist():
            if name != (meant := next(expected, None)):
                raise SubmissionError(f"{path}, row {row}: the id is {name!r}, expected {meant!r}")
            row += 1
        if not np.isfinite(batch.column("value").to_numpy(zero_copy_only=False)).all():
            raise SubmissionError(f"{path}, up to row {row}: a value is no finite number")
    if (meant := next(expected, None)) is not None:
        raise SubmissionError(f"{path} ends after {row} rows; {meant!r} is missing")


class _Kept:
    """Caches a record's signal until its last lead is written: test.csv may list leads in any order."""

    def __init__(self, wanted: Sequence[Wanted], signals: Signals, done: Submission, log: Log) -> None:
        self._left = Counter(one.record_id for one in wanted)
        self._signals, self._done, self._log = signals, done, log
        self._held: dict[str, npt.NDArray[np.floating] | None] = {}

    def values(self, one: Wanted) -> npt.NDArray[np.float64]:
        """(rows,) float64, filled."""
        if one.record_id not in self._held:
            self._held[one.record_id] = self._signals(one.record_id, one.fs_hz)
            if self._held[one.record_id] is None:
                self._done.without_signal.append(one.record_id)
                self._log(f"record {one.record_id} has no signal: its rows are {FILLED_WITH_MV:g}")
        signal_mv = self._held[one.record_id]
        self._left[one.record_id] -= 1
        if not self._left[one.record_id]:
            del self._held[one.record_id]
        values = np.full(one.rows, np.nan) if signal_mv is None else _window(one, signal_mv)
        unknown = ~np.isfinite(values)
        self._done.rows += one.rows
        self._done.filled += int(unknown.sum())
        return np.where(unknown, FILLED_WITH_MV, values)


def _window(one: Wanted, signal_mv: npt.NDArray[np.floating]) -> npt.NDArray[np.float64]:
    expected = (len(LEADS), SECONDS * one.fs_hz)
    if signal_mv.shape != expected:
        raise SubmissionError(f"the signal of record {one.record_id} has shape {signal_mv.shape}, expected {expected}")
    return signal_mv[LEADS.index(one.lead), one.first : one.first + one.rows].astype(np.float64)


def _groups(wanted: Sequence[Wanted], kept: _Kept) -> Iterator[pa.Table]:
    """Tables of about `_ROWS_A_GROUP` rows; one row group per record would make the file slow to read."""
    ids: list[str] = []
    values: list[npt.NDArray[np.float64]] = []
    for place, one in enumerate(wanted, start=1):
        ids += one.ids
        values.append(kept.values(one))
        if len(ids) >= _ROWS_A_GROUP or place == len(wanted):
            yield pa.table([pa.array(ids, pa.string()), pa.array(np.concatenate(values))], schema=SCHEMA)
            ids, values = [], []
