"""Two writers in one folder take turns, and a killed writer blocks nobody."""

import subprocess
import sys
import time
from pathlib import Path

from ecg_assets.store.lock import only_writer

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
