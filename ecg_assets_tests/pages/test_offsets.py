"""Leads far off zero are printed where carts print them; the pages of all other records stay what they were."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from ecg_assets.pages.config import PagesConfig
from ecg_assets.pages.mask_check import disagreement
from ecg_assets.pages.paths import layout_path, mask_path, page_path
from ecg_assets.pages.stage import plan_pages, render_pages
from ecg_assets.records.baseline import LEAST_OFFSET_MV
from ecg_assets.records.ingest import ingest
from ecg_assets.records.record import LEADS
from ecg_assets.records.sources.config import SourceConfig
from ecg_assets.store.root import DataRoot, open_root
from ecg_assets_tests.conftest import quiet
from ecg_assets_tests.records.einthoven import Signal, beats_mv

FS_HZ = 250
PAGES = PagesConfig(styles="kaggle")
SHIFTED = {"I": 4.0, "aVL": -3.0, "V2": 6.5}


def write(folder: Path, records: dict[str, Signal]) -> Path:
    for name, signal in records.items():
        place = folder / "train" / name
        place.mkdir(parents=True, exist_ok=True)
        pd.DataFrame(dict(zip(LEADS, signal, strict=True))).round(3).to_csv(place / f"{name}.csv", index=False)
    table = pd.DataFrame({"id": list(records), "fs": FS_HZ, "sig_len": 10 * FS_HZ})
    table.to_csv(folder / "train.csv", index=False)
    return folder


def shifted(signal: Signal, offsets_mv: dict[str, float]) -> Signal:
    return np.stack([values + offsets_mv.get(lead, 0.0) for lead, values in zip(LEADS, signal, strict=True)])


def made(folder: Path, records: dict[str, Signal]) -> DataRoot:
    root = open_root(folder / "data")
    ingest(root, SourceConfig(source=str(write(folder / "source", records))), quiet)
    render_pages(root, PAGES, 1, quiet)
    return root


def test_an_offset_is_taken_off_for_print_and_kept_in_the_notes(tmp_path: Path) -> None:
    plain = beats_mv(FS_HZ)
    centred = plain - np.median(plain, axis=1, keepdims=True)
    root = made(tmp_path, {"8": shifted(centred, SHIFTED)})
    layout = json.loads(layout_path(root, "8").read_text())
    assert {lead: round(value, 2) for lead, value in layout["baselines_mv"].items()} == SHIFTED
    assert layout["off_page_panels"] == []
    assert disagreement(root, "8") is None
    centred_root = made(tmp_path / "centred", {"8": centred})
    masks = [np.asarray(Image.open(mask_path(one, "8"))) for one in (root, centred_root)]
    # The last bits of the offsets are rounded; a few pixels lie just at half coverage.
    assert np.mean(masks[0] != masks[1]) < 1e-4 < np.mean(masks[0] > 0)
    kept = pd.read_csv(root.ori_csv / "train" / "8" / "8.csv")
    assert kept["V2"].median() == pytest.approx(6.5, abs=0.01)


def test_smaller_offsets_are_printed_as_they_are_and_such_pages_stay_current(tmp_path: Path) -> None:
    sound = shifted(beats_mv(FS_HZ), {"V1": 0.9 * LEAST_OFFSET_MV})
    root = made(tmp_path, {"7": sound})
    layout = json.loads(layout_path(root, "7").read_text())
    assert "baselines_mv" not in layout
    assert not any("baseline_mv" in panel for panel in layout["panels"])
    assert next(task.fingerprint for task in plan_pages(root, PAGES) if task.records) == FROZEN


# Of record 7 before offsets were taken off: such a shard is current as long as it stays.
FROZEN = "0e69da2de0586eb28f9fcda3fdb1a194e5b26e3a6e1d73077f7b57b3e8322ff9"


def test_a_record_that_gets_an_offset_redraws_its_own_page_alone(tmp_path: Path) -> None:
    sound = beats_mv(FS_HZ)
    root = made(tmp_path, {"7": sound, "8": sound * 0.9})
    before = {name: page_path(root, name).stat().st_mtime_ns for name in ("7", "8")}
    ingest(
        root, SourceConfig(source=str(write(tmp_path / "source", {"7": sound, "8": shifted(sound, SHIFTED)}))), quiet
    )
    report = render_pages(root, PAGES, 1, quiet)
    assert report.made_total("drawn") == 1
    assert page_path(root, "7").stat().st_mtime_ns == before["7"]
    assert page_path(root, "8").stat().st_mtime_ns > before["8"]
    assert report.total("baselines_mv") == 1


def test_a_trace_that_reaches_another_row_is_told(tmp_path: Path) -> None:
    tall = beats_mv(FS_HZ)
    tall[7, 1300:1304] = 9.0
    root = made(tmp_path, {"7": beats_mv(FS_HZ), "9": tall})
    report = render_pages(root, PAGES, 1, quiet)
    assert report.total("off_row_panels") == 1
