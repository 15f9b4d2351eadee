"""The lineage graph."""

import re

import pytest
from playwright.sync_api import Page, expect

from ecg_assets_tests.integration.test_definitions import ASSETS
from ecg_assets_tests.ui.browser import PATIENCE_MS, labelled, visit

pytestmark = [pytest.mark.browser, pytest.mark.timeout(1200)]


def test_the_lineage_shows_all_assets_and_an_arrow_for_each_dependency(page: Page) -> None:
    visit(page, "/asset-groups")
    expect(labelled(page, "Materialize all")).to_be_visible(timeout=PATIENCE_MS)
    groups = [re.compile("^data"), re.compile("^scans"), re.compile("^training")]  # each with its counts
    expect(page.locator("foreignObject.group")).to_have_text(groups, timeout=PATIENCE_MS)
    page.keyboard.press("Alt+e")  # expand all groups
    drawn = page.locator("foreignObject:not(.group)").filter(has_text=re.compile("."))
    expect(drawn).to_have_count(len(ASSETS))
    for name, shown in zip(sorted(ASSETS), sorted(drawn.all_text_contents()), strict=True):
        start, _, end = shown.partition("…")  # long names lose their middle
        assert name.startswith(start) and name.endswith(end)
    expect(page.locator("path[marker-end]")).to_have_count(sum(map(len, ASSETS.values())))
