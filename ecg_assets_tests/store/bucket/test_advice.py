"""What messages about a bucket advise is done, and it helps: real client, emulated bucket, small real disks."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from gcp_storage_emulator.handlers.buckets import create_bucket  # type: ignore[import-untyped,unused-ignore]

from ecg_assets.cli import main
from ecg_assets.records.sources.gcs import fetch_source
from ecg_assets.store.bucket.address import BucketAddressError
from ecg_assets.store.bucket.client import _default_client, shared_client, use_client
from ecg_assets.store.bucket.retry import BucketError, ObjectMissingError
from ecg_assets.store.root import open_root
from ecg_assets_tests.conftest import AdviceGiven, quiet
from ecg_assets_tests.small_disk import small_disk
from ecg_assets_tests.store.bucket.bucket_emulator import BUCKET, Emulator, Request, failing
from ecg_assets_tests.store.bucket.machines import ADDRESS, PREFIX, Machine

SOURCE = f"gs://{BUCKET}/source"
RECORD = "source/train/1/1.csv"


@pytest.fixture
def source(emulator: Emulator) -> Emulator:
    emulator.put("source/train.csv", b"id,fs,sig_len\n")
    emulator.put(RECORD, b"I,II\n")
    return emulator


def fetched(folder: Path) -> list[str]:
    """Names of the source's files, once they are here."""
    here = fetch_source(SOURCE, folder, quiet)
    return sorted(path.relative_to(here).as_posix() for path in here.rglob("*.csv"))


@pytest.mark.advice("store/bucket/address.py", "rename it in the bucket")
def test_an_object_is_renamed(source: Emulator, tmp_path: Path, advice: AdviceGiven) -> None:
    odd = "source/train/2/..\\2.csv"
    objects = source.storage.objects[BUCKET]
    objects[odd] = dict(objects[RECORD]) | {"name": odd}
    with pytest.raises(BucketAddressError) as caught:
        fetched(tmp_path)
    advice.in_message(caught.value)
    source.put("source/train/2/2.csv", b"I,II\n")
    del objects[odd]
    assert fetched(tmp_path) == ["train.csv", "train/1/1.csv", "train/2/2.csv"]


@pytest.mark.advice("store/bucket/address.py", "has a prefix that is no plain path; correct it")
@pytest.mark.parametrize("wrong", [f"gs://{BUCKET}/team/../root", f"gs://{BUCKET}/team//root"])
def test_an_address_is_corrected(wrong: str, a: Machine, advice: AdviceGiven) -> None:
    assert a.root.shards
    with pytest.raises(BucketAddressError) as caught:
        open_root(wrong)
    advice.in_message(caught.value)
    assert open_root(ADDRESS).shards == 16


@pytest.mark.advice("store/bucket/download.py", " times; run again when nobody writes it")
def test_an_object_is_fetched_when_nobody_writes_it(source: Emulator, tmp_path: Path, advice: AdviceGiven) -> None:
    def written(request: Request) -> None:
        # Not at reads of others: while one of them writes, a read of the record would pass.
        if request.kind == "read" and request.name == RECORD:
            source.put(RECORD, b"I,II,III\n")

    source.fault = written
    with pytest.raises(BucketError) as caught:
        fetched(tmp_path)
    advice.in_message(caught.value)
    source.fault = lambda request: None
    assert fetched(tmp_path) == ["train.csv", "train/1/1.csv"]


@pytest.mark.advice("store/bucket/download.py", "upload it uncompressed (`gcloud storage cp` without -z and -Z)")
def test_an_object_is_uploaded_uncompressed(source: Emulator, tmp_path: Path, advice: AdviceGiven) -> None:
    source.storage.objects[BUCKET][RECORD]["contentEncoding"] = "gzip"
    with pytest.raises(BucketError) as caught:
        fetched(tmp_path)
    advice.in_message(caught.value)
    source.put(RECORD, b"I,II\n")
    assert fetched(tmp_path) == ["train.csv", "train/1/1.csv"]


@pytest.mark.advice("store/bucket/download.py", "was deleted while it was fetched; run again")
@pytest.mark.parametrize("status", [404, 412])
def test_a_deleted_object_is_missed_no_more(source: Emulator, tmp_path: Path, advice: AdviceGiven, status: int) -> None:
    """The bucket's answer for an object of a generation that is gone: 404, or 412."""

    def fault(request: Request) -> int | None:
        if request.kind != "read" or request.name != other:
            return None
        if other in source.names():
            source.storage.delete_file(BUCKET, other)
        return status

    other = "source/train/2/2.csv"
    source.put(other, b"I,II\n")
    source.fault = fault
    with pytest.raises(ObjectMissingError) as caught:
        fetched(tmp_path)
    advice.in_message(caught.value)
    assert fetched(tmp_path) == ["train.csv", "train/1/1.csv"]


