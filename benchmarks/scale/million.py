"""A million records, of which only the index, the manifests and the names of the files are real.

    python -m benchmarks.scale.million FOLDER [RECORDS]

Makes a data root in FOLDER (kept, and used again), then does each thing that must stay possible with so many records in
a process of its own, and prints its seconds and its peak of resident memory. Files are hard links to a few empty ones:
status asks whether a file is there, and not what it holds. Needs 3 GB and 5 million directory entries.
"""

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from benchmarks.peak import peak_mib
from benchmarks.scale.million_root import make_million
from ecg_assets.store.root import open_root

LIMIT_S, LIMIT_MB = 30.0, 2048


def shard(folder: Path) -> None:
    """Each record's shard and split."""
    from benchmarks.scale.million_root import record_ids
    from ecg_assets.store.splits import shard_of, split_of

    root = open_root(folder)
    for record_id in record_ids(_records(folder)):
        shard_of(record_id, root.shards), split_of(record_id)


def write(folder: Path) -> None:
    """The index, from rows as they come in."""
    from benchmarks.scale.million_root import rows
    from ecg_assets.records.index import write_index

    write_index(folder / "index-again.parquet", list(rows(_records(folder), open_root(folder).shards)))
    (folder / "index-again.parquet").unlink()


def read(folder: Path) -> None:
    """The index, as stages ask for it."""
    from ecg_assets.records.index import accepted_records

    accepted_records(open_root(folder))


def pages(folder: Path) -> None:
    """Plans the pages again; all are current."""
    from ecg_assets.pages.config import PagesConfig
    from ecg_assets.pages.stage import render_pages

    report = render_pages(open_root(folder), PagesConfig(), 1, _quiet)
    if report.made or report.total("pages") != _records(folder):
        raise AssertionError(f"{report.made} were made of {report.total('pages')} pages, expected none")


def samples(folder: Path) -> None:
    """Plans the samples again; all are current."""
    from ecg_assets.samples.config import SamplesConfig
    from ecg_assets.samples.stage import STAGE, plan_samples
    from ecg_assets.store.stages.runner import run_stage

    root = open_root(folder)
    made = run_stage(STAGE, root.dataset, root.path, plan_samples(root, SamplesConfig()), 1, _quiet).made
    if made:
        raise AssertionError(f"shards {made} were made, expected none")


def status(folder: Path) -> None:
    """`ecg-assets status`; everything must be current."""
    from click.testing import CliRunner

    from ecg_assets.cli import main

    said = CliRunner().invoke(main, ["status"], env={"ECG_ASSETS_DATA": str(folder)})
    if said.exit_code or "stale" in said.output or said.output.count("current") < 4:
        raise AssertionError(said.output)


def _quiet(_: str) -> None:
    pass


MEASURED: dict[str, Callable[[Path], None]] = {
    "shard and split of each record": shard,
    "write the index": write,
    "read the index": read,
    "pages: plan, all current": pages,
    "samples: plan, all current": samples,
    "ecg-assets status": status,
}


def measure(folder: Path, name: str) -> tuple[float, float, int]:
    """Seconds, CPU seconds and MB (peak of resident memory) of one thing, in a new process, without its start."""
    command = [sys.executable, "-m", "benchmarks.scale.million", str(folder), "--only", name]
    ran = subprocess.run(command, check=True, capture_output=True, text=True)
    seconds, cpu_s, mb = ran.stdout.split()[-3:]
    return float(seconds), float(cpu_s), int(mb)


def _records(folder: Path) -> int:
    return int((folder / "records").read_text())


def _one(folder: Path, name: str) -> None:
    started, cpu_before = time.perf_counter(), time.process_time()
    MEASURED[name](folder)
    seconds, cpu_s = time.perf_counter() - started, time.process_time() - cpu_before
    sys.stdout.write(f"{seconds:.1f} {cpu_s:.1f} {peak_mib():.0f}\n")


def main(arguments: list[str]) -> int:
    """Makes the data root when it is missing, measures, and prints a table; 1 when a limit does not hold."""
    folder = Path(arguments[0]).absolute()
    if arguments[1:2] == ["--only"]:
        _one(folder, arguments[2])
        return 0
    make_million(folder, int(arguments[1]) if len(arguments) > 1 else 1_000_000)
    held = True
    sys.stdout.write(f"{_records(folder)} records, {open_root(folder).shards} shards, {os.cpu_count()} cores\n\n")
    sys.stdout.write("| what | seconds | of them CPU | MB |\n|---|---|---|---|\n")
    for name in MEASURED:
        seconds, cpu_s, mb = measure(folder, name)
        held &= seconds < LIMIT_S and mb < LIMIT_MB
        sys.stdout.write(f"| {name} | {seconds:.1f} | {cpu_s:.1f} | {mb} |\n")
        sys.stdout.flush()
    return 0 if held else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
