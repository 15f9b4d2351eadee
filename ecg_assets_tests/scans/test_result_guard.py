"""Results take the place of nothing but earlier results of the same picture by the same command."""

import json
from pathlib import Path

import pytest

from ecg_assets.scans.result_guard import PICTURE_SHA256, ResultGuard
from ecg_assets.store.fingerprint import sha256_file
from ecg_assets.store.overwriting import OverwriteError, refuse_overwriting


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    path = tmp_path / "in" / "page.png"
    path.parent.mkdir()
    path.write_bytes(b"picture")
    return path


def results(folder: Path) -> tuple[list[Path], Path]:
    folder.mkdir(exist_ok=True)
    return [folder / "page.csv", folder / "page.json"], folder / "page.json"


def test_nothing_there_and_own_results_again_are_free(picture: Path, tmp_path: Path) -> None:
    paths, info = results(tmp_path / "out")
    ResultGuard([picture], "fs_hz", overwrite=False).claim(picture, paths, info)
    for facts in (
        {"file": "page.png", "fs_hz": 500, PICTURE_SHA256: sha256_file(picture)},
        {"file": "page.png", "fs_hz": 500},
    ):
        paths[0].write_text("I,II\n")
        info.write_text(json.dumps(facts))
        ResultGuard([picture], "fs_hz", overwrite=False).claim(picture, paths, info)


@pytest.mark.parametrize(
    "said",
    [
        None,
        "not JSON",
        "[]",
        {"file": "other.png", "fs_hz": 500},
        {"file": "page.png", "class_shares": {}},
        {"file": "page.png", "fs_hz": 500, PICTURE_SHA256: "of another picture of this name"},
    ],
)
def test_anything_else_is_refused_by_name_unless_it_may_be_overwritten(
    picture: Path, tmp_path: Path, said: str | dict[str, object] | None
) -> None:
    paths, info = results(tmp_path / "out")
    paths[0].write_text("made by hand")
    if said is not None:
        info.write_text(said if isinstance(said, str) else json.dumps(said))
    with pytest.raises(OverwriteError, match=r"page\.png: its result .*page\.csv is there already .* --overwrite"):
        ResultGuard([picture], "fs_hz", overwrite=False).claim(picture, paths, info)
    ResultGuard([picture], "fs_hz", overwrite=True).claim(picture, paths, info)


def test_an_input_is_refused_through_links_and_other_spellings(picture: Path, tmp_path: Path) -> None:
    paths, info = results(tmp_path / "out")
    truth = tmp_path / "in" / "truth.csv"
    truth.write_text("I,II\n")
    paths[0].symlink_to(truth)
    info.write_text(json.dumps({"file": "page.png", "fs_hz": 500}))
    given = picture.parent / ".." / "in" / "truth.csv"
    with pytest.raises(OverwriteError, match=r"page\.csv is .*truth\.csv, which this command reads"):
        ResultGuard([picture, given], "fs_hz", overwrite=False).claim(picture, paths, info)


def test_two_pictures_never_share_a_result(picture: Path, tmp_path: Path) -> None:
    other = tmp_path / "page.png"
    other.write_bytes(b"other")
    paths, info = results(tmp_path / "out")
    guard = ResultGuard([picture, other], "fs_hz", overwrite=True)
    guard.claim(picture, paths, info)
    with pytest.raises(OverwriteError, match=r"is that of .*in/page\.png too"):
        guard.claim(other, [tmp_path / "out" / "." / "page.csv"], info)


def test_one_result_of_a_command_must_not_be_an_input_or_lie_among_them(tmp_path: Path) -> None:
    folder = tmp_path / "predictions"
    folder.mkdir()
    record, table = folder / "1.csv", tmp_path / "test.csv"
    for path in (record, table):
        path.write_text("x")
    refuse_overwriting(folder / "new.parquet", [table, folder])
    refuse_overwriting(tmp_path / "elsewhere.csv", [table, folder])
    with pytest.raises(OverwriteError, match="is an input of this command"):
        refuse_overwriting(folder / ".." / "test.csv", [table, folder])
    with pytest.raises(OverwriteError, match=r"1\.csv is there already and lies among the inputs .* --overwrite"):
        refuse_overwriting(record, [table, folder])
