"""Downloading a subset with the real `kaggle` client from a server on loopback."""

import json
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from ecg_assets.records.kaggle import errors as kaggle_errors
from ecg_assets.records.kaggle.client import connect
from ecg_assets.records.kaggle.errors import HOW_TO_GET_CREDENTIALS, KaggleUnavailableError
from ecg_assets.records.kaggle.subset import SubsetReport, current_subset, download_subset, draw
from ecg_assets.records.kaggle.subset_manifest import MANIFEST_NAME, Wanted, read_subset, write_zip
from ecg_assets.store.fingerprint import sha256_bytes
from ecg_assets_tests.records.kaggle.kaggle_server import (
    COMPETITION,
    IDS,
    KEY,
    SIGNATURE,
    KaggleServer,
    content,
    serving,
    without_credentials,
)

# The client keeps what came in whole pieces of this size.
MIB = 1 << 20
WANTED = Wanted(competition=COMPETITION, records=3, variants=("0001", "0005"))


@pytest.fixture
def kaggle(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, waits: list[float]) -> Iterator[KaggleServer]:
    with serving(tmp_path / "home", monkeypatch) as server:
        yield server


def download(folder: Path, wanted: Wanted = WANTED, lines: list[str] | None = None) -> SubsetReport:
    log = lines.append if lines is not None else lambda _: None
    return download_subset(connect(COMPETITION, log), wanted, folder / "inbox", folder / ".parts", log)


def test_drawn_records_come_whole_zipped_or_not_with_the_hash_of_each_file(
    tmp_path: Path, kaggle: KaggleServer
) -> None:
    report = download(tmp_path)
    assert (report.fetched, len(report.manifest.files)) == (9, 9)
    assert len({name.split("/")[0] for name in report.manifest.files}) == 3
    for name, sha256 in report.manifest.files.items():
        assert (tmp_path / "inbox" / name).read_bytes() == content(name.split("/")[1])
        assert sha256 == sha256_bytes(content(name.split("/")[1]))
    assert read_subset(tmp_path / "inbox") == report.manifest
    assert sorted(path.name for path in tmp_path.iterdir() if path.name != "home") == ["inbox"], "no parts are left"


def test_the_list_is_asked_for_page_by_page(tmp_path: Path, kaggle: KaggleServer) -> None:
    names = connect(COMPETITION, print).list_files()
    assert names == kaggle.files
    assert kaggle.asked == ["list ", *(f"list {start}" for start in range(20, 122, 20))]
    assert kaggle.users == {f"somebody:{KEY}"}


def test_a_list_that_goes_in_a_circle_is_refused(tmp_path: Path, kaggle: KaggleServer) -> None:
    kaggle.answers = [(200, {}, {"files": [], "nextPageToken": "40"})] * 3
    with pytest.raises(KaggleUnavailableError, match="goes in a circle"):
        connect(COMPETITION, print).list_files()


def test_the_seed_draws_and_more_records_keep_the_first_ones() -> None:
    listed = {f"train/{one}/{one}.csv" for one in IDS}
    few, many = draw(listed, 3, seed=0), draw(listed, 10, seed=0)
    assert many[:3] == few
    assert len(set(many)) == 10
    assert draw(listed, 10, seed=1) != many
    assert sorted(draw(listed, 1000, seed=0)) == IDS


def test_names_that_lead_elsewhere_are_not_drawn() -> None:
    listed = {"train/7/7.csv", "train/../../7.csv", "train/7/8.csv", "train/../...csv", "../train/9/9.csv", "train.csv"}
    assert draw(listed, 10, seed=0) == ["7"]
    with pytest.raises(KaggleUnavailableError, match="none of them train/<id>"):
        draw({"test.csv"}, 10, seed=0)


