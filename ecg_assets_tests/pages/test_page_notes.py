"""What is noted of pages comes back from the manifest as it was; what another version noted does not."""

import json
from typing import Any

import pytest

from ecg_assets.pages.page_notes import Drawn, as_columns, drawn_before
from ecg_assets.store.manifest import BY_RECORD, Manifest

PAGES = {
    "2": Drawn("k2", "kaggle", 10, 100, ("empty_panels", "flat_panels")),
    "1": Drawn("k1", "cabrera", 20, 200, ()),
    "3": Drawn("k3", "kaggle", 30, 300, ("flat_panels",)),
}


def held(noted: Any) -> Manifest:
    return Manifest(stage="s", fingerprint="f", info={BY_RECORD: noted})


@pytest.mark.parametrize("pages", [PAGES, {}])
def test_notes_come_back_from_json(pages: dict[str, Drawn]) -> None:
    noted = as_columns(pages)
    assert drawn_before(held(json.loads(json.dumps(noted)))) == pages
    assert noted["id"] == sorted(pages)


@pytest.mark.parametrize(
    "noted",
    [
        {"1": {"key": "k1", "style": "cabrera", "wave_pixels": 20, "pixels": 200, "notes": []}},
        as_columns(PAGES) | {"key": ["k1"]},
        as_columns(PAGES) | {"pixels": None},
        {},
        [],
    ],
)
def test_other_notes_are_none_and_all_pages_are_drawn(noted: Any) -> None:
    assert drawn_before(held(noted)) == {}
    assert drawn_before(Manifest(stage="s", fingerprint="")) == {}
