"""The store: whole or absent writes, shards that are skipped, made again, or cleaned up."""

import multiprocessing
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from ecg_assets.store.atomic import atomic_path, write_bytes, write_json
from ecg_assets.store.compute.pool import map_unordered
from ecg_assets.store.fingerprint import fingerprint, sha256_bytes
from ecg_assets.store.manifest import Manifest, ManifestError, read_manifest
from ecg_assets.store.root import DataRootError, open_root
from ecg_assets.store.splits import shard_of, split_of
from ecg_assets.store.stages.runner import StageReport, manifest_path, run_stage
from ecg_assets_tests.conftest import quiet


def test_a_write_that_fails_leaves_the_old_file_and_no_rubbish(tmp_path: Path) -> None:
    target = tmp_path / "page.png"
    write_bytes(target, b"old")

    def cut_off() -> None:
        with atomic_path(target) as temporary:
            temporary.write_bytes(b"half")
            raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        cut_off()
    assert target.read_bytes() == b"old"
    assert [path.name for path in tmp_path.iterdir()] == ["page.png"]


def test_equal_values_give_equal_json_bytes(tmp_path: Path) -> None:
    write_json(tmp_path / "a", {"b": 1, "a": [1, 2]})
    write_json(tmp_path / "b", {"a": [1, 2], "b": 1})
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_a_fingerprint_refuses_what_has_no_fixed_text() -> None:
    assert fingerprint({"a": 1, "b": 2}) == fingerprint({"b": 2, "a": 1})
    assert fingerprint(1) != fingerprint("1")
    with pytest.raises(TypeError):
        fingerprint(object())


def test_shards_and_splits_depend_on_the_id_alone_and_have_the_stated_shares() -> None:
    ids = [str(number) for number in range(20_000_000, 20_004_000)]
    splits = [split_of(record_id) for record_id in ids]
    assert splits.count("test") / 4000 == pytest.approx(0.15, abs=0.02)
    assert splits.count("validation") / 4000 == pytest.approx(0.15, abs=0.02)
    per_shard = [sum(shard_of(record_id, 16) == shard for record_id in ids) for shard in range(16)]
    assert min(per_shard) > 190
    assert (shard_of("20000009", 16), split_of("20000009")) == (shard_of("20000009", 16), split_of("20000009"))


def test_the_number_of_shards_is_kept_in_the_data_root(tmp_path: Path) -> None:
    assert open_root(tmp_path / "root", shards=4).shards == 4
    assert open_root(tmp_path / "root").shards == 4
    with pytest.raises(DataRootError, match="made with 4 shards, asked for were 8"):
        open_root(tmp_path / "root", shards=8)


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda folder: "s3://bucket/root", "set ECG_ASSETS_DATA to a local folder or to gs://bucket/prefix"),
        (lambda folder: folder / "file", "is a file"),
        (lambda folder: folder / "broken", 'expected {"shards"'),
    ],
)
def test_an_unusable_data_root_says_what_to_do(tmp_path: Path, make: Any, says: str) -> None:
    (tmp_path / "file").write_text("")
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "store.json").write_text("[]")
    with pytest.raises(DataRootError) as caught:
        open_root(make(tmp_path))
    assert says in str(caught.value)


@dataclass(frozen=True)
class Writing:
    """A shard's work: one file a name."""

    root: Path
    shard: int
    fingerprint: str
    names: tuple[str, ...]

    def make(self) -> tuple[dict[str, str], dict[str, Any]]:
        for name in self.names:
            if name == "bad":
                raise ValueError("this shard is bad")
            write_bytes(self.root / name, name.encode(), flushed=False)
        return {name: sha256_bytes(name.encode()) for name in self.names}, {"files": len(self.names)}


def run(root: Path, *tasks: Writing, workers: int = 1) -> StageReport:
    return run_stage("test", root / "stage", root, tasks, workers, quiet)


def test_a_current_shard_is_skipped_and_a_changed_one_made_again(tmp_path: Path) -> None:
    first, second = Writing(tmp_path, 0, "a", ("x", "y")), Writing(tmp_path, 1, "a", ("z",))
    assert run(tmp_path, first, second).made == [0, 1]
    assert run(tmp_path, first, second).skipped == [0, 1]
    report = run(tmp_path, first, Writing(tmp_path, 1, "b", ("z", "w")))
    assert (report.made, report.skipped, report.total("files")) == ([1], [0], 4)