@pytest.mark.parametrize("name", ["../secret.txt", "/etc/hostname", "1/../../secret.txt"])
def test_a_list_of_downloads_whose_names_lead_out_is_none_and_is_written_anew(
    tmp_path: Path, kaggle: KaggleServer, name: str
) -> None:
    """It lies in the inbox, where people put what they were given."""
    whole = download(tmp_path).manifest
    path = tmp_path / "inbox" / MANIFEST_NAME
    path.write_text(json.dumps(whole.model_dump() | {"files": {**whole.files, name: sha256_bytes(b"secret")}}))
    (tmp_path / "secret.txt").write_bytes(b"secret")
    assert current_subset(WANTED, tmp_path / "inbox") is None
    assert download(tmp_path).manifest == whole
    assert read_subset(tmp_path / "inbox") == whole


def test_what_is_there_is_kept_and_a_damaged_file_is_downloaded_again(tmp_path: Path, kaggle: KaggleServer) -> None:
    first = download(tmp_path)
    assert current_subset(WANTED, tmp_path / "inbox") == SubsetReport(first.manifest, 0)
    damaged = sorted(first.manifest.files)[1]
    (tmp_path / "inbox" / damaged).write_bytes(b"half")
    assert current_subset(WANTED, tmp_path / "inbox") is None
    kaggle.asked.clear()
    again = download(tmp_path)
    assert (again.manifest, again.fetched) == (first.manifest, 1)
    assert kaggle.downloads == [f"train/{damaged}"]
    more = download(tmp_path, WANTED.model_copy(update={"records": 4}))
    assert (len(more.manifest.files), more.fetched) == (12, 3)


def test_a_body_that_is_cut_off_is_continued_by_the_client(
    tmp_path: Path, kaggle: KaggleServer, waits: list[float]
) -> None:
    name = f"{draw(set(kaggle.files), 1, 0)[0]}-0001.png"
    kaggle.sizes[name], kaggle.cut[name] = 5 * MIB, [MIB + 10, 2 * MIB + 10]
    assert download(tmp_path).fetched == 9
    assert [asked for file, asked in kaggle.ranges if file == name] == ["", f"bytes={MIB}-", f"bytes={3 * MIB}-"]
    assert (tmp_path / "inbox" / name.split("-")[0] / name).read_bytes() == content(name, 5 * MIB)


def test_the_next_call_goes_on_from_the_part_that_an_interrupted_one_left(
    tmp_path: Path, kaggle: KaggleServer, waits: list[float]
) -> None:
    name = f"{draw(set(kaggle.files), 1, 0)[0]}-0001.png"
    kaggle.sizes[name], kaggle.cut[name] = 3 * MIB, [MIB + 10, *[10] * 100]
    with pytest.raises(KaggleUnavailableError, match="what was downloaded is kept"):
        download(tmp_path)
    assert not list((tmp_path / "inbox").rglob("*.png")), "nobody takes half an image for one"
    kaggle.cut.clear()
    kaggle.ranges.clear()
    assert download(tmp_path).fetched == 8, "the CSV before it was kept"
    assert kaggle.ranges[:2] == [(name, ""), (name, f"bytes={MIB}-")]
    assert (tmp_path / "inbox" / name.split("-")[0] / name).read_bytes() == content(name, 3 * MIB)


def test_429_and_503_are_waited_for_as_long_as_the_server_asks(
    tmp_path: Path, kaggle: KaggleServer, waits: list[float]
) -> None:
    kaggle.answers = [
        (429, {"Retry-After": "17"}, {"code": 429, "message": "Too many requests"}),
        (503, {}, {"code": 503, "message": "Unavailable"}),
        (200, {}, {"code": 429, "message": "Too many requests"}),
    ]
    lines: list[str] = []
    assert download(tmp_path, lines=lines).fetched == 9
    assert waits[0] == 17
    assert all(kaggle_errors.WAITS_S[n] / 2 <= waits[n] <= kaggle_errors.WAITS_S[n] for n in (1, 2))
    assert sum("trying again" in line for line in lines) == 3


def test_a_429_that_stays_ends_with_a_sentence(tmp_path: Path, kaggle: KaggleServer, waits: list[float]) -> None:
    kaggle.answers = [(429, {}, {"code": 429, "message": "Too many requests"})] * 20
    with pytest.raises(KaggleUnavailableError, match="after 6 tries; run again later"):
        download(tmp_path)
    assert len(kaggle.asked) == 6


