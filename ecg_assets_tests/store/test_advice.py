"""What messages about files and data roots advise is done, and it helps: real disks, limits and processes."""

import os
import resource
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from ecg_assets.cli import main
from ecg_assets.pages.config import PagesConfig
from ecg_assets.pages.stage import build_papers
from ecg_assets.records.ingest import ingest
from ecg_assets.records.sources.config import SourceConfig
from ecg_assets.store.atomic import atomic_path
from ecg_assets.store.compute.pool import default_workers, map_unordered
from ecg_assets.store.compute.worker_process import WorkerDiedError
from ecg_assets.store.manifest import ManifestError
from ecg_assets.store.root import DataRoot, DataRootError, open_root
from ecg_assets.store.stages.runner import StageReport, manifest_path, run_stage
from ecg_assets.store.write_errors import WriteRefusedError
from ecg_assets_tests.conftest import CLEAN_PAGES, AdviceGiven, quiet
from ecg_assets_tests.inspection.copies import copied_root
from ecg_assets_tests.small_disk import small_disk
from ecg_assets_tests.store.compute.work import be_killed_beside_others
from ecg_assets_tests.store.stages.shards import FilesTask
from ecg_assets_tests.store.test_write_errors import files_of_at_most

SHOWN = PagesConfig(styles="kaggle")


def command(*arguments: object) -> Result:
    return CliRunner().invoke(main, [str(one) for one in arguments])


def records(folder: Path, source: Path) -> int:
    return ingest(open_root(folder), SourceConfig(source=str(source), records=1), quiet).accepted


@pytest.mark.advice(
    "store/write_errors.py", "its disk is full: make room, ", "or choose a folder elsewhere (ECG_ASSETS_DATA "
)
@pytest.mark.parametrize("done", ["make room", "a folder elsewhere"])
def test_a_full_disk(
    done: str, tmp_path: Path, source_copy: Path, advice: AdviceGiven, monkeypatch: pytest.MonkeyPatch
) -> None:
    with small_disk(tmp_path / "disk", 4) as disk:
        root = disk / "data_root"
        open_root(root)
        (disk / "other").write_bytes(bytes((4 << 20) - (40 << 10)))
        with pytest.raises(WriteRefusedError) as caught:
            records(root, source_copy)
        advice.in_message(caught.value)
        if done == "make room":
            (disk / "other").unlink()
        else:
            root = tmp_path / "elsewhere"
            monkeypatch.setenv("ECG_ASSETS_DATA", str(root))
        assert records(root, source_copy) == 1


@pytest.mark.advice("store/write_errors.py", "its disk reports an error: repair it, ")
def test_a_disk_with_an_error(tmp_path: Path, advice: AdviceGiven) -> None:
    def write(place: Path) -> None:
        with atomic_path(tmp_path / "page.png") as temporary, place.open("wb", buffering=0) as file:
            file.write(b"x")
            temporary.write_bytes(b"x")

    with pytest.raises(WriteRefusedError) as caught:
        write(Path("/proc/self/mem"))  # nothing is at its beginning, which the kernel tells as a disk's error
    advice.in_message(caught.value)
    write(tmp_path / "sound")
    assert (tmp_path / "page.png").read_bytes() == b"x"


def test_a_read_only_disk_is_mounted_writable(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", 4) as disk:
        subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
        with pytest.raises(WriteRefusedError, match="its disk is read-only: mount it writable, or choose a folder "):
            open_root(disk / "data_root")
        subprocess.run(["mount", "-o", "remount,rw", str(disk)], check=True)
        assert open_root(disk / "data_root").settings.exists()


@pytest.mark.advice(
    "store/write_errors.py", "it would be larger than this process may write: raise `ulimit -f`, and start again"
)
def test_a_limit_of_the_process(tmp_path: Path, advice: AdviceGiven) -> None:
    root = open_root(tmp_path / "data_root")
    with pytest.raises(WriteRefusedError) as caught, files_of_at_most(2_000):
        build_papers(root, SHOWN, quiet)
    advice.in_message(caught.value)
    assert resource.getrlimit(resource.RLIMIT_FSIZE)[0] == resource.RLIM_INFINITY
    assert build_papers(root, SHOWN, quiet).made == [0]


@pytest.mark.parametrize(
    ("place", "made"),
    [
        pytest.param(
            "grids/kaggle.png",
            Path.mkdir,
            marks=pytest.mark.advice(
                "store/write_errors.py", "a folder lies in its place: move that away, and start again"
            ),
        ),
        pytest.param(
            "grids",
            Path.touch,
            marks=pytest.mark.advice(
                "store/write_errors.py", "a file lies in the place of one of its folders: move that away, and "
            ),
        ),
    ],
)
def test_what_lies_in_the_way(place: str, made: Callable[[Path], None], tmp_path: Path, advice: AdviceGiven) -> None:
    root = open_root(tmp_path / "data_root")
    (root.path / place).parent.mkdir(exist_ok=True)
    made(root.path / place)
    with pytest.raises(WriteRefusedError) as caught:
        build_papers(root, SHOWN, quiet)
    advice.in_message(caught.value)
    (root.path / place).rename(tmp_path / "away")
    build_papers(root, SHOWN, quiet)
    assert (root.grids / "kaggle.png").is_file()


@pytest.mark.advice("store/write_errors.py", "its name is too long for the disk: choose a shorter one")
def test_a_name_that_is_too_long(
    made_root: DataRoot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, advice: AdviceGiven
) -> None:
    monkeypatch.setenv("ECG_ASSETS_DATA", str(made_root.path))
    done = command("export-dataset", tmp_path / ("a" * 300), "--split", "test")
    assert done.exit_code == 1
    advice.in_message(done.output)
    assert command("export-dataset", tmp_path / ("a" * 200), "--split", "test").exit_code == 0
    assert list((tmp_path / ("a" * 200) / "images").iterdir())


@pytest.mark.parametrize(
    "wrong",
    [
        pytest.param(
            "empty",
            marks=pytest.mark.advice("store/root.py", " in it); set ", " to one, or make one with `ecg-assets demo`"),
        ),
        pytest.param("file", marks=pytest.mark.advice("store/root.py", " is a file; set ", " to a folder")),
        pytest.param(
            "s3://bucket/root",
            marks=pytest.mark.advice(
                "store/root.py", " is no address that is known here; set ", " to a local folder or to gs://"
            ),
        ),
    ],
)
def test_the_variable_is_set(
    wrong: str, made_root: DataRoot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, advice: AdviceGiven
) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "file").touch()
    monkeypatch.setenv("ECG_ASSETS_DATA", wrong if "://" in wrong else str(tmp_path / wrong))
    refused = command("export-dataset", tmp_path / "out", "--split", "test")
    assert refused.exit_code == 1
    advice.in_message(refused.output)
    assert "set ECG_ASSETS_DATA to" in refused.output
    monkeypatch.setenv("ECG_ASSETS_DATA", str(made_root.path))
    assert command("export-dataset", tmp_path / "out", "--split", "test").exit_code == 0


