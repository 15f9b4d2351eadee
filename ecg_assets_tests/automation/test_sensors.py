"""The sensor on the source: what starts a run, what does not, and which run."""

import json
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import dagster as dg
import pytest

from ecg_assets.automation.sensors import RebuildVariableError, new_records
from ecg_assets.records.sources.base import SourceError
from ecg_assets.resources.data_root import DataRootResource
from ecg_assets.store.bucket.retry import BucketError
from ecg_assets_tests.store.bucket.bucket_emulator import BUCKET, Emulator, emulator_running, failing

Tick = Callable[[], dg.SensorResult]


@pytest.fixture
def folder(source_copy: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A source of six records that were written an hour ago."""
    monkeypatch.setenv("ECG_SOURCE", str(source_copy))
    monkeypatch.delenv("ECG_RECORDS", raising=False)
    monkeypatch.delenv("ECG_REBUILD_ON_NEW_RECORDS", raising=False)
    for path in source_copy.rglob("*.csv"):
        age(path, 3600)
    return source_copy


def age(path: Path, seconds: float) -> None:
    moment = time.time() - seconds
    os.utime(path, (moment, moment))


@pytest.fixture
def tick(tmp_path: Path) -> Iterator[Tick]:
    """One evaluation after the other, each with the cursor of the one before."""
    cursor: list[str | None] = [None]
    data_root = DataRootResource(path=str(tmp_path / "data_root"))

    def evaluate() -> dg.SensorResult:
        with dg.build_sensor_context(instance=instance, cursor=cursor[0]) as context:
            result = new_records(context, data_root=data_root)
        assert isinstance(result, dg.SensorResult)
        cursor[0] = result.cursor or cursor[0]
        return result

    with dg.DagsterInstance.ephemeral() as instance:
        yield evaluate


def csv_of(folder: Path) -> Path:
    return min((folder / "train").rglob("*.csv"))


def requested(result: dg.SensorResult) -> dg.RunRequest:
    assert result.run_requests is not None
    (request,) = result.run_requests
    return request


def test_the_first_look_starts_a_run_and_the_second_none(folder: Path, tick: Tick) -> None:
    assert requested(tick()).job_name == "rebuild_data"
    again = tick()
    assert not again.run_requests
    assert "7 files, none changed" in str(again.skip_reason)


@pytest.mark.parametrize("how", ["changed", "new", "gone"])
def test_a_record_that_is_changed_new_or_gone_starts_a_run(folder: Path, tick: Tick, how: str) -> None:
    first = requested(tick())
    path = csv_of(folder)
    if how == "changed":
        path.write_text(path.read_text().replace("1", "2", 1))
    elif how == "new":
        path = path.with_name("new.csv")
        path.write_text("I\n")
    if how == "gone":
        path.unlink()
    else:
        age(path, 600)
    assert requested(tick()).run_key != first.run_key
    assert not tick().run_requests


def test_a_file_written_again_with_the_same_bytes_starts_none_once_its_hash_is_known(folder: Path, tick: Tick) -> None:
    tick()
    path = csv_of(folder)
    age(path, 1800)
    tick()
    for seconds in (1200, 600):
        age(path, seconds)
        assert not tick().run_requests


def test_a_source_put_back_to_what_it_was_gets_its_run_too(folder: Path, tick: Tick) -> None:
    path, keys = csv_of(folder), [requested(tick()).run_key]
    before = path.read_bytes()
    for seconds, content in ((900, b"I\n"), (800, before), (700, b"I\n")):
        path.write_bytes(content)
        age(path, seconds)
        keys.append(requested(tick()).run_key)
    assert len(set(keys)) == 4


def test_while_files_are_being_written_it_waits(folder: Path, tick: Tick) -> None:
    tick()
    csv_of(folder).write_text("I\n")
    waiting = tick()
    assert not waiting.run_requests
    assert "waiting for further changes" in str(waiting.skip_reason)
    age(csv_of(folder), 31)
    assert requested(tick())


def test_a_tick_whose_cursor_was_lost_asks_with_the_same_key(folder: Path, tmp_path: Path) -> None:
    data_root, keys = DataRootResource(path=str(tmp_path / "data_root")), []
    for _ in range(2):
        with dg.build_sensor_context() as context:
            result = new_records(context, data_root=data_root)
        assert isinstance(result, dg.SensorResult)
        keys.append(requested(result).run_key)
    assert keys[0] == keys[1]


def test_everything_is_rebuilt_when_the_variable_says_so(
    folder: Path, tick: Tick, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ECG_REBUILD_ON_NEW_RECORDS", "all")
    assert requested(tick()).job_name == "rebuild_all"
    monkeypatch.setenv("ECG_REBUILD_ON_NEW_RECORDS", "some")
    with pytest.raises(RebuildVariableError, match="'some', expected data or all"):
        tick()


def test_a_source_that_is_gone_fails_the_tick_and_synthetic_records_need_none(
    folder: Path, tick: Tick, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ECG_SOURCE", str(folder / "nowhere"))
    with pytest.raises(SourceError, match="nowhere is no folder"):
        tick()
    monkeypatch.setenv("ECG_SOURCE", "")
    assert "ECG_SOURCE is not set" in str(tick().skip_reason)


def test_a_list_of_sources_is_watched_as_a_whole(
    folder: Path, tick: Tick, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = tmp_path / "sources.yaml"
    table.write_text(json.dumps({"sources": [{"path": str(folder)}, {"kind": "synthetic", "records": 2}]}))
    monkeypatch.setenv("ECG_SOURCE", str(table))
    requested(tick())
    csv_of(folder).unlink()
    assert requested(tick())


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> Iterator[Emulator]:
    """A source of two records in a bucket, and a picture that is none."""
    monkeypatch.setenv("ECG_SOURCE", f"gs://{BUCKET}/ecg")
    with emulator_running(monkeypatch) as running:
        for name in ("train.csv", "train/1/1.csv", "train/2/2.csv", "page.png"):
            running.put(f"ecg/{name}", name.encode())
        running.forget()
        yield running


@pytest.mark.parametrize("how", ["changed", "new", "gone"])
def test_an_object_that_is_changed_new_or_gone_starts_a_run(bucket: Emulator, tick: Tick, how: str) -> None:
    first = requested(tick())
    assert "3 files, none changed" in str(tick().skip_reason)
    if how == "gone":
        bucket.storage.delete_file(BUCKET, "ecg/train/2/2.csv")
    else:
        bucket.put(f"ecg/train/2/{'2' if how == 'changed' else '3'}.csv", b"other")
    assert requested(tick()).run_key != first.run_key
    assert not tick().run_requests
    assert set(bucket.counts()) == {"list"}, "no object is read for it"


def test_an_object_written_again_is_new_only_where_its_bytes_or_its_unknown_hash_are(
    bucket: Emulator, tick: Tick
) -> None:
    tick()
    bucket.put("ecg/train/2/2.csv", b"train/2/2.csv")
    bucket.put("ecg/page.png", b"another picture")
    assert not tick().run_requests

    def without_hashes() -> None:
        """As those of an object that the bucket has composed, and of a client that knows no CRC."""
        bucket.storage.objects[BUCKET]["ecg/train/1/1.csv"].update(md5Hash=None, crc32c=None)

    without_hashes()
    tick()
    assert not tick().run_requests
    bucket.put("ecg/train/1/1.csv", b"train/1/1.csv")
    without_hashes()
    assert requested(tick()), "the generation is another one"


def test_a_bucket_out_of_reach_fails_the_tick_and_the_next_one_goes_on(bucket: Emulator, tick: Tick) -> None:
    tick()
    bucket.fault = failing(-1, 403, "list")
    with pytest.raises(BucketError, match="access denied"):
        tick()
    bucket.fault = failing(2, 503, "list")
    assert not tick().run_requests
