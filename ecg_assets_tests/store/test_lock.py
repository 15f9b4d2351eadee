"""Two writers in one folder take turns, and a killed writer blocks nobody."""

import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import pytest

from ecg_assets.store.atomic import write_text
from ecg_assets.store.compute.pool import map_unordered
from ecg_assets.store.lock import LockLostError, check_locks, only_writer, only_writer_at_once

HOLD = """
import sys, time
from pathlib import Path
from ecg_assets.store.lock import only_writer
with only_writer(Path(sys.argv[1]), lambda line: None):
    print("held", flush=True)
    time.sleep(float(sys.argv[2]))
"""


def holder(folder: Path, seconds: float) -> "subprocess.Popen[bytes]":
    process = subprocess.Popen([sys.executable, "-c", HOLD, str(folder), str(seconds)], stdout=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stdout.readline() == b"held\n"
    return process


def test_the_second_writer_waits_for_the_first_and_says_so(tmp_path: Path) -> None:
    process = holder(tmp_path, 1.0)
    lines: list[str] = []
    began = time.monotonic()
    with only_writer(tmp_path, lines.append):
        assert time.monotonic() - began >= 0.5
    process.wait(5)
    assert len(lines) == 1
    assert str(tmp_path) in lines[0]


def test_a_killed_writer_gives_the_folder_back_at_once(tmp_path: Path) -> None:
    process = holder(tmp_path, 600)
    process.kill()
    process.wait(5)
    lines: list[str] = []
    with only_writer(tmp_path, lines.append):
        assert lines == []


def test_a_free_folder_is_made_and_taken_without_a_word(tmp_path: Path) -> None:
    lines: list[str] = []
    with only_writer(tmp_path / "new" / "folder", lines.append):
        pass
    with only_writer(tmp_path / "new" / "folder", lines.append):
        pass
    assert lines == []


def test_a_holder_whose_lock_file_is_deleted_writes_nothing_more_and_the_other_one_goes_on(tmp_path: Path) -> None:
    folder, before = tmp_path / "pages", tmp_path / "pages" / "before.json"
    with (
        pytest.raises(LockLostError, match=r"pages/\.lock has vanished while this run held it"),
        only_writer(folder, print),
    ):
        write_text(before, "before")
        (folder / ".lock").unlink()
        second = holder(folder, 600)  # it need not wait, and does not know of the first
        try:
            write_text(folder / "after.json", "after")
        finally:
            second.kill()
            second.wait(5)
    assert [path.name for path in sorted(folder.iterdir())] == [".lock", "before.json"]
    write_text(folder / "later.json", "without a lock, nothing is looked at")


def test_worker_processes_notice_it_too(tmp_path: Path) -> None:
    with only_writer(tmp_path, print):
        paths = [tmp_path / str(number) for number in range(4)]
        assert list(map_unordered(partial(write_text, text="x"), paths, workers=2)) == [None] * 4
        (tmp_path / ".lock").unlink()
        (tmp_path / ".lock").touch()  # another file of that name is another lock
        with pytest.raises(LockLostError):
            list(map_unordered(partial(write_text, text="y"), paths, workers=2))
    assert {path.read_text() for path in paths} == {"x"}


def test_locks_that_were_given_back_are_not_looked_at_any_more(tmp_path: Path) -> None:
    with only_writer(tmp_path / "a", print):
        with only_writer(tmp_path / "b", print), only_writer_at_once(tmp_path / "c") as free:
            assert free
        (tmp_path / "b" / ".lock").unlink()
        (tmp_path / "c" / ".lock").unlink()
        check_locks()


def test_a_lock_that_is_held_is_not_taken_at_once(tmp_path: Path) -> None:
    process = holder(tmp_path, 600)
    with only_writer_at_once(tmp_path) as free:
        assert not free
    process.kill()
    process.wait(5)
