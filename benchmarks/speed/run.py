"""`make bench`: measures and writes docs/benchmarks.md."""

import argparse
import os
import tempfile
from collections.abc import Callable
from datetime import date
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

# Remarks under the table; measured one at a time, old and new interleaved.
_REMARKS = """
## Where the time goes

A page takes 10 ms: a third is the PNGs' filter and deflate, two fifths the strokes, the rest copies of the paper,
header and layout. A page is limited by memory bandwidth and matplotlib is not, so the ratio depends on the machine: on
idle ones 38 to 42 for ticks and 32 to 34 for lines. Alternatives, measured one at a time, interleaved with the
baseline, 2026-11-28:

| alternative | effect |
|---|---|
| 7 or 5 sub-columns instead of 9 | up to 3.9 and 5.2 of 255 mean error against a supersampled stroke (3 allowed) |
| filter and deflate in bands that stay in the cache | saves 5 % of the two |
| sums over only the rows that each column touches | saves nothing |

A photo takes 220 to 240 ms. The grid is looked up by position and scale instead of computed for each family of lines,
light is applied in 8 bits instead of floats, and noise is added in OpenCV one band at a time; without these three
measures a photo takes 322 ms (2026-11-28). The map of the paper takes 12 %; grid, traces, JPEG and the look-up of print
9 % each; defocus, noise and light 5 to 9 % each. About twelve passes over 11 MB of RGB take 5 to 20 ms each, so a share
of 0.3 would need half of the effects, or all of them in one compiled loop.

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
        f"Written by `make bench` on {date.today()}, on {os.cpu_count()} cores: medians of {rounds} interleaved "
        f"rounds, CPU time of one thread unless stated otherwise, {records} synthetic records.",
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
