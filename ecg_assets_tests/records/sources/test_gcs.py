"""Records in a bucket, fetched with the real client from an emulator that fails in all the ways a network does."""

import os
import signal
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from ecg_assets.records.ingest import ingest
from ecg_assets.records.sources import gcs as gcs_source
from ecg_assets.records.sources.base import SourceError
from ecg_assets.records.sources.config import SourceConfig
from ecg_assets.records.sources.gcs import fetch_source
from ecg_assets.store.bucket import download as bucket_download
from ecg_assets.store.bucket.address import BucketAddressError
from ecg_assets.store.bucket.retry import BucketError, ObjectMissingError
from ecg_assets.store.root import open_root
from ecg_assets_tests.conftest import pack, quiet
from ecg_assets_tests.store.bucket.bucket_emulator import BUCKET, Emulator, Request, emulator_running, failing

ADDRESS = f"gs://{BUCKET}/kaggle_ecg/ori_csv"
PREFIX = "kaggle_ecg/ori_csv/"
TABLE = b"id,fs,sig_len\n"
PART = 100_000


@pytest.fixture
def emulator(monkeypatch: pytest.MonkeyPatch) -> Iterator[Emulator]:
    monkeypatch.setattr(bucket_download, "PART_BYTES", PART)
    monkeypatch.setattr("ecg_assets.store.bucket.mirror.PART_BYTES", PART)
    with emulator_running(monkeypatch) as running:
        yield running


def content(length: int) -> bytes:
    return os.urandom(length)


def upload(emulator: Emulator, folder: Path) -> None:
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            emulator.put(PREFIX + path.relative_to(folder).as_posix(), path.read_bytes())


def put_archive(emulator: Emulator, length: int = 550_000) -> bytes:
    archive = content(length)
    emulator.put(PREFIX + "train-csvs.tar.gz", archive)
    emulator.put(PREFIX + "train.csv", TABLE)
    emulator.forget()
    return archive


def fetched(tmp_path: Path, log: list[str] | None = None) -> Path:
    return fetch_source(ADDRESS, tmp_path / "cache", (log if log is not None else []).append)


def test_records_of_a_bucket_are_those_of_the_folder_that_was_uploaded(
    emulator: Emulator, source_copy: Path, tmp_path: Path
) -> None:
    upload(emulator, source_copy)
    unpacked = ingest(open_root(tmp_path / "unpacked"), SourceConfig(source=ADDRESS), quiet)
    pack(source_copy)
    emulator.put(PREFIX + "train-csvs.tar.gz", (source_copy / "train-csvs.tar.gz").read_bytes())
    packed = ingest(open_root(tmp_path / "packed"), SourceConfig(source=ADDRESS), quiet)
    local = ingest(open_root(tmp_path / "local"), SourceConfig(source=str(source_copy)), quiet)
    assert unpacked.accepted == 6
    assert unpacked.digest == packed.digest
    assert unpacked.index["sha256"].tolist() == local.index["sha256"].tolist()


def test_what_is_there_in_the_same_generation_is_not_fetched_again_and_what_is_gone_disappears(
    emulator: Emulator, source_copy: Path, tmp_path: Path
) -> None:
    upload(emulator, source_copy)
    folder = fetched(tmp_path)
    assert len(list(folder.rglob("*.csv"))) == 7
    emulator.forget()
    fetched(tmp_path)
    assert emulator.counts() == {"list": 1}
    changed, deleted = sorted(emulator.names())[1:3]
    emulator.put(changed, b"changed")
    emulator.storage.delete_file(BUCKET, deleted)
    emulator.forget()
    fetched(tmp_path)
    assert emulator.counts()["read"] == 1
    assert (folder / changed.removeprefix(PREFIX)).read_bytes() == b"changed"
    assert not (folder / deleted.removeprefix(PREFIX)).exists()
    assert len(list(folder.rglob("*.csv"))) == 6


def test_parts_are_fetched_by_range_and_joined(emulator: Emulator, tmp_path: Path) -> None:
    archive = put_archive(emulator)
    assert (fetched(tmp_path) / "train-csvs.tar.gz").read_bytes() == archive
    starts = sorted(request.first_byte for request in emulator.seen if request.name.endswith(".gz"))
    assert starts == [0, PART, 2 * PART, 3 * PART, 4 * PART, 5 * PART]


@pytest.mark.parametrize("status", [503, 429, 500])
def test_passing_errors_are_tried_again_and_told(emulator: Emulator, tmp_path: Path, status: int) -> None:
    archive = put_archive(emulator)
    emulator.fault = failing(5, status, "list", "read", "find")
    log: list[str] = []
    assert (fetched(tmp_path, log) / "train-csvs.tar.gz").read_bytes() == archive
    assert sum(f"{status}" in line and "trying again" in line for line in log) == 5, "\n".join(log)