@pytest.mark.parametrize(
    ("status", "said"),
    [
        (401, "does not know these credentials (401): to download real images, make a token"),
        (403, f"accept the competition's rules, with the account of these credentials, at https://www.kaggle.com/"
         f"competitions/{COMPETITION}/rules"),
        (404, "no such file or competition (404)"),
    ],
)  # fmt: skip
def test_a_refusal_says_what_to_do_and_is_not_tried_again(
    tmp_path: Path, kaggle: KaggleServer, waits: list[float], status: int, said: str
) -> None:
    kaggle.answers = [(status, {}, {"code": status, "message": "no"})]
    with pytest.raises(KaggleUnavailableError) as raised:
        download(tmp_path)
    assert said in str(raised.value)
    assert (len(kaggle.asked), waits) == (1, [])


def test_files_that_kaggle_does_not_have_are_left_out_and_named(tmp_path: Path, kaggle: KaggleServer) -> None:
    record = draw(set(kaggle.files), 1, 0)[0]
    kaggle.files.remove(f"train/{record}/{record}-0005.png")
    report = download(tmp_path)
    assert report.manifest.missing == (f"{record}/{record}-0005.png",)
    assert report.summary == "8 files downloaded, 0 were there, 1 that Kaggle does not have"


def test_the_zip_holds_the_manifest_and_its_files_and_is_the_same_each_time(
    tmp_path: Path, kaggle: KaggleServer
) -> None:
    manifest = download(tmp_path).manifest
    packed = write_zip(tmp_path / "inbox", manifest)
    first = packed.read_bytes()
    with zipfile.ZipFile(packed) as archive:
        assert set(archive.namelist()) == {MANIFEST_NAME, *manifest.files}
        assert {name: sha256_bytes(archive.read(name)) for name in manifest.files} == manifest.files
    assert write_zip(tmp_path / "inbox", manifest).read_bytes() == first


def test_a_zip_that_would_unpack_to_too_much_is_refused(
    tmp_path: Path, kaggle: KaggleServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ecg_assets.records.kaggle.client.MAX_UNPACKED_BYTES", 10_000)
    with pytest.raises(KaggleUnavailableError, match="MiB unpacked"):
        download(tmp_path)
    assert not list((tmp_path / "inbox").rglob("*.csv"))


def test_no_credentials_is_a_sentence_that_says_how_to_get_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    without_credentials(tmp_path, monkeypatch)
    with pytest.raises(KaggleUnavailableError) as raised:
        connect(COMPETITION, print)
    assert str(raised.value) == f"there are no Kaggle credentials: {HOW_TO_GET_CREDENTIALS}"


def test_a_kaggle_json_is_used_and_told_of_when_others_can_read_it(
    tmp_path: Path, kaggle: KaggleServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    without_credentials(tmp_path / "home", monkeypatch)
    (tmp_path / "home").mkdir(exist_ok=True)
    (tmp_path / "home" / "kaggle.json").write_text(json.dumps({"username": "other", "key": "f" * 32}))
    (tmp_path / "home" / "kaggle.json").chmod(0o644)
    lines: list[str] = []
    connect(COMPETITION, lines.append).list_files()
    assert kaggle.users == {f"other:{'f' * 32}"}
    assert len(lines) == 1
    assert "readable by other users" in lines[0]


def test_neither_key_nor_signed_address_is_in_any_line_or_error(
    tmp_path: Path, kaggle: KaggleServer, waits: list[float]
) -> None:
    """Even when the server sends them back in its message."""
    kaggle.answers = [
        (503, {}, {"code": 503, "message": f"{KEY} at http://x/y?X-Goog-Signature={SIGNATURE}"}),
        (403, {}, {"code": 403, "message": f"key {KEY} at http://x/y?X-Goog-Signature={SIGNATURE}"}),
    ]
    lines: list[str] = []
    with pytest.raises(KaggleUnavailableError) as raised:
        download(tmp_path, lines=lines)
    chain = [raised.value, raised.value.__cause__, raised.value.__context__]
    told = "\n".join([*lines, *(str(error) for error in chain), repr(connect(COMPETITION, print))])
    assert "*** at http://x/y" in told
    assert KEY not in told
    assert SIGNATURE not in told
