"""Switching on what starts runs by itself."""

import pytest
from playwright.sync_api import Page, expect

from ecg_assets_tests.integration.live import until
from ecg_assets_tests.integration.live_training import Live
from ecg_assets_tests.ui.browser import PATIENCE_MS, shot, visit

pytestmark = [pytest.mark.browser, pytest.mark.timeout(1200)]

_STATE = """
query State($selector: ScheduleSelector!) {
  scheduleOrError(scheduleSelector: $selector) { ... on Schedule { scheduleState { status nextTick { timestamp } } } }
}
"""


def state_of(live: Live, schedule: str) -> str:
    selector = {
        "repositoryLocationName": live.server.location,
        "repositoryName": "__repository__",
        "scheduleName": schedule,
    }
    state = live.server.query(_STATE, selector=selector)["scheduleOrError"]["scheduleState"]
    return str(state["status"])


def test_a_click_switches_the_nightly_rebuild_on_and_another_one_off(live: Live, page: Page) -> None:
    assert state_of(live, "nightly_rebuild") == "STOPPED"
    visit(page, "/automation")
    row = page.locator("[data-index]").filter(has_text="nightly_rebuild")
    switch = row.locator("label[class*=formatSwitch]")  # the other box selects the row
    expect(switch.locator("input")).not_to_be_checked(timeout=PATIENCE_MS)
    switch.click()
    expect(switch.locator("input")).to_be_checked(timeout=PATIENCE_MS)
    until(lambda: state_of(live, "nightly_rebuild") == "RUNNING", 30, "the schedule to be on")
    shot(page, "schedule_on")
    switch.click()
    until(lambda: state_of(live, "nightly_rebuild") == "STOPPED", 30, "the schedule to be off")
    assert state_of(live, "weekly_retraining") == "STOPPED"