def test_a_body_that_is_cut_goes_on_where_it_was(emulator: Emulator, tmp_path: Path) -> None:
    archive = put_archive(emulator, PART)
    emulator.fault = lambda request: ("cut", 12_340) if request.name.endswith(".gz") else None
    assert (fetched(tmp_path) / "train-csvs.tar.gz").read_bytes() == archive
    starts = [request.first_byte for request in emulator.seen if request.name.endswith(".gz")]
    assert starts == list(range(0, PART, 12_340))


def test_a_service_that_never_comes_back_is_given_up_with_a_sentence(emulator: Emulator, tmp_path: Path) -> None:
    put_archive(emulator)
    emulator.fault = failing(-1, 503, "read")
    with pytest.raises(
        BucketError, match=r"train.*: still 503 .* after 9 tries; run again when the bucket can be reached"
    ):
        fetched(tmp_path)


def test_a_killed_download_is_continued(emulator: Emulator, tmp_path: Path) -> None:
    archive = put_archive(emulator)
    slow = (3 * PART, 4 * PART, 5 * PART)
    reached = []

    def fault(request: Request) -> None:
        if request.first_byte in slow and request.name.endswith(".gz"):
            reached.append(request)
            child.wait()

    emulator.fault = fault
    code = (
        "import sys; from pathlib import Path; from ecg_assets.store.bucket import download, mirror\n"
        f"download.PART_BYTES = mirror.PART_BYTES = {PART}\n"
        "from ecg_assets.records.sources.gcs import fetch_source\n"
        "fetch_source(sys.argv[1], Path(sys.argv[2]), print)"
    )
    child = subprocess.Popen([sys.executable, "-c", code, ADDRESS, str(tmp_path / "cache")])
    parts = tmp_path / "cache"
    while len(reached) < 3 or sum(path.stat().st_size for path in parts.rglob("00000?")) < 3 * PART:
        assert child.poll() is None
    os.kill(child.pid, signal.SIGKILL)
    child.wait()
    emulator.fault = lambda request: None
    emulator.forget()
    assert (fetched(tmp_path) / "train-csvs.tar.gz").read_bytes() == archive
    assert sorted(request.first_byte for request in emulator.seen if request.name.endswith(".gz")) == [*slow]


def test_an_object_written_in_the_middle_is_begun_afresh(emulator: Emulator, tmp_path: Path) -> None:
    put_archive(emulator)
    newer = content(330_000)

    def fault(request: Request) -> None:
        if request.first_byte == 2 * PART and len(emulator.seen) < 20 and not again:
            again.append(request)
            emulator.put(PREFIX + "train-csvs.tar.gz", newer)

    again: list[Request] = []
    emulator.fault = fault
    log: list[str] = []
    folder = fetched(tmp_path, log)
    assert (folder / "train-csvs.tar.gz").read_bytes() == newer
    assert any("written by somebody else while it was fetched; beginning it afresh" in line for line in log)
    assert not list(folder.rglob("00000?"))
    emulator.fault = lambda request: None
    emulator.forget()
    fetched(tmp_path)
    assert emulator.counts() == {"list": 1}


def test_an_object_that_is_written_all_the_time_is_given_up(emulator: Emulator, tmp_path: Path) -> None:
    put_archive(emulator)

    def fault(request: Request) -> None:
        if request.kind == "read" and request.first_byte == PART:
            emulator.put(PREFIX + "train-csvs.tar.gz", content(330_000))

    emulator.fault = fault
    with pytest.raises(BucketError, match="was written by somebody else while it was fetched, 3 times"):
        fetched(tmp_path)


def test_bytes_with_another_checksum_are_not_kept(emulator: Emulator, tmp_path: Path) -> None:
    put_archive(emulator)
    stored = emulator.storage.objects[BUCKET][PREFIX + "train-csvs.tar.gz"]
    stored["crc32c"] = "AAAAAA=="
    with pytest.raises(BucketError, match="came with another crc32c than the bucket says, 3 times"):
        fetched(tmp_path)
    stored["crc32c"], stored["md5Hash"] = None, "AAAAAA=="
    with pytest.raises(BucketError, match="came with another md5 than the bucket says"):
        fetched(tmp_path)
    assert not list((tmp_path / "cache").rglob("*.gz"))


def test_refused_and_missing_are_one_clear_sentence(emulator: Emulator, tmp_path: Path) -> None:
    put_archive(emulator)
    emulator.fault = failing(-1, 403, "list")
    with pytest.raises(BucketError, match=r"access denied \(403\); give this account the role Storage Object Viewer"):
        fetched(tmp_path)
    emulator.fault = lambda request: None
    with pytest.raises(ObjectMissingError, match=r"gs://no-such-bucket is not there \(404\): correct the address"):
        fetch_source("gs://no-such-bucket", tmp_path / "cache", quiet)
    with pytest.raises(SourceError, match=r"holds 0 objects .nothing. but no records; expected train-csvs.tar.gz or"):
        fetch_source(f"gs://{BUCKET}/elsewhere", tmp_path / "cache", quiet)


