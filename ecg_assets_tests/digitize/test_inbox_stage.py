"""The inbox: every picture is read once by a version of the reader, refusals are told, gone ones are forgotten."""

import json
import shutil
from pathlib import Path

import pytest
from PIL import Image

from ecg_assets.digitize.benchmark.rendered_pages import Trial, draw_trial, records_of_split
from ecg_assets.digitize.inbox_stage import InboxReport, check_sheet, digitize_inbox, results
from ecg_assets.digitize.interface import Reader
from ecg_assets.digitize.signals_csv import read_signals
from ecg_assets.store.root import DataRoot, open_root
from ecg_assets_tests.conftest import quiet
from ecg_assets_tests.digitize.readers import KnownReader, KnownReading, Rgb


@pytest.fixture(scope="module")
def known() -> list[Trial]:
    return [draw_trial(record, "clean", "coarse-print") for record in records_of_split("test", 2)]


@pytest.fixture
def root(tmp_path: Path, known: list[Trial]) -> DataRoot:
    """Two pages in the inbox, one of them in a folder, and a picture that is not an ECG."""
    root = open_root(tmp_path / "data_root")
    inbox = root.scans / "inbox"
    (inbox / "more").mkdir(parents=True)
    Image.fromarray(known[0].picture_hwc).save(inbox / "page.png")
    Image.fromarray(known[1].picture_hwc).save(inbox / "more" / "photo.png")
    Image.new("RGB", (400, 300), "green").save(inbox / "cat.png")
    return root


def read(root: DataRoot, reader: Reader, version: str = "1", layout: str = "auto") -> InboxReport:
    return digitize_inbox(root, lambda: reader, version, 250, layout, quiet)


def test_each_picture_gets_signals_facts_and_two_pictures(root: DataRoot, known: list[Trial]) -> None:
    report = read(root, KnownReader(known))
    assert report.read == ["more/photo.png", "page.png"]
    assert report.refused == {"cat.png": "no grid was found; expected a paper ECG"}
    signal_mv, fs_hz = read_signals(results(root) / "page.csv")
    assert (signal_mv.shape, fs_hz) == ((12, 2500), 250)
    facts = json.loads((results(root) / "more" / "photo.json").read_text())
    assert facts == {"file": "photo.png", "fs_hz": 256, "layout": "3x4+1"}
    for name in ("page_rectified.png", "page_check.png"):
        with Image.open(results(root) / name) as picture:
            assert picture.width > 100
    assert not list(results(root).glob("cat*"))
    assert check_sheet(root, report.read).startswith(b"\x89PNG")


def test_current_pictures_are_skipped_until_picture_version_or_setting_changes(
    root: DataRoot, known: list[Trial]
) -> None:
    reader = KnownReader(known)
    first, again = read(root, reader), read(root, reader)
    assert again.each.made == []
    assert again.each.skipped == ["cat.png", "more/photo.png", "page.png"]
    assert (again.refused, again.each.digest) == (first.refused, first.each.digest)
    assert reader.asked == 3  # what was refused is not tried again either
    shutil.copy(root.scans / "inbox" / "page.png", root.scans / "inbox" / "cat.png")
    assert read(root, reader).each.made == ["cat.png"]
    assert len(read(root, reader, version="2").each.made) == 3
    assert len(read(root, reader, version="2", layout="kaggle").each.made) == 3


def test_the_reader_is_not_loaded_when_there_is_nothing_to_read(root: DataRoot, known: list[Trial]) -> None:
    read(root, KnownReader(known))

    def load() -> Reader:
        raise AssertionError("loaded")

    digitize_inbox(root, load, "1", 250, "auto", quiet)


def test_results_of_a_picture_that_is_gone_or_refused_now_are_removed(root: DataRoot, known: list[Trial]) -> None:
    read(root, KnownReader(known))
    (root.scans / "inbox" / "page.png").unlink()
    read(root, KnownReader(known))
    assert not list(results(root).glob("page*"))
    assert (results(root) / "more" / "photo.csv").exists()
    report = read(root, KnownReader([]), version="2")
    assert set(report.refused) == {"cat.png", "more/photo.png"}
    assert not list(results(root).rglob("*.csv"))


def test_a_broken_file_is_told_and_does_not_stop_the_others(root: DataRoot, known: list[Trial]) -> None:
    (root.scans / "inbox" / "broken.png").write_text("no image")
    report = read(root, KnownReader(known))
    assert "cannot be read as an image" in report.refused["broken.png"]
    assert len(report.read) == 2


def test_a_picture_on_which_the_reader_breaks_is_its_refusal_and_is_tried_again(
    root: DataRoot, known: list[Trial]
) -> None:
    class Breaking(KnownReader):
        def digitize_image(self, image_hwc: Rgb, *arguments: object) -> KnownReading:
            if image_hwc.shape[0] == 300:
                raise MemoryError("3.6 GB")
            return super().digitize_image(image_hwc)

    report = read(root, Breaking(known))
    assert report.read == ["more/photo.png", "page.png"]
    assert "cat.png cannot be read (MemoryError: 3.6 GB" in report.refused["cat.png"]
    assert report.each.failed.keys() == {"cat.png"}
    again = read(root, KnownReader(known))
    assert again.refused == {"cat.png": "no grid was found; expected a paper ECG"}
    assert again.each.skipped == ["more/photo.png", "page.png"]


def test_a_reader_that_cannot_be_loaded_is_no_picture_s_fault(root: DataRoot) -> None:
    def load() -> Reader:
        raise FileNotFoundError("weights")

    with pytest.raises(FileNotFoundError, match="weights"):
        digitize_inbox(root, load, "1", 250, "auto", quiet)


def test_an_interrupted_run_keeps_what_it_has_read(root: DataRoot, known: list[Trial]) -> None:
    class Interrupted(KnownReader):
        def digitize_image(self, *arguments: object) -> object:  # type: ignore[override]
            if self.asked == 2:
                raise KeyboardInterrupt
            return super().digitize_image(*arguments)  # type: ignore[arg-type]

    with pytest.raises(KeyboardInterrupt):
        read(root, Interrupted(known))  # type: ignore[arg-type]
    assert read(root, KnownReader(known)).each.skipped == ["cat.png", "more/photo.png"]
