"""`make bench`: measures and writes docs/benchmarks.md."""

import argparse
import os
import tempfile
from collections.abc import Callable
from pathlib import Path

import cv2

from benchmarks.speed.cases import Row, clean_and_degraded, memory, reading, samples, workers
from benchmarks.speed.loading import loading
from ecg_assets.records.index import accepted_records
from ecg_assets.records.ingest import ingest, load_record
from ecg_assets.records.record import Record
from ecg_assets.records.sources.config import SourceConfig
from ecg_assets.records.synthetic.folder import write_synthetic_source
from ecg_assets.store.root import DataRoot, open_root

# What the table cannot say; measured one at a time, old and new in turns.
_REMARKS = """
A page of 10 ms: a third is the PNGs' filter and deflate, two fifths the strokes, the rest copies of the paper, header
and layout. Tried for less: fewer sub-columns (with 7 or 5 instead of 9, real traces are up to 3.9 and 5.2 of 255 off a
supersampled stroke on average, where 3 are allowed); filter and deflate in bands that stay in the cache (5 % of the
two); sums over only the rows that each column touches (nothing). A page is bound by memory, matplotlib is not, so that
the ratio moves with the machine: beside ticks 38 to 42 were seen on idle ones, beside lines 32 to 34.

A photo: its grid is looked up by place and scale instead of computed for each family of lines, light is laid on in 8
bits instead of floats, noise added in OpenCV a band at a time: 322 ms became 220 to 240. What is left is spread out:
the map of the paper (12 %), grid, traces, JPEG and the look-up of print (9 % each), defocus, noise and light (5 to 9
% each). Every one of some twelve passes over 11 MB of RGB takes 5 to 20 ms, so that 0.3 would ask for half of the
effects, or for all of them in one compiled loop.

Two workers: a shard's files are flushed to the disk together, and workers start without the caller's main module.
"""

TABLE = Path(__file__).resolve().parents[2] / "docs" / "benchmarks.md"


def _quiet(_: str) -> None:
    pass


def _root(folder: Path, count: int) -> DataRoot:
    root = open_root(folder / "data")
    write_synthetic_source(folder / "source", count, 0, _quiet)
    ingest(root, SourceConfig(source=str(folder / "source")), _quiet)
    return root


def _records(root: DataRoot, count: int) -> list[Record]:
    rows = accepted_records(root).head(count).itertuples()
    return [load_record(root, str(row.id), int(str(row.fs_hz))) for row in rows]


def _table(rows: list[Row], records: int, rounds: int) -> str:
    lines = [
        "# Benchmarks",
        "",
        f"`make bench` on {os.cpu_count()} cores: medians of {rounds} rounds in which all ways take turns, CPU time of "
        f"one thread unless said otherwise, {records} synthetic records.",
        "",
        "| what | measured | aim |",
        "|---|---|---|",
        *(f"| {name} | {value} | {aim} |" for name, value, aim in rows),
    ]
    return "\n".join(lines) + "\n" + _REMARKS


def main() -> None:
    """Runs all cases."""
    parser = argparse.ArgumentParser(description=__doc__)
    # With few records, the start of the workers weighs more than what they do.
    parser.add_argument("--records", type=int, default=1600, help="synthetic records to draw")
    parser.add_argument("--rounds", type=int, default=15, help="rounds of each case")
    parser.add_argument("--pages", type=int, default=10_000, help="pages that one process draws for the memory's peak")
    parser.add_argument("--out", type=Path, default=TABLE, help="the table")
    chosen = parser.parse_args()
    cv2.setNumThreads(1)
    with tempfile.TemporaryDirectory() as folder:
        root = _root(Path(folder), chosen.records)
        records = _records(root, 12)
        cases: list[Callable[[], list[Row]]] = [
            lambda: clean_and_degraded(records, chosen.rounds),
            lambda: samples(records, chosen.rounds),
            # Workers draw the pages that are read afterwards.
            lambda: workers(root, 3),
            lambda: reading(root, chosen.rounds),
            # It reads the dataset that was made for the case before.
            lambda: loading(root, chosen.rounds),
            lambda: memory(root.path, chosen.pages),
        ]
        rows = [row for case in cases for row in case()]
    chosen.out.write_text(_table(rows, chosen.records, chosen.rounds))


if __name__ == "__main__":
    main()
