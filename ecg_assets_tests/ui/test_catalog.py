"""The catalog and the assets' pages: what there is, who answers for it, how it looks, what was refused and why."""

import dagster as dg
import pytest
from playwright.sync_api import Page, expect

from ecg_assets.assets.owners import OWNERS
from ecg_assets.definitions import definitions
from ecg_assets_tests.integration.test_definitions import ASSETS
from ecg_assets_tests.ui.browser import PATIENCE_MS, visit
from ecg_assets_tests.ui.conftest import RECORDS
from ecg_assets_tests.ui.everything import Everything

pytestmark = [pytest.mark.browser, pytest.mark.timeout(1200)]


@pytest.fixture(scope="module")
def repository() -> dg.RepositoryDefinition:
    return definitions().get_repository_def()


def test_the_catalog_shows_each_asset_s_group_kinds_and_description(
    page: Page, repository: dg.RepositoryDefinition
) -> None:
    visit(page, "/assets")
    for name in ASSETS:
        node = repository.asset_graph.get(dg.AssetKey(name))
        row = page.locator(f"a[href='/assets/{name}']").locator("xpath=ancestor::div[contains(., 'ecg_assets')][1]")
        expect(row).to_contain_text(str(node.description), timeout=PATIENCE_MS)
        expect(row.get_by_text(node.group_name, exact=True)).to_be_visible()
        for kind in node.kinds - {"csv", "parquet", "arrow"}:  # these have an icon instead of a name
            expect(row.get_by_text(kind, exact=True)).to_be_visible()


@pytest.mark.parametrize(("name", "group"), [("raw_csvs", "data"), ("champion", "training")])
def test_an_asset_s_page_names_its_owner_and_kinds(
    page: Page, repository: dg.RepositoryDefinition, name: str, group: str
) -> None:
    visit(page, f"/assets/{name}")
    owner = OWNERS[group][0].removeprefix("team:")
    expect(page.get_by_text(owner, exact=True).first).to_be_visible(timeout=PATIENCE_MS)
    expect(page.get_by_text(str(repository.asset_graph.get(dg.AssetKey(name)).description)).first).to_be_visible()


def test_the_page_of_rendered_waves_has_a_contact_sheet(page: Page, everything: Everything) -> None:
    visit(page, "/assets/rendered_waves")
    expect(page.get_by_text(f"{RECORDS} pages", exact=True).first).to_be_visible(timeout=PATIENCE_MS)
    page.get_by_text("Show Markdown").first.click()
    image = page.locator("img[src^='data:image/']").first
    expect(image).to_be_visible()
    assert image.evaluate("image => image.complete && image.naturalWidth") > 600


def test_why_a_record_was_refused_can_be_read_on_the_page_of_raw_csvs(page: Page, everything: Everything) -> None:
    visit(page, "/assets/raw_csvs")
    expect(page.get_by_text(f"{RECORDS} records accepted, 1 quarantined").first).to_be_visible(timeout=PATIENCE_MS)
    reason = page.get_by_text("90000013.csv lacks aVF and has ['aVG']; expected all of I, II, III")
    expect(reason.first).to_be_in_viewport()  # nobody has to scroll for it