@pytest.mark.advice("store/bucket/mirror.py", "; make room, or put data root and cache on a larger disk")
@pytest.mark.parametrize("done", ["make room", "a larger disk"])
def test_a_source_gets_room(source: Emulator, tmp_path: Path, advice: AdviceGiven, done: str) -> None:
    source.put(RECORD, b"0" * (600 << 10))
    with small_disk(tmp_path / "disk", 2) as disk:
        (disk / "other").write_bytes(bytes(1 << 20))
        with pytest.raises(BucketError) as caught:
            fetched(disk / "cache")
        advice.in_message(caught.value)
        (disk / "other").unlink() if done == "make room" else None
        cache = disk / "cache" if done == "make room" else tmp_path / "cache"
        assert fetched(cache) == ["train.csv", "train/1/1.csv"]


@pytest.mark.advice("store/bucket/pull.py", "; set ECG_ASSETS_CACHE to a folder on a larger disk")
def test_a_working_copy_gets_a_larger_disk(
    a: Machine, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, advice: AdviceGiven
) -> None:
    a.stage("x=" + "1" * (3 << 20))
    with small_disk(tmp_path / "disk", 2) as disk:
        with pytest.raises(BucketError) as caught:
            Machine(disk / "cache", monkeypatch).stage()
        advice.in_message(caught.value)
    elsewhere = Machine(tmp_path / "larger", monkeypatch)
    elsewhere.stage()
    assert len(elsewhere.files()["x.txt"]) == 3 << 20


@pytest.mark.advice(
    "store/bucket/pull.py", "delete it and the manifest that names it, and the stage that made it makes it again"
)
def test_an_object_of_other_bytes_is_deleted_with_its_manifest(
    a: Machine, b: Machine, emulator: Emulator, advice: AdviceGiven
) -> None:
    a.stage("x=1")
    name, manifest = one_file(emulator)
    emulator.put(name, b"7")
    with pytest.raises(BucketError) as caught:
        b.stage("x=1")
    advice.in_message(caught.value)
    for gone in (name, manifest):
        emulator.storage.delete_file(BUCKET, gone)
    assert b.stage("x=1").made == [0]
    assert a.stage("x=1").made == []
    assert a.files() == b.files() == {"x.txt": "1"}


@pytest.mark.advice(
    "store/bucket/pull.py",
    "run again, and if it stays so: delete this manifest, and the stage that made it makes it again",
)
@pytest.mark.parametrize("passes", [True, False])
def test_a_manifest_of_objects_that_are_gone_is_read_again_and_then_deleted(
    a: Machine, b: Machine, emulator: Emulator, advice: AdviceGiven, passes: bool
) -> None:
    a.stage("x=1")
    name, manifest = one_file(emulator)
    emulator.storage.delete_file(BUCKET, name)
    with pytest.raises(BucketError) as caught:
        b.stage("x=1")
    advice.in_message(caught.value)
    if passes:  # the writer that had replaced it has put its new manifest
        a.stage("x=2")
        assert b.stage("x=2").made == []
        return
    with pytest.raises(BucketError, match="names objects that are not there"):
        b.stage("x=1")
    emulator.storage.delete_file(BUCKET, manifest)
    assert b.stage("x=1").made == [0]
    assert a.stage("x=1").made == []


@pytest.mark.advice("store/bucket/working_copy.py", "delete this manifest, and the stage that made it makes it again")
@pytest.mark.parametrize(
    "content", [b"[]", b'{"files": {".bucket/address": {"sha256": "%s", "size": 1}}}' % (b"0" * 64)]
)
def test_what_is_no_manifest_is_deleted(
    a: Machine, b: Machine, emulator: Emulator, advice: AdviceGiven, content: bytes
) -> None:
    a.stage("x=1")
    _, manifest = one_file(emulator)
    emulator.put(manifest, content)
    with pytest.raises(BucketError) as caught:
        b.stage("x=1")
    advice.in_message(caught.value)
    emulator.storage.delete_file(BUCKET, manifest)
    assert b.stage("x=1").made == [0]


@pytest.mark.advice("store/bucket/push.py", "is not what was noted when it was made: delete it, and run again")
def test_a_file_that_has_changed_before_it_was_put_is_deleted(
    a: Machine, b: Machine, emulator: Emulator, advice: AdviceGiven
) -> None:
    assert a.root.shards
    emulator.fault = failing(-1, 403, "put")
    with pytest.raises(BucketError, match="403"):
        a.stage("x=1")
    emulator.fault = lambda request: None
    (a.root.wave_images / "x.txt").write_text("7")
    with pytest.raises(BucketError) as caught:
        a.stage("x=1")
    advice.in_message(caught.value)
    (a.root.wave_images / "x.txt").unlink()
    assert a.stage("x=1").made == [0]
    assert b.stage("x=1").made == []
    assert b.files() == {"x.txt": "1"}


