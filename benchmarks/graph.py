"""What the graph costs beside library calls: a whole run, a second one, one after a changed record; the start.

python -m benchmarks.graph [--records 600] [--rounds 3]
"""

import argparse
import functools
import itertools
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import dagster as dg

from ecg_assets.assets.dataset import mixed_dataset
from ecg_assets.assets.grids import grids
from ecg_assets.assets.pages import pages
from ecg_assets.assets.records import raw_csvs
from ecg_assets.pages.config import PagesConfig
from ecg_assets.pages.stage import build_papers, render_pages
from ecg_assets.records.ingest import SourceConfig, ingest
from ecg_assets.records.synthetic_source import write_synthetic_source
from ecg_assets.resources.engine import EngineResource
from ecg_assets.resources.storage import DataRootResource
from ecg_assets.samples.config import SamplesConfig
from ecg_assets.samples.stage import build_dataset
from ecg_assets.store.engine import default_workers
from ecg_assets.store.root import open_root

Row = tuple[str, str, str]
_STYLES, _RECIPES = "kaggle", {"clean": 1.0}
_SERVER = """
import time; began = time.perf_counter()
import sys
from ecg_assets.definitions import definitions
definitions().resolve_asset_graph()
lines = open("/proc/self/status").read().splitlines()
peak_kb = next(line.split()[1] for line in lines if line.startswith("VmHWM"))
print(time.perf_counter() - began, int(peak_kb) / 1024, any(name.startswith("torch") for name in sys.modules))
"""


def _quiet(_: str) -> None:
    pass


def plain(source: Path, data: Path) -> None:
    """Records, papers, pages and samples by calls of the library."""
    root, workers = open_root(data), default_workers()
    ingest(root, SourceConfig(source=str(source)), _quiet, workers)
    look = PagesConfig(styles=_STYLES)
    build_papers(root, look, _quiet)
    render_pages(root, look, workers, _quiet)
    build_dataset(root, SamplesConfig(recipes=_RECIPES), workers, _quiet)


def graph(source: Path, data: Path, instance: dg.DagsterInstance) -> None:
    """The same as one run of Dagster."""
    ops = {
        "raw_csvs": {"config": {"source": str(source)}},
        "grids": {"config": {"styles": _STYLES}},
        "pages": {"config": {"styles": _STYLES}},
        "mixed_dataset": {"config": {"recipes": _RECIPES}},
    }
    done = dg.materialize(
        [raw_csvs, grids, pages, mixed_dataset],
        instance=instance,
        resources={"data_root": DataRootResource(path=str(data)), "engine": EngineResource()},
        run_config={"ops": ops, "loggers": {"console": {"config": {"log_level": "CRITICAL"}}}},
    )
    if not done.success:
        raise RuntimeError("the run has failed")


def costs(records: int, rounds: int) -> list[Row]:
    """Wall time of both ways in pairs, in turns; then again without a change, and after one."""
    pairs, again, changed = [], [], []
    with tempfile.TemporaryDirectory() as name:
        folder, numbers = Path(name), itertools.count()
        source = folder / "source"
        write_synthetic_source(source, records, 0, _quiet)
        for number in range(rounds + 1):  # the first does not count
            data = folder / "graph"
            home = folder / f"home{next(numbers)}"
            home.mkdir()
            with dg.DagsterInstance.local_temp(str(home)) as instance:
                plain_s = _seconds(functools.partial(plain, source, folder / "plain"))
                run = functools.partial(graph, source, data, instance)
                whole_s = _seconds(run)
                second_s = _seconds(run)
                _change(source, number)
                one_s = _seconds(run)
            if number:
                pairs.append(whole_s / plain_s)
                again.append(second_s)
                changed.append(one_s / whole_s)
            shards = open_root(data).shards
            shutil.rmtree(folder / "plain")
            shutil.rmtree(data)
    most = 1 / shards + 0.05
    return [
        (f"graph against library calls, {records} records", f"{statistics.median(pairs):.3f}", "at most 1.05"),
        ("second run, nothing changed", f"{statistics.median(again):.1f} s", "at most 20 s"),
        (
            "run after one changed record, share of the whole",
            f"{statistics.median(changed):.3f}",
            f"at most {most:.3f}",
        ),
    ]


def server(rounds: int) -> list[Row]:
    """What loading the definitions takes in a fresh process, as the code server does it."""
    told = []
    for _ in range(rounds):
        ran = subprocess.run([sys.executable, "-c", _SERVER], check=True, capture_output=True, text=True)
        seconds, mb, torch = ran.stdout.split()[-3:]
        if torch != "False":
            raise RuntimeError("the definitions import torch")
        told.append((float(seconds), float(mb)))
    seconds_s, peak_mb = (statistics.median(values) for values in zip(*told, strict=True))
    return [
        ("definitions loaded in a fresh process", f"{seconds_s:.1f} s", ""),
        ("... its peak memory, without torch", f"{peak_mb:.0f} MB", "under 250 MB"),
    ]


def _seconds(way: Callable[[], None]) -> float:
    begin = time.perf_counter()
    way()
    return time.perf_counter() - begin


def _change(source: Path, number: int) -> None:
    """One value of one record."""
    path = sorted((source / "train").rglob("*.csv"))[number]
    lines = path.read_text("utf-8").splitlines()
    cells = lines[1].split(",")
    cells[1] = f"{float(cells[1]) + 0.001:.3f}"
    path.write_text("\n".join([lines[0], ",".join(cells), *lines[2:]]) + "\n", "utf-8")


def main() -> None:
    """Prints the rows."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--records", type=int, default=600)
    parser.add_argument("--rounds", type=int, default=3)
    chosen = parser.parse_args()
    for row in [*server(chosen.rounds), *costs(chosen.records, chosen.rounds)]:
        sys.stdout.write(f"| {' | '.join(row)} |\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
