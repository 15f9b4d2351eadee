"""What cannot be written is told in one sentence: which file, why, and what to do; what was there stays."""

import ctypes
import resource
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from ecg_assets.pages.config import PagesConfig
from ecg_assets.pages.stage import render_pages
from ecg_assets.store.atomic import atomic_path, write_text
from ecg_assets.store.root import DataRoot
from ecg_assets.store.write_errors import WriteRefusedError
from ecg_assets_tests.conftest import quiet
from ecg_assets_tests.inspection.copies import copied_root

_DROP_FROM_BOUNDING_SET, _OVERRIDE_PERMISSIONS, _READ_ANYTHING = 24, 1, 2  # prctl(2), capabilities(7)


@contextmanager
def files_of_at_most(size: int) -> Iterator[None]:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_full_disk_names_the_file_and_what_to_do(tmp_path: Path) -> None:
    target = tmp_path / "page.png"
    write_text(target, "before")
    with (
        pytest.raises(WriteRefusedError) as caught,
        atomic_path(target),
        Path("/dev/full").open("w") as full,
    ):
        full.write("x")
        full.flush()
    assert str(caught.value).startswith(f"{target} cannot be written: its disk is full: make room, ")
    assert [path.name for path in tmp_path.iterdir()] == ["page.png"]
    assert target.read_text() == "before"


def test_a_page_that_cannot_be_written_is_named_by_the_run_that_draws_it(made_root: DataRoot, tmp_path: Path) -> None:
    root = copied_root(made_root, tmp_path)
    with pytest.raises(WriteRefusedError) as caught, files_of_at_most(20_000):
        render_pages(root, PagesConfig(styles="kaggle", seed=7), 1, quiet)
    assert str(root.wave_images) in str(caught.value)
    assert "larger than this process may write" in str(caught.value)
    assert not list(root.path.rglob(".tmp-*"))


@pytest.mark.parametrize("place", ["folder", "file/below.txt"])
def test_a_folder_in_a_file_s_place_and_a_file_in_a_folder_s_are_told(tmp_path: Path, place: str) -> None:
    (tmp_path / "folder" / "held").mkdir(parents=True)
    (tmp_path / "file").touch()
    with pytest.raises(WriteRefusedError, match=f"{place} cannot be written: a f.* in .* place.*: move that away"):
        write_text(tmp_path / place, "x")
    assert (tmp_path / "folder" / "held").exists()


def test_an_error_of_reading_something_else_is_left_as_it_is(tmp_path: Path) -> None:
    with pytest.raises(NotADirectoryError), atomic_path(tmp_path / "out" / "page.png"):
        (tmp_path / "file").touch()
        (tmp_path / "file" / "input").read_bytes()


def without_overriding_permissions() -> None:
    """Permissions hold for the administrator's processes, too."""
    libc = ctypes.CDLL(None)
    for capability in (_OVERRIDE_PERMISSIONS, _READ_ANYTHING):
        libc.prctl(_DROP_FROM_BOUNDING_SET, capability, 0, 0, 0)


@pytest.fixture(scope="module")
def read_only(made_root: DataRoot, tmp_path_factory: pytest.TempPathFactory) -> Iterator[DataRoot]:
    root = copied_root(made_root, tmp_path_factory.mktemp("read_only"))
    (root.wave_masks / "left.png").touch()
    folders = [root.path, *(path for path in root.path.rglob("*") if path.is_dir())]
    for folder in folders:
        folder.chmod(0o555)
    yield root
    for folder in folders:
        folder.chmod(0o755)


@pytest.mark.parametrize(
    "arguments",
    [
        ("prune", "--yes"),
        ("train", "--config", "demo"),
        ("demote",),
        ("download-subset",),
        ("export-dataset", "{root}/out"),
    ],
    ids=lambda arguments: arguments[0],
)
def test_a_read_only_data_root_gets_one_sentence(read_only: DataRoot, arguments: tuple[str, ...]) -> None:
    said = command(read_only, *(one.format(root=read_only.path) for one in arguments))
    assert said.returncode == 1
    assert "Traceback" not in said.stderr, said.stderr[-2000:]
    (line,) = {one for one in said.stderr.splitlines() if "cannot be written" in one} or {said.stderr}
    assert str(read_only.path) in line
    assert "its folder may not be written: change its permissions" in line


@pytest.mark.parametrize("name", ["status", "verify"])
def test_what_only_looks_works_in_a_read_only_data_root(read_only: DataRoot, name: str) -> None:
    said = command(read_only, name)
    assert said.returncode == 0, said.stderr[-2000:]


def command(root: DataRoot, *arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "ecg_assets.cli", *arguments],
        env={
            "ECG_ASSETS_DATA": str(root.path),
            "PATH": "/usr/bin:/bin",
            "HOME": str(root.path),
            "OMP_NUM_THREADS": "1",
        },
        capture_output=True,
        text=True,
        timeout=120,
        preexec_fn=without_overriding_permissions,
    )
