"""Materialize all, clicked in the lineage."""

import dagster as dg
import pytest
from playwright.sync_api import Page, expect

from ecg_assets_tests.integration.live import instance_of, status_of
from ecg_assets_tests.integration.live_training import SUCCESS, Live, trainer_group
from ecg_assets_tests.integration.test_definitions import ASSETS
from ecg_assets_tests.ui.browser import PATIENCE_MS, visit
from ecg_assets_tests.ui.conftest import RECORDS
from ecg_assets_tests.ui.everything import Everything

pytestmark = [pytest.mark.browser, pytest.mark.timeout(1200)]

# In these there is nothing to see without scans, or they are weights.
PICTURED = set(ASSETS) - {"champion", "kaggle_subset", "scan_segmentations", "digitized_signals"}


def test_materialize_all_ends_green_with_every_asset_made_and_pictured(live: Live, everything: Everything) -> None:
    with instance_of(live.home) as instance:
        assert status_of(instance, everything.run_id) == SUCCESS
        entries = instance.all_logs(everything.run_id, of_type=dg.DagsterEventType.ASSET_MATERIALIZATION)
        made = {one.asset_key.to_user_string(): one for entry in entries if (one := entry.asset_materialization)}
    assert set(made) == set(ASSETS)
    for key in PICTURED:
        assert "data:image/" in str(made[key].metadata["picture"].value), key
    assert made["raw_csvs"].metadata["by_split"].value == {"test": 2, "train": 7, "validation": 3}
    assert made["rendered_waves"].metadata["pages"].value == RECORDS
    assert trainer_group(live.data_root) is None


def test_the_epochs_are_in_the_log_while_the_run_is_under_way(everything: Everything) -> None:
    assert everything.status_at_an_epoch == dg.DagsterRunStatus.STARTED
    assert everything.epochs == [1, 2, 3]


def test_the_list_of_runs_shows_it_as_a_success(page: Page, everything: Everything) -> None:
    visit(page, "/runs")
    row = page.locator("tr, [data-index]").filter(has_text=everything.run_id[:8])
    expect(row.first).to_contain_text("Success", timeout=PATIENCE_MS)
