"""Materialize all, as people start it."""

from dataclasses import dataclass

import dagster as dg
from playwright.sync_api import Page, expect

from ecg_assets_tests.integration.live import instance_of, status_of, until
from ecg_assets_tests.integration.live_training import FAILURE, SUCCESS, Live, epochs_seen, wait_for_an_epoch
from ecg_assets_tests.ui.browser import PATIENCE_MS, launch_with, visit

RUN_S = 480.0
CONFIG = {
    "ops": {
        "mixed_dataset": {"config": {"positives": 2}},
        "digitization_report": {"config": {"recipes": ["clean"]}},  # reading a page takes ten seconds and more
    }
}


@dataclass(frozen=True)
class Everything:
    """A run that materialised all assets.

    Attributes:
        run_id: the run.
        status_at_an_epoch: what the run was when its log held an epoch.
        epochs: that its log holds in the end.
    """

    run_id: str
    status_at_an_epoch: dg.DagsterRunStatus
    epochs: list[int]


def materialize_everything(page: Page, live: Live) -> Everything:
    """Clicks, waits until the run has ended, and reads on its page that it has succeeded."""
    visit(page, "/asset-groups")
    run_id = launch_with(page, "Materialize all", CONFIG)
    with instance_of(live.home) as instance:
        wait_for_an_epoch(instance, run_id, RUN_S)
        status = status_of(instance, run_id)
        until(lambda: status_of(instance, run_id) in (SUCCESS, FAILURE), RUN_S, "the end of the run")
        visit(page, f"/runs/{run_id}")
        expect(page.get_by_text("Success", exact=True).first).to_be_visible(timeout=PATIENCE_MS)
        return Everything(run_id, status, epochs_seen(instance, run_id))
