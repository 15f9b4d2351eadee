"""A data root in a bucket: several machines, kills in the middle, two writers. Real client, real emulator."""

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from ecg_assets.store.atomic import write_bytes
from ecg_assets.store.bucket.push import SecondWriterError, archived_units, delete_archived, push, push_run
from ecg_assets.store.bucket.retry import BucketError, ObjectMissingError
from ecg_assets.store.bucket.session import pull_into, push_from
from ecg_assets.store.bucket.working_copy import working_copy_around
from ecg_assets.store.fingerprint import sha256_file
from ecg_assets.store.manifest import read_manifest
from ecg_assets.store.root import DataRootError, open_root
from ecg_assets.store.stages.runner import manifest_path
from ecg_assets.training.runs.published import note_published, read_published
from ecg_assets_tests.conftest import quiet
from ecg_assets_tests.store.bucket.bucket_emulator import BUCKET, Emulator, Request, failing
from ecg_assets_tests.store.bucket.machines import ADDRESS, PAGES, PREFIX, Machine


def test_a_second_machine_goes_on_with_nothing_to_do(a: Machine, b: Machine, emulator: Emulator) -> None:
    made = a.stage("x=1 y=2", "z=3")
    assert made.made == [0, 1]
    again = b.stage("x=1 y=2", "z=3")
    assert (again.made, again.skipped, again.digest) == ([], [0, 1], made.digest)
    assert b.files() == {"x.txt": "1", "y.txt": "2", "z.txt": "3"}
    emulator.forget()
    b.stage("x=1 y=2", "z=3")
    assert emulator.counts() == {"list": 2}  # settings, and this part: no body is read, nothing put


def test_one_changed_file_puts_one_file_and_one_manifest(a: Machine, b: Machine, emulator: Emulator) -> None:
    a.stage("x=1 y=2", "z=3")
    before = emulator.names()
    emulator.forget()
    assert a.stage("x=1 y=two", "z=3").made == [0]
    put = [request.name for request in emulator.seen if request.kind == "put"]
    assert len(put) == 3  # the file, the stage's own manifest, and last of all the bucket's
    assert put[-1] == f"{PREFIX}manifests/data/wave_images/shard-000.json"
    assert len(emulator.names()) == len(before)  # what it replaced was removed
    assert b.stage("x=1 y=two", "z=3").made == []
    assert b.files()["y.txt"] == "two"


def test_every_object_that_a_manifest_names_is_there_at_every_moment(
    a: Machine, b: Machine, emulator: Emulator
) -> None:
    """A reader at any request of a writer sees the old shard or the new one, whole."""
    a.stage("x=1 y=2")
    seen: list[dict[str, str]] = []

    def fault(request: Request) -> None:
        if request.kind in ("put", "delete"):
            with one_look:
                pull_into(reader.path, PAGES, quiet)
                seen.append({path.name: path.read_text() for path in sorted((reader.path / "data").rglob("*.txt"))})

    one_look = threading.Lock()
    reader = b.root
    emulator.fault = fault
    a.stage("x=one y=two")
    emulator.fault = lambda request: None
    old, new = {"x.txt": "1", "y.txt": "2"}, {"x.txt": "one", "y.txt": "two"}
    assert len(seen) >= 6
    assert all(texts in (old, new) for texts in seen)
    assert seen[0] == old and seen[-1] == new


def test_a_kill_between_files_and_manifest_leaves_the_shard_invisible(
    a: Machine, b: Machine, emulator: Emulator, tmp_path: Path
) -> None:
    a.stage("x=1")

    def fault(request: Request) -> int | None:
        if request.kind == "put" and "/manifests/" in request.name:
            os.kill(child.pid, signal.SIGKILL)
            child.wait()
            return 503  # what a dead writer was about to send does not arrive
        return None

    emulator.fault = fault
    code = (
        "from ecg_assets_tests.store.stages.shards import FilesTask; from ecg_assets.store.root import open_root\n"
        "from ecg_assets.store.stages.runner import run_stage\n"
        f"root = open_root('{ADDRESS}')\n"
        "run_stage('pages', root.wave_images, root.path, [FilesTask(root.path, 0, 'x=one y=two')], 1, print)"
    )
    a.root  # noqa: B018  the child's cache is this machine's
    child = subprocess.Popen([sys.executable, "-c", code])
    assert child.wait() == -signal.SIGKILL
    emulator.fault = lambda request: None
    assert sum(".txt" in name for name in emulator.names()) == 3  # the new files are there
    assert b.stage("x=1").made == []
    assert b.files() == {"x.txt": "1"}
    assert a.stage("x=one y=two").made == []  # it was finished there
    pull_into(b.root.path, PAGES, quiet)
    assert b.files() == {"x.txt": "one", "y.txt": "two"}


