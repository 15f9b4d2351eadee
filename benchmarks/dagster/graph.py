"""What the graph costs beside library calls: a whole run, a second one, one after a changed record."""

import functools
import itertools
import shutil
import statistics
import tempfile
from collections.abc import Callable
from pathlib import Path

import dagster as dg

from benchmarks.spent import Spent, spent
from ecg_assets.assets.dataset import mixed_dataset
from ecg_assets.assets.grids import grids
from ecg_assets.assets.pages import pages
from ecg_assets.assets.records import raw_csvs
from ecg_assets.pages.config import PagesConfig
from ecg_assets.pages.stage import build_papers, render_pages
from ecg_assets.records.ingest import ingest
from ecg_assets.records.sources.config import SourceConfig
from ecg_assets.records.synthetic.folder import write_synthetic_source
from ecg_assets.resources.compute import EngineResource
from ecg_assets.resources.data_root import DataRootResource
from ecg_assets.samples.config import SamplesConfig
from ecg_assets.samples.stage import build_dataset
from ecg_assets.store.compute.pool import default_workers
from ecg_assets.store.root import open_root

Row = tuple[str, str, str]
_STYLES, _RECIPES = "kaggle", {"clean": 1.0}
_QUIET_INSTANCE = {"telemetry": {"enabled": False}}


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
    """CPU time of both ways in pairs, in turns; then again without a change, and after one."""
    pairs, again, changed = list[float](), list[Spent](), list[float]()
    with tempfile.TemporaryDirectory() as name:
        folder, numbers = Path(name), itertools.count()
        source = folder / "source"
        write_synthetic_source(source, records, 0, _quiet)
        # What is read once a process (fonts, tables) is read before: neither way is to pay for the other.
        plain(_first_of(source, folder / "warm", 20), folder / "warm" / "data")
        for number in range(rounds):
            home = folder / f"home{next(numbers)}"
            home.mkdir()
            with dg.DagsterInstance.local_temp(str(home), overrides=_QUIET_INSTANCE) as instance:
                ways = _Ways(source, folder, instance)
                library, whole = ways.library_and_graph(graph_first=number % 2 == 1)
                again.append(spent(ways.graph))
                _change(source, number)
                one = spent(ways.graph)
            pairs.append(whole.cpu_s / library.cpu_s)
            changed.append(one.cpu_s / whole.cpu_s)
            shards = open_root(ways.data).shards
            ways.forget()
    most, second = 1 / shards + 0.05, sorted(again, key=lambda one: one.wall_s)[len(again) // 2]
    return [
        (f"graph against library calls, {records} records", f"{statistics.median(pairs):.3f}", "at most 1.05"),
        ("the same run again, nothing changed", str(second), "at most 20 s"),
        (
            "run after one changed record, share of the whole",
            f"{statistics.median(changed):.3f}",
            f"at most {most:.3f}",
        ),
    ]


class _Ways:
    """Both ways, each with a data root of its own."""

    def __init__(self, source: Path, folder: Path, instance: dg.DagsterInstance) -> None:
        self.data, self._plain_data = folder / "graph", folder / "plain"
        self.graph: Callable[[], None] = functools.partial(graph, source, self.data, instance)
        self._plain: Callable[[], None] = functools.partial(plain, source, self._plain_data)

    def library_and_graph(self, graph_first: bool) -> tuple[Spent, Spent]:
        """What both spend; which goes first takes turns, because a busy machine grows busier or less so."""
        if graph_first:
            whole = spent(self.graph)
            return spent(self._plain), whole
        return spent(self._plain), spent(self.graph)

    def forget(self) -> None:
        for data in (self.data, self._plain_data):
            shutil.rmtree(data)


def _first_of(source: Path, folder: Path, records: int) -> Path:
    """A source of the first records of another one."""
    few = folder / "source"
    few.mkdir(parents=True)
    lines = (source / "train.csv").read_text("utf-8").splitlines()[: records + 1]
    (few / "train.csv").write_text("\n".join(lines) + "\n", "utf-8")
    for line in lines[1:]:
        record_id = line.partition(",")[0]
        shutil.copytree(source / "train" / record_id, few / "train" / record_id)
    return few


def _change(source: Path, number: int) -> None:
    """One value of one record."""
    path = sorted((source / "train").rglob("*.csv"))[number]
    lines = path.read_text("utf-8").splitlines()
    cells = lines[1].split(",")
    cells[1] = f"{float(cells[1]) + 0.001:.3f}"
    path.write_text("\n".join([lines[0], ",".join(cells), *lines[2:]]) + "\n", "utf-8")
