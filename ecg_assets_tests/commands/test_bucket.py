"""`ecg-assets bucket`: parts pulled and pushed by hand, and what killed writers left."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner

from ecg_assets.cli import main
from ecg_assets.store.atomic import write_text
from ecg_assets.store.bucket import garbage as bucket_sweep
from ecg_assets.store.bucket.working_copy import working_copy_around
from ecg_assets.store.root import open_root
from ecg_assets_tests.conftest import AdviceGiven, quiet
from ecg_assets_tests.store.bucket.bucket_emulator import BUCKET, emulator_running

ADDRESS = f"gs://{BUCKET}/team"


@pytest.fixture(autouse=True)
def in_a_bucket(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("ECG_ASSETS_DATA", ADDRESS)
    monkeypatch.setenv("ECG_ASSETS_CACHE", str(tmp_path / "here"))
    with emulator_running(monkeypatch):
        yield


def bucket(*arguments: str) -> str:
    result = CliRunner().invoke(main, ["bucket", *arguments])
    assert result.exit_code == 0, result.output
    return result.output


def test_what_one_machine_pushes_another_pulls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    name = "champion/champion.json"
    write_text(open_root().path / name, "{}")
    assert "parts pushed to" in bucket("push", "champion")
    assert "is up to date" in bucket("push", "champion")
    monkeypatch.setenv("ECG_ASSETS_CACHE", str(tmp_path / "there"))
    assert "is up to date with the bucket" in bucket("pull", "runs")
    assert not (open_root().path / name).exists()
    assert "parts pulled to" in bucket("pull", "champion")
    assert (open_root().path / name).read_text() == "{}"


def test_rests_are_counted_first_and_deleted_when_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    write_text(open_root().path / "champion" / "champion.json", "{}")
    bucket("push")
    copy = working_copy_around(open_root().path, quiet)
    assert copy is not None
    objects = copy.bucket
    objects.put("files/rest-of-a-killed-writer", b"12345", None)
    files = {found.name for found in objects.listing("files/")}
    assert bucket("sweep", "--yes").startswith("Deleted 0 objects")  # it may be of somebody who is writing now
    monkeypatch.setattr(bucket_sweep, "_OLD", timedelta(0))
    assert bucket("sweep").startswith("1 objects, 0.0 MiB would be deleted")
    assert {found.name for found in objects.listing("files/")} == files
    assert bucket("sweep", "--yes").startswith("Deleted 1 objects")
    assert {found.name for found in objects.listing("files/")} == files - {"files/rest-of-a-killed-writer"}


@pytest.mark.advice("commands/bucket.py", "is a local folder; set ECG_ASSETS_DATA=gs://bucket/prefix")
def test_a_local_data_root_has_no_bucket(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, advice: AdviceGiven) -> None:
    monkeypatch.setenv("ECG_ASSETS_DATA", str(tmp_path))
    result = CliRunner().invoke(main, ["bucket", "pull"])
    assert result.exit_code == 1
    advice.in_message(result.output)
    monkeypatch.setenv("ECG_ASSETS_DATA", ADDRESS)
    assert "is up to date with the bucket" in bucket("pull")