@pytest.mark.advice("store/bucket/retry.py", " is not there (404): correct the address, or make the bucket with ")
@pytest.mark.parametrize("corrected", [True, False])
def test_an_address_is_corrected_or_its_bucket_made(
    emulator: Emulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, advice: AdviceGiven, corrected: bool
) -> None:
    monkeypatch.setenv("ECG_ASSETS_CACHE", str(tmp_path))
    with pytest.raises(ObjectMissingError, match=r"`gcloud storage buckets create gs://no-such-bucket`$") as caught:
        open_root("gs://no-such-bucket/x")
    advice.in_message(caught.value)
    if not corrected:
        create_bucket("no-such-bucket", emulator.storage)
    root = open_root(f"gs://{BUCKET}/x" if corrected else "gs://no-such-bucket/x")
    assert root.settings.exists()


@pytest.mark.advice(
    "store/bucket/retry.py", ": access denied (403); give this account the role Storage Object Viewer on the bucket "
)
@pytest.mark.parametrize("kind", ["list", "put"])
def test_an_account_that_gets_its_role_goes_on(
    a: Machine, b: Machine, emulator: Emulator, advice: AdviceGiven, kind: str
) -> None:
    emulator.fault = failing(-1, 403, "list" if kind == "list" else "put")
    with pytest.raises(BucketError) as caught:
        a.stage("x=1")
    advice.in_message(caught.value)
    emulator.fault = lambda request: None
    a.stage("x=1")
    assert b.stage("x=1").made == []


@pytest.mark.advice("store/bucket/retry.py", " tries; run again when the bucket can be reached: ")
def test_a_bucket_that_can_be_reached_again_keeps_what_was_transferred(
    a: Machine, b: Machine, emulator: Emulator, advice: AdviceGiven
) -> None:
    a.stage("x=1", "y=2")
    emulator.fault = lambda request: 503 if request.kind == "read" and "/y." in request.name else None
    with pytest.raises(BucketError) as caught:
        b.stage("x=1", "y=2")
    advice.in_message(caught.value)
    emulator.fault = lambda request: None
    emulator.forget()
    assert b.stage("x=1", "y=2").made == []
    assert not [request for request in emulator.seen if request.kind == "read" and "/x." in request.name]


@pytest.mark.advice("store/bucket/retry.py", "run `gcloud auth application-default login`")
@pytest.mark.parametrize("how", ["login", "key"])
def test_credentials_are_found_where_they_are_said_to_be(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, advice: AdviceGiven, how: str
) -> None:
    """Files as gcloud writes them, with secrets of nobody's; whether Google takes them is not asked."""
    for name in ("STORAGE_EMULATOR_HOST", "GOOGLE_APPLICATION_CREDENTIALS", "GOOGLE_CLOUD_PROJECT"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("CLOUDSDK_CONFIG", str(tmp_path / "gcloud"))
    monkeypatch.setenv("NO_GCE_CHECK", "true")  # it would wait for the metadata server of a VM
    monkeypatch.setenv("GOOGLE_CLOUD_PROJECT", "nobodys")
    use_client(_default_client)
    with pytest.raises(BucketError) as caught:
        shared_client()
    advice.in_message(caught.value)
    if how == "login":
        (tmp_path / "gcloud").mkdir()
        fields = {"type": "authorized_user", "client_id": "i", "client_secret": "s", "refresh_token": "r"}
        (tmp_path / "gcloud" / "application_default_credentials.json").write_text(json.dumps(fields))
        assert shared_client()._credentials.refresh_token == "r"
    else:
        monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(key_file(tmp_path / "key.json")))
        assert shared_client()._credentials.service_account_email == "reader@nobodys.test"
    use_client(_default_client)


@pytest.mark.advice("inspection/advice.py", "delete it: the next run reads the bucket again")
def test_a_damaged_note_of_the_bucket_is_deleted(
    a: Machine, emulator: Emulator, monkeypatch: pytest.MonkeyPatch, advice: AdviceGiven
) -> None:
    a.stage("x=1")
    monkeypatch.setenv("ECG_ASSETS_DATA", ADDRESS)
    (note,) = (a.root.path / ".bucket" / "known" / "data").rglob("*.json")
    whole = note.read_bytes()
    note.write_bytes(whole[:-20])
    advice.in_message(CliRunner().invoke(main, ["verify"]).output)
    note.unlink()
    assert CliRunner().invoke(main, ["verify"]).exit_code == 0
    assert a.stage("x=1").made == []
    assert note.read_bytes() == whole


def key_file(path: Path) -> Path:
    key = rsa.generate_private_key(65537, 2048).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    fields = {"type": "service_account", "client_email": "reader@nobodys.test", "private_key": key.decode()}
    path.write_text(json.dumps({**fields, "token_uri": "http://127.0.0.1:9/token", "project_id": "nobodys"}))
    return path


def one_file(emulator: Emulator) -> tuple[str, str]:
    """The objects of the one file of pages and of its manifest."""
    (name,) = (name for name in emulator.names() if name.endswith(".txt"))
    return name, f"{PREFIX}manifests/data/wave_images/shard-000.json"