@pytest.mark.advice("store/root.py", "set once for a data root: use another folder for another number")
def test_another_number_of_shards(tmp_path: Path, advice: AdviceGiven) -> None:
    open_root(tmp_path / "data_root")
    with pytest.raises(DataRootError) as caught:
        open_root(tmp_path / "data_root", shards=8)
    advice.in_message(caught.value)
    assert open_root(tmp_path / "other", shards=8).shards == 8


@pytest.mark.advice("store/root.py", 'write {"shards": ', "} into it: ")
@pytest.mark.parametrize("damage", ["{", '{"shards": 0}', '{"shards": 12'])
@pytest.mark.parametrize("made", ["all", "three shards", "nothing"])
def test_lost_settings_are_written_again(
    made: str, damage: str, made_root: DataRoot, tmp_path: Path, advice: AdviceGiven
) -> None:
    """A run that was stopped after three of 16 shards has left no more manifests than that."""
    root = copied_root(made_root, tmp_path)
    manifests = [path for stage in (root.wave_images, root.dataset) for path in (stage / "_manifests").glob("shard-*")]
    for path in manifests:
        if made == "nothing" or (made == "three shards" and int(path.stem[-3:]) > 2):
            path.unlink()
    root.settings.write_text(damage)
    with pytest.raises(DataRootError) as caught:
        open_root(root.path)
    advice.in_message(caught.value)
    said = str(caught.value)
    root.settings.write_text(said[said.index("write {") + len("write ") : said.index(" into it")])
    assert open_root(root.path).shards == 16


@pytest.mark.advice("store/manifest.py", "); delete it, and the next run makes this shard again")
def test_a_damaged_manifest_is_deleted(tmp_path: Path, advice: AdviceGiven) -> None:
    def run() -> StageReport:
        tasks = [FilesTask(tmp_path, shard, f"f{shard}=1") for shard in range(2)]
        return run_stage("pages", tmp_path / "stage", tmp_path, tasks, 1, quiet)

    run()
    path = manifest_path(tmp_path / "stage", 1)
    path.write_text(path.read_text()[:-20])
    with pytest.raises(ManifestError) as caught:
        run()
    advice.in_message(caught.value)
    path.unlink()
    assert run().made == [1]


@pytest.mark.advice("store/stages/provenance.py", "; delete it, and the next run notes its config again")
def test_a_damaged_note_of_a_config_is_deleted(
    made_root: DataRoot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, advice: AdviceGiven
) -> None:
    root = copied_root(made_root, tmp_path)
    monkeypatch.setenv("ECG_ASSETS_DATA", str(root.path))
    note = root.grids / "_manifests" / "settings.yaml"
    note.write_text(note.read_text().replace("kaggle", "kuggle"))
    refused = command("status")
    assert refused.exit_code == 1
    advice.in_message(refused.output)
    note.unlink()
    assert command("status").exit_code == 0
    build_papers(root, CLEAN_PAGES, quiet)
    assert "kaggle" in note.read_text()


@pytest.mark.advice("store/plain_file.py", ", expected a file; move it away")
def test_a_pipe_is_moved_away(
    made_root: DataRoot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, advice: AdviceGiven
) -> None:
    root = copied_root(made_root, tmp_path)
    monkeypatch.setenv("ECG_ASSETS_DATA", str(root.path))
    pipe = root.dataset / "shard-999.arrow"
    os.mkfifo(pipe)
    refused = command("export-dataset", tmp_path / "out", "--split", "test")
    advice.in_message(refused.output)
    pipe.rename(tmp_path / "away")
    assert command("export-dataset", tmp_path / "out", "--split", "test").exit_code == 0


@pytest.mark.advice("store/compute/worker_process.py", "memory may have run out: set ECG_WORKERS to a smaller number")
def test_fewer_workers_fit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, advice: AdviceGiven) -> None:
    """As where there is memory for one worker: two at work at the same time are killed."""
    items = [str(tmp_path / "at_work")] * 6
    monkeypatch.setenv("ECG_WORKERS", "2")
    with pytest.raises(WorkerDiedError) as caught:
        list(map_unordered(be_killed_beside_others, items, default_workers()))
    advice.in_message(caught.value)
    monkeypatch.setenv("ECG_WORKERS", "1")
    assert list(map_unordered(be_killed_beside_others, items, default_workers())) == [True] * 6
