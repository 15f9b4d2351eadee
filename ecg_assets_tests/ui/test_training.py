"""Training, as it is watched and cancelled."""

from collections.abc import Iterator
from dataclasses import dataclass

import dagster as dg
import pytest
from playwright.sync_api import Browser, Page, expect

from ecg_assets_tests.integration.live import instance_of, status_of, until
from ecg_assets_tests.integration.live_training import (
    CANCELED,
    ENDLESS,
    Live,
    epochs_seen,
    experiment_config,
    processes,
    trainer_group,
    wait_for_an_epoch,
    write_experiment,
)
from ecg_assets_tests.ui.browser import PATIENCE_MS, labelled, launch_with, plot, shot, tab, visit
from ecg_assets_tests.ui.everything import Everything

pytestmark = [pytest.mark.browser, pytest.mark.timeout(1200)]


@dataclass(frozen=True)
class Training:
    """A training that runs; `before` are the processes that were there without it."""

    run_id: str
    before: set[int]


@pytest.fixture(scope="module")
def training(
    live: Live, browser: Browser, everything: Everything, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Training]:
    """A training without an end, started from the UI; it has trained an epoch."""
    endless = write_experiment(tmp_path_factory.mktemp("endless"), "endless", **ENDLESS, runtime="torch")
    before = processes(live)
    with tab(browser, live.server.url, "training_started") as opened, instance_of(live.home) as instance:
        visit(opened, "/assets/trained_checkpoint")
        run_id = launch_with(opened, "Materialize", experiment_config(endless))
        wait_for_an_epoch(instance, run_id)
        yield Training(run_id, before)
        if status_of(instance, run_id) == dg.DagsterRunStatus.STARTED:
            live.server.terminate(run_id)


def test_the_curves_grow_while_the_network_trains(live: Live, page: Page, training: Training) -> None:
    visit(page, "/assets/trained_checkpoint")
    first = plot(page, "validation_loss")
    with instance_of(live.home) as instance:
        seen = len(epochs_seen(instance, training.run_id))
        until(lambda: len(epochs_seen(instance, training.run_id)) > seen + 2, 120, "three more epochs")
        assert status_of(instance, training.run_id) == dg.DagsterRunStatus.STARTED
    page.reload(wait_until="domcontentloaded")
    assert plot(page, "validation_loss") not in (b"", first)
    plot(page, "dice_wave")
    shot(page, "curves")


def test_a_training_terminated_in_the_dialog_ends_canceled_and_leaves_no_process(
    live: Live, page: Page, training: Training
) -> None:
    assert trainer_group(live.data_root) is not None
    assert len(processes(live) - training.before) >= 2, "the run's worker and the trainer"
    visit(page, f"/runs/{training.run_id}")
    expect(page.get_by_text("ASSET_OBSERVATION").first).to_be_visible(timeout=PATIENCE_MS)
    labelled(page, "Terminate").click()
    dialog = page.get_by_role("dialog").filter(has_text="Terminate runs")
    expect(dialog).to_be_visible()
    shot(page, "terminate_dialog")
    labelled(dialog, "Terminate 1 run").click()
    expect(page.get_by_text("Canceled", exact=True).first).to_be_visible(timeout=PATIENCE_MS)
    until(lambda: not processes(live) - training.before, 30, "the end of the trainer and its worker")
    with instance_of(live.home) as instance:
        assert status_of(instance, training.run_id) == CANCELED
