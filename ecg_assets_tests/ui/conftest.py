"""One `make ui` for all tests here: everything is materialised once, by clicks."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, Playwright, sync_playwright

from ecg_assets.records.synthetic.folder import write_synthetic_source
from ecg_assets_tests.conftest import quiet
from ecg_assets_tests.integration.live import until
from ecg_assets_tests.integration.live_training import Live, platform, processes, write_experiment
from ecg_assets_tests.ui.browser import chromium, tab
from ecg_assets_tests.ui.everything import Everything, materialize_everything

RECORDS = 12


@pytest.fixture(scope="package")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    """Webserver and daemon over 12 records and a damaged one; at the end no process of theirs is left."""
    folder = tmp_path_factory.mktemp("ui")
    source = write_source(folder / "source")
    # Plain torch: XLA would compile for a minute here, and is launched the same way in test_live_run.
    experiment = write_experiment(folder, "tiny", epochs=3, runtime="torch")
    variables = {"ECG_SOURCE": str(source), "ECG_EXPERIMENT": str(experiment)}
    with platform(folder, folder / "data_root", daemon=True, **variables) as running:
        yield running
    try:
        until(lambda: not processes(running), 30, "the end of all that `make ui` started")
    finally:
        for pid in processes(running):
            os.kill(pid, signal.SIGKILL)


@pytest.fixture(scope="package")
def playwright() -> Iterator[Playwright]:
    """One for all browsers here: it runs an event loop, beside which there can be no other until it is stopped."""
    with sync_playwright() as running:
        yield running


@pytest.fixture(scope="package")
def browser(playwright: Playwright) -> Iterator[Browser]:
    """Chromium."""
    with chromium(playwright) as running:
        yield running


@pytest.fixture
def page(live: Live, browser: Browser, request: pytest.FixtureRequest) -> Iterator[Page]:
    """A tab of the browser."""
    with tab(browser, live.server.url, str(request.node.name).removeprefix("test_")) as opened:
        yield opened


@pytest.fixture(scope="package")
def everything(live: Live, browser: Browser) -> Everything:
    """All assets, materialised from the UI; the run has ended well."""
    with tab(browser, live.server.url, "materialize_all") as opened:
        return materialize_everything(opened, live)


def write_source(folder: Path) -> Path:
    """12 synthetic records, in all three splits, and a 13th whose lead aVF has a name that does not exist."""
    write_synthetic_source(folder, RECORDS + 1, 0, quiet)
    damaged = sorted((folder / "train").rglob("*.csv"))[-1]
    damaged.write_text(damaged.read_text("utf-8").replace("aVF", "aVG", 1), "utf-8")
    return folder