@pytest.mark.parametrize("moved", [0, 1, 2])
def test_a_pull_killed_while_it_replaces_files_leaves_no_shard_that_passes_for_whole(
    a: Machine, b: Machine, moved: int
) -> None:
    a.stage("x=1 y=2")
    b.stage("x=1 y=2")
    a.stage("x=one y=two")
    root = b.root
    code = (
        "import os, signal\n"
        "from pathlib import Path; from ecg_assets.store.bucket.session import pull_into\n"
        f"real, left = Path.replace, [{moved}]\n"
        "def replace(source, target):\n"
        "    left[0] -= 'incoming' in source.parts and '.tmp-' not in source.name\n"
        "    return real(source, target) if left[0] >= 0 else os.kill(os.getpid(), signal.SIGKILL)\n"
        "Path.replace = replace\n"
        f"pull_into(Path({str(root.path)!r}), ['data'], print)"
    )
    child = subprocess.run([sys.executable, "-c", code], check=False)
    assert child.returncode == -signal.SIGKILL
    manifest = read_manifest(manifest_path(root.wave_images, 0))
    assert manifest is None or all(sha256_file(root.path / name) == sha for name, sha in manifest.files.items())
    pull_into(root.path, PAGES, quiet)
    assert b.files() == {"x.txt": "one", "y.txt": "two"}
    assert b.stage("x=one y=two").made == []


def test_two_writers_of_different_content_the_second_says_so_and_goes_on_after_a_pull(a: Machine, b: Machine) -> None:
    a.stage("x=1")
    b.stage("x=1")
    a.stage("x=from_a")
    with pytest.raises(
        SecondWriterError, match=r"shard-000.json was written by another machine since this one has pull"
    ):
        b.stage("x=from_b", pull=False)
    assert b.stage("x=from_b").made == [0]
    pull_into(a.root.path, PAGES, quiet)
    assert a.files() == {"x.txt": "from_b"}


def test_two_writers_of_the_same_content_do_not_disturb_each_other(a: Machine, b: Machine) -> None:
    a.stage("x=1")
    b.stage("x=1")
    a.stage("x=2")
    assert b.stage("x=2", pull=False).made == [0]
    assert a.stage("x=2").made == []


def test_an_answer_that_was_lost_is_not_taken_for_a_second_writer(a: Machine, b: Machine, emulator: Emulator) -> None:
    """The manifest arrives, the answer does not: the try after it finds another generation, of the same content."""
    cut: list[Request] = []

    def fault(request: Request) -> tuple[str, int] | None:
        if request.kind == "put" and "/manifests/data" in request.name and not cut:
            cut.append(request)
            return ("cut", 0)
        return None

    emulator.fault = fault  # type: ignore[assignment]
    a.stage("x=1")
    assert cut
    assert b.stage("x=1").made == []


def test_bad_service_while_pushing_and_pulling_is_waited_for(a: Machine, b: Machine, emulator: Emulator) -> None:
    emulator.fault = lambda request: 503 if len(emulator.seen) % 2 else None
    a.stage("x=1 y=2")
    assert b.stage("x=1 y=2").made == []
    for machine in (a, b):
        assert sum("503 Service Unavailable; trying again" in line for line in machine.log) >= 2


def test_a_large_checkpoint_goes_up_in_several_requests_each_of_which_may_fail(
    a: Machine, b: Machine, emulator: Emulator
) -> None:
    """Beyond 8 MiB the client begins an upload with one request and sends the bytes with others."""
    weights, refused = os.urandom(9 << 20), list[Request]()
    write_bytes(a.root.champion / "champion.safetensors", weights)
    write_bytes(a.root.champion / "champion.json", b"{}")

    def fault(request: Request) -> int | None:
        if request.method != "PUT" or refused:
            return None
        refused.append(request)
        return 503

    emulator.fault = fault
    push_from(a.root.champion, a.log.append)
    assert refused and any("503 Service Unavailable; trying again" in line for line in a.log)
    pull_into(b.root.path, ["champion"], quiet)
    assert (b.root.champion / "champion.safetensors").read_bytes() == weights


def test_what_could_not_be_put_is_put_by_the_next_run_although_it_is_current(
    a: Machine, b: Machine, emulator: Emulator
) -> None:
    a.root  # noqa: B018  settings
    emulator.fault = failing(-1, 403, "put")
    with pytest.raises(BucketError, match="access denied"):
        a.stage("x=1")
    emulator.fault = lambda request: None
    assert a.stage("x=1").made == []
    assert b.stage("x=1").made == []


def test_a_file_lost_here_is_pulled_again_instead_of_made(a: Machine) -> None:
    a.stage("x=1 y=2")
    (a.root.wave_images / "y.txt").unlink()
    assert a.stage("x=1 y=2").made == []
    assert a.files()["y.txt"] == "2"


def test_a_changed_shard_elsewhere_drops_the_files_it_no_longer_has(a: Machine, b: Machine) -> None:
    a.stage("x=1 y=2")
    b.stage("x=1 y=2")
    a.stage("x=1")
    pull_into(b.root.path, PAGES, quiet)
    assert b.files() == {"x.txt": "1"}