def test_a_table_is_looked_for_one_level_up_and_in_the_archive(
    emulator: Emulator, source_copy: Path, tmp_path: Path
) -> None:
    table = (source_copy / "train.csv").read_bytes()
    archive = pack(source_copy)
    emulator.put(PREFIX + "train-csvs.tar.gz", archive.read_bytes())
    with pytest.raises(SourceError, match=r"has no train.csv beside train-csvs.tar.gz, nor one level up, nor inside"):
        fetched(tmp_path)
    with tarfile.open(archive, "w:gz") as stream:
        stream.add(source_copy / "train.csv", "ori/train.csv")
    emulator.put(PREFIX + "train-csvs.tar.gz", archive.read_bytes())
    assert (fetched(tmp_path) / "train.csv").read_bytes() == table
    assert (fetched(tmp_path) / "train.csv").read_bytes() == table
    emulator.put("kaggle_ecg/train.csv", b"from above")
    assert (fetched(tmp_path) / "train.csv").read_bytes() == b"from above"


def test_wfdb_recordings_come_at_any_depth_and_need_no_table(emulator: Emulator, tmp_path: Path) -> None:
    for name in ("a/00001.hea", "a/00001.dat", "b/c/00002.hea", "b/c/00002.mat", "README.txt"):
        emulator.put(PREFIX + name, name.encode())
    folder = fetched(tmp_path)
    assert sorted(path.suffix for path in folder.rglob("0000?.*")) == [".dat", ".hea", ".hea", ".mat"]
    assert not (folder / "README.txt").exists()


def test_an_empty_object_is_an_empty_file(emulator: Emulator, tmp_path: Path) -> None:
    put_archive(emulator)
    emulator.put(PREFIX + "train-csvs.tar.gz", b"")
    assert (fetched(tmp_path) / "train-csvs.tar.gz").read_bytes() == b""


@pytest.mark.parametrize("name", ["train/../../../evil.csv", "train//evil.csv", "train/a\\..\\evil.csv"])
def test_no_object_is_written_outside_of_the_cache(emulator: Emulator, tmp_path: Path, name: str) -> None:
    emulator.put(PREFIX + "train.csv", TABLE)
    stored = dict(emulator.storage.objects[BUCKET][PREFIX + "train.csv"])
    emulator.storage.objects[BUCKET][PREFIX + name] = stored | {"name": PREFIX + name}
    with pytest.raises(BucketAddressError, match="no plain path"):
        fetched(tmp_path)
    assert not list(tmp_path.rglob("evil*"))


def test_a_compressed_object_is_refused_with_what_to_do(emulator: Emulator, tmp_path: Path) -> None:
    put_archive(emulator)
    emulator.storage.objects[BUCKET][PREFIX + "train-csvs.tar.gz"]["contentEncoding"] = "gzip"
    with pytest.raises(BucketError, match=r"stored with Content-Encoding 'gzip'.*upload it uncompressed"):
        fetched(tmp_path)


def test_a_disk_that_is_too_small_is_told_before_anything_is_fetched(
    emulator: Emulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put_archive(emulator)
    emulator.storage.objects[BUCKET][PREFIX + "train-csvs.tar.gz"]["size"] = str(1 << 50)
    with pytest.raises(BucketError, match=r"its disk has .* MiB free; make room"):
        fetched(tmp_path)
    assert emulator.counts()["read"] == 0


def test_without_credentials_a_sentence_says_how_to_get_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("STORAGE_EMULATOR_HOST", raising=False)
    monkeypatch.delenv("GOOGLE_APPLICATION_CREDENTIALS", raising=False)
    monkeypatch.setenv("CLOUDSDK_CONFIG", str(tmp_path))
    monkeypatch.setenv("NO_GCE_CHECK", "true")  # do not ask the metadata server, which only a VM has
    with pytest.raises(BucketError) as caught:
        fetch_source(ADDRESS, tmp_path / "cache", quiet)
    assert "there are no Google credentials on this machine" in str(caught.value)
    assert "gcloud auth application-default login` (`gcloud auth login` alone does not give them)" in str(caught.value)


@pytest.mark.parametrize("address", ["s3://bucket/x", "gs://", "gs://Bucket/x", "gs://bucket/a/../b"])
def test_an_address_that_cannot_be_is_refused(address: str, tmp_path: Path) -> None:
    with pytest.raises(BucketAddressError):
        gcs_source.fetch_source(address, tmp_path, quiet)
