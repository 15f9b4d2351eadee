"""What people do in the UI: open its pages, start runs with a config, look at plots; and pictures of it."""

import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml
from playwright.sync_api import Browser, Locator, Page, Playwright

from ecg_assets_tests.integration.live import CHECKOUT

SCREENSHOTS = CHECKOUT / "screenshots"
PATIENCE_MS = 60_000
_SIZE = {"width": 1500, "height": 1000}


@contextmanager
def chromium(playwright: Playwright, *arguments: str) -> Iterator[Browser]:
    """Debian's browser, headless, with these arguments of its own."""
    path = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    assert path, "no Chromium in PATH: apt install chromium"
    browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox", *arguments])
    yield browser
    browser.close()


@contextmanager
def tab(browser: Browser, url: str, name: str) -> Iterator[Page]:
    """A page of the UI at `url`; what it shows at the end is kept as `screenshots/<name>.png`, failed or not."""
    page = browser.new_page(viewport=_SIZE, base_url=url)  # type: ignore[arg-type]  # it wants its own TypedDict
    page.set_default_timeout(PATIENCE_MS)
    try:
        yield page
    finally:
        shot(page, name)
        page.close()


def shot(page: Page, name: str) -> Path:
    """Keeps what the page shows as `screenshots/<name>.png`."""
    path = SCREENSHOTS / f"{name}.png"
    page.screenshot(path=path)
    return path


def visit(page: Page, path: str) -> None:
    """Opens a page of the UI; its content comes later, so wait for what is looked for."""
    page.goto(path, wait_until="domcontentloaded")


def launch_with(page: Page, button: str, config: dict[str, Any]) -> str:
    """Opens the launchpad beside the button (`Materialize` or `Materialize all`), starts a run; its id."""
    labelled(page, button).first.locator("xpath=following::button[1]").click()
    page.get_by_text("Open launchpad").click()
    launchpad = page.get_by_role("dialog").filter(has_text="Launchpad").last
    editor = launchpad.locator(".CodeMirror").last
    editor.wait_for()
    editor.evaluate("(editor, text) => editor.CodeMirror.setValue(text)", yaml.safe_dump(config))
    launchpad.get_by_text("No errors").wait_for()
    labelled(launchpad, "Materialize").click()
    page.wait_for_url(re.compile("/runs/"))
    run_id = page.url.rpartition("/")[2]
    page.goto("about:blank")  # a run's page that is left open draws its timeline with half a core
    return run_id


def labelled(where: Page | Locator, label: str) -> Locator:
    """Buttons with this text; the icon beside it has a name too, which is left out."""
    return where.locator("button").filter(has_text=re.compile(f"^{label}$"))


def plot(page: Page, key: str) -> bytes:
    """The plot of one metadata key on the asset's page that is open, as PNG; nothing when there is none yet."""
    page.get_by_text("Plots", exact=True).click()
    page.locator("canvas").first.wait_for()
    heading = page.get_by_text(key, exact=True)
    if not heading.count():
        return b""
    box = heading.first.locator("xpath=ancestor::div[.//canvas][1]")
    box.scroll_into_view_if_needed()
    return box.screenshot(animations="disabled")
