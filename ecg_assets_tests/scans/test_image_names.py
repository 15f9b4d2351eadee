"""Names after which no results can be named are told and left out; the other images are read."""

import os
import shutil
from pathlib import Path

import pytest

from ecg_assets.scans.image_names import MOST_BYTES, name_problem, shown_name
from ecg_assets.scans.inbox import image_names, inbox, left_out
from ecg_assets.scans.stage import outputs, segment_inbox
from ecg_assets.store.root import DataRoot, open_root
from ecg_assets_tests.conftest import AdviceGiven
from ecg_assets_tests.scans.test_stage import checkpoint, put

LONG, FITS = f"{'a' * 240}.png", f"{'b' * (MOST_BYTES - 4)}.png"
UNFIT = {
    LONG: f"its name has 244 bytes, expected at most {MOST_BYTES}; rename it",
    "caf\udce9.png": "its name is no UTF-8; rename it",
    "back\\slash.png": "its name holds a backslash or a control character; rename it",
    "two\nlines.png": "its name holds a backslash or a control character; rename it",
    "pipe.png": "it is a named pipe and no file; put the image itself there",
}


@pytest.fixture
def root(tmp_path: Path) -> DataRoot:
    root = open_root(tmp_path / "data_root")
    put(root, FITS)
    for name in UNFIT:
        if name == "pipe.png":
            os.mkfifo(inbox(root) / name)
        else:
            (inbox(root) / name).write_bytes((inbox(root) / FITS).read_bytes())
    return root


def test_they_are_told_and_one_of_the_longest_name_that_fits_is_segmented(root: DataRoot, tmp_path: Path) -> None:
    lines: list[str] = []
    report = segment_inbox(root, checkpoint(tmp_path), lines.append)
    assert report.made == [FITS]
    assert report.unreadable == {shown_name(name): why for name, why in UNFIT.items()}
    assert all(path.is_file() for place in outputs(root).values() for path in place.paths)
    for name, why in UNFIT.items():
        assert f"scan_segmentations: {shown_name(name)} is left out: {why}" in lines
    assert "\n".join(lines).encode().isascii()


def test_an_inbox_of_such_names_alone_holds_no_image(root: DataRoot) -> None:
    (inbox(root) / FITS).unlink()
    assert image_names(root) == []
    assert len(left_out(root)) == len(UNFIT)


@pytest.mark.advice("scans/image_names.py", "its name is no UTF-8; rename it")
@pytest.mark.advice("scans/image_names.py", "its name holds a backslash or a control character; rename it")
@pytest.mark.advice("scans/image_names.py", " bytes, expected at most ", "; rename it")
@pytest.mark.advice("scans/inbox.py", " and no file; put the image itself there")
@pytest.mark.advice("scans/inbox.py", "it is a link out of the inbox; copy what it leads to there")
def test_what_was_left_out_is_among_the_images_once_it_is_renamed_or_is_a_file(
    root: DataRoot, tmp_path: Path, advice: AdviceGiven
) -> None:
    picture, link = (inbox(root) / FITS).read_bytes(), inbox(root) / "link.png"
    (tmp_path / "elsewhere.png").write_bytes(picture)
    link.symlink_to(tmp_path / "elsewhere.png")
    advice.in_message("\n".join(left_out(root).values()))
    for number, name in enumerate(UNFIT):
        if name == "pipe.png":
            (inbox(root) / name).unlink()
            (inbox(root) / name).write_bytes(picture)
        else:
            (inbox(root) / name).rename(inbox(root) / f"renamed-{number}.png")
    link.unlink()
    shutil.copy(tmp_path / "elsewhere.png", link)
    assert left_out(root) == {}
    assert {FITS, "link.png", "pipe.png"} < set(image_names(root))
    assert len(image_names(root)) == len(UNFIT) + 2


@pytest.mark.parametrize(
    "name", ["Screenshot at 3.45.12\u202fPM.png", "b&w <1>.png", "日本.png", "a b/c.d.png", "é.png"]
)
def test_other_odd_names_are_fine(name: str) -> None:
    assert name_problem(name) is None
    assert shown_name(name) == name
