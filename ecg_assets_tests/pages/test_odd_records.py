"""Odd records among sound ones, from CSV to samples: each has a page and a note, or a reason; no shard crashes."""

import json
import shutil
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest

from ecg_assets.pages.mask_check import disagreement
from ecg_assets.pages.paths import layout_path
from ecg_assets.records.index import read_index
from ecg_assets.records.record import LEADS
from ecg_assets.samples.config import SamplesConfig
from ecg_assets.samples.reader import SampleReader
from ecg_assets.store.root import DataRoot
from ecg_assets_tests.conftest import CLEAN_PAGES, make_root

FS_HZ = 500
SAMPLES = np.arange(10 * FS_HZ)
Signal = npt.NDArray[np.float64]

# Name -> V4 and II, and the note that its page's layout has for them.
ODD: dict[str, tuple[Signal, str]] = {
    "flat": (np.zeros(len(SAMPLES)), "flat_panels"),
    "spikes": (np.where(SAMPLES % 50 == 0, -19.0, 19.0), "off_page_panels"),
    "one-sample": (np.where(SAMPLES == 4000, 0.5, np.nan), "partial_panels"),
    "gaps": (np.where((SAMPLES % 700 < 100) | (SAMPLES < 30), np.nan, 0.01 * (SAMPLES % 9)), "partial_panels"),
    "20-mv": (np.where(SAMPLES // 500 == 8, 20.0, 0.01 * (SAMPLES % 7)), "off_page_panels"),
}
MISSING = "none-at-all"


def write(folder: Path, name: str, leads: dict[str, Signal]) -> None:
    place = folder / "train" / name
    place.mkdir(parents=True)
    beat = np.exp(-(((SAMPLES / FS_HZ % 0.8) - 0.4) ** 2) / 0.0003)
    pd.DataFrame({lead: leads.get(lead, beat) for lead in LEADS}).round(3).to_csv(place / f"{name}.csv", index=False)


@pytest.fixture(scope="module")
def root(synthetic_source: Path, tmp_path_factory: pytest.TempPathFactory) -> DataRoot:
    """The odd records beside 24 sound ones, everything made up to the samples."""
    folder = tmp_path_factory.mktemp("odd")
    for name, (values, _) in ODD.items():
        write(folder, name, {"V4": values, "II": values})
    write(folder, MISSING, dict.fromkeys(LEADS, np.full(len(SAMPLES), np.nan)))
    sound = pd.read_csv(synthetic_source / "train.csv", dtype=str)
    for record_id in sound["id"]:
        shutil.copytree(synthetic_source / "train" / record_id, folder / "train" / record_id)
    odd = pd.DataFrame({"id": [*ODD, MISSING], "fs": FS_HZ, "sig_len": len(SAMPLES)})
    pd.concat([sound, odd.astype(str)]).to_csv(folder / "train.csv", index=False)
    return make_root(folder, folder, CLEAN_PAGES, SamplesConfig(crop_px=128, recipes={"clean": 1, "damaged": 1}))


def test_each_odd_record_has_a_page_and_a_note_or_a_reason(root: DataRoot) -> None:
    index = read_index(root).set_index("id")
    assert (index["status"] == "accepted").sum() >= 24
    for name, (_, note) in ODD.items():
        row = index.loc[name]
        if row["status"] == "quarantined":
            assert len(row["reason"]) > 20
            continue
        layout = json.loads(layout_path(root, name).read_text())
        assert {"V4", "II"} & set(layout[note]), (name, note)
        assert disagreement(root, name) is None


def test_a_record_without_any_lead_is_quarantined_with_a_reason(root: DataRoot) -> None:
    row = read_index(root).set_index("id").loc[MISSING]
    assert row["status"] == "quarantined"
    assert "holds no number at all" in row["reason"]


def test_samples_are_made_of_all_that_was_accepted(root: DataRoot) -> None:
    reader = SampleReader(root.dataset, None)
    ids = {reader[number].record_id for number in range(len(reader))}
    index = read_index(root)
    assert ids == set(index.loc[index["status"] == "accepted", "id"])
