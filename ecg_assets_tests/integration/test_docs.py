"""The documentation names what people can set and start, and links to files that are there."""

import re

import pytest

from ecg_assets.cli import main
from ecg_assets_tests.integration.live import CHECKOUT

PAGES = {path.name: path.read_text("utf-8") for path in (CHECKOUT / "README.md", *(CHECKOUT / "docs").glob("*.md"))}
# What one process of the platform tells another.
INTERNAL = {"ECG_LAUNCH", "ECG_LAUNCHER_PID", "ECG_TRAINER_BEGUN_AGAIN", "ECG_HELD_LOCKS"}


def test_every_variable_stands_in_the_table_of_the_readme() -> None:
    code = "\n".join(path.read_text("utf-8") for path in (CHECKOUT / "ecg_assets").rglob("*.py"))
    named = set(re.findall(r"\"(ECG_[A-Z_]+)\"", code)) - INTERNAL
    assert len(named) > 5
    assert named == set(re.findall(r"^\| `(ECG_[A-Z_]+)` \|", PAGES["README.md"], re.MULTILINE))


@pytest.mark.parametrize("command", sorted(main.commands))
def test_every_command_is_told_of(command: str) -> None:
    assert any(re.search(rf"(ecg-assets |`){command}\b", text) for text in PAGES.values())


@pytest.mark.parametrize("page", sorted(PAGES))
def test_links_and_pictures_are_there(page: str) -> None:
    folder = CHECKOUT if page == "README.md" else CHECKOUT / "docs"
    targets = [one.partition("#")[0] for one in re.findall(r"\]\(([^)\s]+)\)", PAGES[page])]
    missing = [one for one in targets if one and "://" not in one and not (folder / one).exists()]
    assert missing == []