def test_each_manifest_is_read_once_where_nothing_is_due_and_the_report_is_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tasks = [Writing(tmp_path, shard, "a", (f"f{shard}",)) for shard in range(3)]
    made, reads = run(tmp_path, *tasks), list[Path]()

    def counted(path: Path) -> Manifest | None:
        reads.append(path)
        return read_manifest(path)

    monkeypatch.setattr("ecg_assets.store.stages.runner.read_manifest", counted)
    again = run(tmp_path, *tasks)
    assert len(reads) == 3
    assert (again.digest, again.total("files"), again.held.by_folder) == (made.digest, 3, made.held.by_folder)


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere sync does not wait, and each file is flushed")
@pytest.mark.parametrize("count", [3, 40])
def test_a_shards_files_are_on_the_disk_before_its_manifest_vouches_for_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, count: int
) -> None:
    names = tuple(f"page-{number:02d}" for number in range(count))
    flushed: set[str] = set()
    vouched: list[bool] = []
    whole, one, replace = os.sync, os.fsync, Path.replace

    def sync() -> None:
        whole()
        flushed.update(path.name for path in tmp_path.iterdir())

    def fsync(handle: int) -> None:
        one(handle)
        flushed.add(Path(f"/proc/self/fd/{handle}").readlink().name)

    def replaced(path: Path, target: Path) -> Path:
        if target.suffix == ".json" and '"fingerprint": "a"' in path.read_text():
            vouched.append(flushed >= set(names))
        return replace(path, target)

    monkeypatch.setattr(os, "sync", sync)
    monkeypatch.setattr(os, "fsync", fsync)
    monkeypatch.setattr(Path, "replace", replaced)
    run(tmp_path, Writing(tmp_path, 0, "a", names))
    assert vouched == [True]


def test_a_lost_file_makes_its_shard_again(tmp_path: Path) -> None:
    task = Writing(tmp_path, 0, "a", ("x", "y"))
    run(tmp_path, task)
    (tmp_path / "x").unlink()
    assert run(tmp_path, task).made == [0]
    assert (tmp_path / "x").read_bytes() == b"x"


def test_files_that_a_shard_no_longer_holds_are_removed(tmp_path: Path) -> None:
    run(tmp_path, Writing(tmp_path, 0, "a", ("x", "y")))
    run(tmp_path, Writing(tmp_path, 0, "b", ("y",)))
    assert not (tmp_path / "x").exists()
    assert (tmp_path / "y").exists()


def test_a_shard_that_was_interrupted_matches_no_fingerprint_not_even_its_old_one(tmp_path: Path) -> None:
    run(tmp_path, Writing(tmp_path, 0, "a", ("x", "gone")))
    with pytest.raises(ValueError, match="this shard is bad"):
        run(tmp_path, Writing(tmp_path, 0, "b", ("y", "bad")))
    report = run(tmp_path, Writing(tmp_path, 0, "a", ("x",)))
    assert report.made == [0]
    assert not (tmp_path / "gone").exists()


def test_the_result_does_not_depend_on_the_number_of_workers(tmp_path: Path) -> None:
    digests = set()
    for workers in (1, 2):
        root = tmp_path / str(workers)
        tasks = [Writing(root, shard, "a", (f"f{shard}",)) for shard in range(6)]
        digests.add(run(root, *tasks, workers=workers).digest)
    assert len(digests) == 1


def test_a_manifest_that_is_none_is_named(tmp_path: Path) -> None:
    run(tmp_path, Writing(tmp_path, 0, "a", ("x",)))
    path = manifest_path(tmp_path / "stage", 0)
    path.write_text("{}")
    with pytest.raises(ManifestError, match=r"shard-000\.json is no manifest"):
        read_manifest(path)


def slow_square(number: int) -> int:
    time.sleep(0.01)
    return number * number


def die_at_three(number: int) -> int:
    if number == 3:
        os.kill(os.getpid(), signal.SIGKILL)
    return number


def wait_for_ever(path: str) -> None:
    Path(path).write_text(str(os.getpid()))
    time.sleep(600)


def drive_pool(path: str) -> None:
    list(map_unordered(wait_for_ever, [path, path], workers=2))


def own_pid(_: int) -> int:
    time.sleep(0.01)
    return os.getpid()


def test_workers_have_ended_when_the_work_has() -> None:
    workers = set(map_unordered(own_pid, range(8), workers=2))
    assert os.getpid() not in workers
    assert [pid for pid in workers if Path(f"/proc/{pid}").exists()] == []


def test_every_item_is_worked_on_once() -> None:
    assert sorted(map_unordered(slow_square, range(20), workers=2)) == [number**2 for number in range(20)]


def test_workers_start_without_what_their_parents_main_module_imports(tmp_path: Path) -> None:
    main, told = tmp_path / "main.py", tmp_path / "told"
    main.write_text(
        f"open({str(told)!r}, 'a').write(f'{{__name__}} ')\n"
        "from ecg_assets.store.compute.pool import map_unordered\n"
        "if __name__ == '__main__':\n"
        "    assert sorted(map_unordered(abs, [-1, -2, -3], workers=2)) == [1, 2, 3]\n"
    )
    subprocess.run([sys.executable, str(main)], check=True)
    assert told.read_text() == "__main__ "


def test_a_worker_that_dies_is_an_error_and_not_a_lost_item() -> None:
    with pytest.raises(Exception, match="terminated abruptly"):
        list(map_unordered(die_at_three, range(6), workers=2))


def test_workers_end_with_a_parent_that_is_killed(tmp_path: Path) -> None:
    told = tmp_path / "pid"
    parent = multiprocessing.get_context("spawn").Process(target=drive_pool, args=(str(told),))
    parent.start()
    deadline = time.monotonic() + 30
    while not (told.exists() and told.read_text()) and time.monotonic() < deadline:
        time.sleep(0.05)
    worker = int(told.read_text())
    os.kill(parent.pid or 0, signal.SIGKILL)
    parent.join()
    while Path(f"/proc/{worker}").exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not Path(f"/proc/{worker}").exists()
