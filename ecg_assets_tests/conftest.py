"""Fixtures that several folders share: records as the competition packs them, and a data root made from them."""

import os
import signal
import tarfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import pandas as pd
import pytest

from ecg_assets.pages.config import PagesConfig
from ecg_assets.pages.stage import build_papers, render_pages
from ecg_assets.records.ingest import ingest
from ecg_assets.records.sources.base import ARCHIVE_NAME
from ecg_assets.records.sources.config import SourceConfig
from ecg_assets.records.synthetic.folder import write_synthetic_source
from ecg_assets.samples.config import SamplesConfig
from ecg_assets.samples.stage import build_dataset
from ecg_assets.store.root import DataRoot, open_root

# Before torch is imported: its threads wait for each other in loops, which on shared cores takes twenty times as long.
os.environ.setdefault("OMP_NUM_THREADS", "1")

# A shell lets what it starts in the background ignore SIGINT; Dagster then gives SIGTERM the same treatment, and every
# process that a test starts would inherit that.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


# Tests that use the same addresses of this machine or the same server, and so go one after the other: a folder, or part
# of a file's name.
ONE_AT_A_TIME = ("cluster", "kaggle", "ui/")

CLEAN_PAGES = PagesConfig(styles="kaggle")
CLEAN_SAMPLES = SamplesConfig(recipes={"clean": 1.0})


# How long one of the long series may take, on a machine that does other things too.
SOAK_S = 3600

# Begun first, so that no worker of `-n` is left alone with one of them in the end.
# Ray ones before all: a process that has imported torch_xla may crash in ray.init.
LONG = ("cluster", "ui/", "test_live_run", "training/loop/test_replicas", "test_killed_")


# Before xdist reads the marks, which it does in the same hook.
@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Workers of `-n` take whole files, which share what they set up, the long ones first."""
    for item in items:
        group = next((name for name in ONE_AT_A_TIME if name in _file(item)), _file(item))
        item.add_marker(pytest.mark.xdist_group(group))
        if item.get_closest_marker("soak") and not item.get_closest_marker("timeout"):
            item.add_marker(pytest.mark.timeout(SOAK_S))
    items.sort(key=lambda item: next((place for place, name in enumerate(LONG) if name in _file(item)), len(LONG)))


def _file(item: pytest.Item) -> str:
    return item.path.relative_to(Path(__file__).parent).as_posix()


class AdviceGiven:
    """What the messages of a test are to advise, by its mark `advice`."""

    def __init__(self, texts: Sequence[str]) -> None:
        self._left = set(texts)

    def in_message(self, message: object) -> None:
        """Whether a message gives it: of several, at least one that was not yet seen.

        Raises:
            AssertionError: it does not.
        """
        given = {text for text in self._left if text in str(message)}
        assert given, f"{message!s} does not say {sorted(self._left)}"
        self._left -= given

    def all_seen(self) -> None:
        """To be asked in the end."""
        assert not self._left, f"no message said {sorted(self._left)}"


@pytest.fixture
def advice(request: pytest.FixtureRequest) -> Iterator[AdviceGiven]:
    """What the mark `advice` of a test names, so that it is compared with real messages."""
    given = AdviceGiven([text for mark in request.node.iter_markers("advice") for text in mark.args[1:]])
    yield given
    given.all_seen()


def quiet(_: str) -> None:
    """A log for tests that do not read it."""


@pytest.fixture(scope="session")
def synthetic_source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """24 synthetic records, unpacked, with train.csv."""
    folder = tmp_path_factory.mktemp("synthetic_source")
    write_synthetic_source(folder, 24, 0, quiet)
    return folder


@pytest.fixture
def source_copy(synthetic_source: Path, tmp_path: Path) -> Path:
    """Six records of it, to be broken: `train.csv` and `train/<id>/<id>.csv`."""
    folder = tmp_path / "source"
    table = pd.read_csv(synthetic_source / "train.csv", dtype=str).head(6)
    for record_id in table["id"]:
        place = folder / "train" / record_id
        place.mkdir(parents=True)
        (place / f"{record_id}.csv").write_bytes(
            (synthetic_source / "train" / record_id / f"{record_id}.csv").read_bytes()
        )
    table.to_csv(folder / "train.csv", index=False)
    return folder


def pack(folder: Path) -> Path:
    """Packs `folder/train` as the competition's bucket does, and removes it; returns the archive."""
    archive = folder / ARCHIVE_NAME
    files = sorted((folder / "train").rglob("*.csv"))
    with tarfile.open(archive, "w:gz") as stream:
        for path in files:
            stream.add(path, arcname=path.relative_to(folder).as_posix())
    for path in files:
        path.unlink()
    return archive


@pytest.fixture(scope="session")
def made_root(synthetic_source: Path, tmp_path_factory: pytest.TempPathFactory) -> DataRoot:
    """A data root with all 24 records, pages of one style and clean samples. Read only: tests share it."""
    return make_root(tmp_path_factory.mktemp("made_root"), synthetic_source, CLEAN_PAGES, CLEAN_SAMPLES)


@pytest.fixture(scope="session")
def mixed_root(synthetic_source: Path, tmp_path_factory: pytest.TempPathFactory) -> DataRoot:
    """The same with the default mix of styles and degradations. Read only: tests share it."""
    samples = SamplesConfig(positives=2, negatives=2, crop_px=256)
    return make_root(tmp_path_factory.mktemp("mixed_root"), synthetic_source, PagesConfig(), samples)


def make_root(folder: Path, source: Path, pages: PagesConfig, samples: SamplesConfig) -> DataRoot:
    """Everything before training, below `folder`."""
    root = open_root(folder / "data")
    ingest(root, SourceConfig(source=str(source)), quiet)
    build_papers(root, pages, quiet)
    render_pages(root, pages, 1, quiet)
    build_dataset(root, samples, 1, quiet)
    return root
