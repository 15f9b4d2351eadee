"""Files that are there and files that are not, few or many in a folder."""

from pathlib import Path

import pytest

from ecg_assets.store import file_index as presence
from ecg_assets.store.file_index import Presence
from ecg_assets.store.safe_paths import all_inside, is_inside


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """`many` holds 0 to 199, `few` holds 0 to 9; a link that leads nowhere and one that leads somewhere in each."""
    for name, count in (("many", 200), ("few", 10)):
        (tmp_path / name).mkdir()
        for number in range(count):
            (tmp_path / name / str(number)).touch()
        (tmp_path / name / "lost").symlink_to("nowhere")
        (tmp_path / name / "kept").symlink_to("0")
    return tmp_path


def names(folder: str, count: int) -> list[str]:
    return [f"{folder}/{number}" for number in range(count)]


def test_what_is_missing_is_named_wherever_it_would_lie(folder: Path) -> None:
    asked = [
        *names("many", 205),
        "many/lost",
        "many/kept",
        *names("few", 12),
        "few/lost",
        "few/kept",
        "a",
        *names("b", 200),
    ]
    assert Presence(folder).missing(asked) == [
        *(f"many/{number}" for number in range(200, 205)), "many/lost", "many/kept", "few/10", "few/11", "few/lost",
        "few/kept", "a", *names("b", 200),
    ]  # fmt: skip


def test_a_folder_in_a_file_s_place_is_no_file_and_may_be_asked_for_itself(folder: Path) -> None:
    for one in ("many/0", "few/0"):
        (folder / one).unlink()
        (folder / one).mkdir()
    asked = [*names("many", 200), *names("few", 10), "many/0/", "few/0/", "few/1/", "many/", "lost/"]
    assert Presence(folder).missing(asked) == ["many/0", "few/0", "few/1/", "lost/"]


def test_names_without_a_folder_lie_at_the_top(folder: Path) -> None:
    for number in range(150):
        (folder / str(number)).touch()
    assert Presence(folder).missing(map(str, range(152))) == ["150", "151"]


def test_a_file_in_a_folder_s_place_holds_nothing(folder: Path) -> None:
    (folder / "file").touch()
    assert Presence(folder).missing([*names("file", 150), "file/x/y"]) == [*names("file", 150), "file/x/y"]


def test_a_folder_of_many_files_is_listed_once_and_one_of_few_not_at_all(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    listed: list[str] = []
    hashes_in = presence._hashes_in

    def noted(path: str, prefix: str) -> presence.Hashes:
        listed.append(Path(path).name)
        return hashes_in(path, prefix)

    monkeypatch.setattr(presence, "_hashes_in", noted)
    present = Presence(folder)
    for _ in range(3):
        assert present.missing([*names("many", 200), *names("few", 10)]) == []
    assert listed == ["many"]


@pytest.mark.parametrize("records", [150, 250])
def test_of_very_many_folders_one_that_is_there_counts_for_its_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, records: int
) -> None:
    monkeypatch.setattr(presence, "_FOLDERS_ENTERED", 200)
    asked = [f"train/{number}/{number}.csv" for number in range(records)]
    for name in asked[1:]:
        (tmp_path / name).parent.mkdir(parents=True)
        (tmp_path / name).touch()
    (tmp_path / asked[5]).unlink()
    lost = Presence(tmp_path).missing([*asked, "other/1", "train/x"])
    assert lost == [asked[0], *([asked[5]] if records == 150 else []), "other/1", "train/x"]


@pytest.mark.parametrize("unwanted", ["", ".", "..", "/a", "a/", "a//b", "a/../b", "./a", "a\0b", "a\\b"])
def test_one_name_that_leads_out_among_many_is_found(unwanted: str) -> None:
    plain = ["a", "b/c", "...", "a\n", ".hidden", "a..b"]
    assert all_inside([]) and all_inside(plain) and all(map(is_inside, plain))
    for place in range(len(plain) + 1):
        assert not all_inside([*plain[:place], unwanted, *plain[place:]])
    assert not all_inside([unwanted])
    assert not is_inside(unwanted)