def test_a_file_that_is_not_what_its_manifest_says_is_not_put(a: Machine, emulator: Emulator) -> None:
    a.root  # noqa: B018  settings
    emulator.fault = failing(-1, 403, "put")
    with pytest.raises(BucketError):
        a.stage("x=1")
    emulator.fault = lambda request: None
    (a.root.wave_images / "x.txt").write_text("7")
    with pytest.raises(BucketError, match=r"x.txt is not what was noted when it was made: delete it, and run again"):
        a.stage("x=1")


def test_an_object_with_other_bytes_than_its_name_says_is_refused(a: Machine, b: Machine, emulator: Emulator) -> None:
    a.stage("x=1")
    name = next(name for name in emulator.names() if name.endswith(".txt"))
    emulator.put(name, b"7")
    with pytest.raises(BucketError, match="does not hold the bytes that its name says"):
        b.stage("x=1")
    assert b.files() == {}


def test_a_manifest_that_leads_outside_or_is_none_is_refused(a: Machine, b: Machine, emulator: Emulator) -> None:
    a.stage("x=1")
    name = f"{PREFIX}manifests/data/wave_images/shard-000.json"
    stored = emulator.storage.get_file(BUCKET, name)
    emulator.put(name, stored.replace(b"data/wave_images/x.txt", b"data/../../../x.txt"))
    with pytest.raises(BucketError, match="is no file of a data root; delete this manifest"):
        b.stage("x=1")
    emulator.put(name, b"[]")
    with pytest.raises(BucketError, match="is no manifest of this project"):
        b.stage("x=1")


def test_the_number_of_shards_is_kept_in_the_bucket(a: Machine, b: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    assert a.root.shards == 16
    assert b.root.shards == 16
    monkeypatch.setenv("ECG_ASSETS_CACHE", str(b.root.path / "third"))
    with pytest.raises(DataRootError, match="made with 16 shards, asked for were 8"):
        open_root(ADDRESS, shards=8)


def test_a_data_root_in_a_bucket_tells_its_address(a: Machine) -> None:
    assert str(a.root) == f"{ADDRESS}, working copy {a.root.path}"


def test_a_missing_bucket_is_one_sentence(emulator: Emulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ECG_ASSETS_CACHE", str(tmp_path))
    with pytest.raises(ObjectMissingError, match=r"gs://no-such-bucket/x is not there \(404\): correct the address"):
        open_root("gs://no-such-bucket/x")


def test_the_champion_and_its_report_go_together_and_old_weights_go(a: Machine, b: Machine, emulator: Emulator) -> None:
    root = a.root
    write_bytes(root.champion / "champion.safetensors", b"weights")
    write_bytes(root.champion / "champion.json", b"{}")
    write_bytes(root.runs / "demo" / "config.json", b"{}")
    write_bytes(root.runs / "demo" / "report" / "report.html", b"good")
    write_bytes(root.runs / "demo" / "process.json", b"of this machine")
    push_from(root.champion, quiet)
    pull_into(b.root.path, ["champion", "runs"], quiet)
    root = b.root
    assert (root.champion / "champion.safetensors").read_bytes() == b"weights"
    assert (root.runs / "demo" / "report" / "report.html").read_bytes() == b"good"
    assert not (root.runs / "demo" / "process.json").exists()
    write_bytes(root.champion / "champion.safetensors", b"better")
    push_from(root.champion, quiet)
    assert sum("champion.safetensors" in name or "champion/champion." in name for name in emulator.names()) == 3


def test_an_archived_run_is_put_once_and_never_pulled_and_deleted_only_when_told(
    a: Machine, b: Machine, emulator: Emulator
) -> None:
    run = ".archive/demo/2026-01-01T00-00-00Z"
    folder = a.root.runs / run
    for name in ("config.json", "checkpoints/best.safetensors"):
        write_bytes(folder / name, b"{}")
    copy = working_copy_around(a.root.path, quiet)
    assert copy is not None
    assert push_run(copy, run, quiet)
    assert push(copy, ["runs"], quiet) == []
    pull_into(b.root.path, ["runs"], quiet)
    assert not (b.root.runs / ".archive").exists()
    theirs = working_copy_around(b.root.path, quiet)
    assert theirs is not None
    assert archived_units(theirs) == {f"runs/{run}/run.json": 4}
    delete_archived(theirs, f"runs/{run}/run.json")
    assert not [name for name in emulator.names() if ".archive" in name]
    pull_into(a.root.path, ["runs"], quiet)
    assert (folder / "config.json").exists(), "what was deleted there stays here until it is pruned here"


def test_what_was_published_comes_with_its_weights(a: Machine, b: Machine) -> None:
    weights = a.root.path / "w.safetensors"
    write_bytes(weights, b"weights")
    note_published(a.root, "demo", weights, sha256_file(weights))
    push_from(a.root.runs, quiet)
    pull_into(b.root.path, ["runs"], quiet)
    assert read_published(b.root).checkpoint.read_bytes() == b"weights"
