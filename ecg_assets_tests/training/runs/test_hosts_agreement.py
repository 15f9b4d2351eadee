"""Hosts that share a folder, which shows each of them late what the others wrote, stop at the same point."""

import multiprocessing
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from multiprocessing.synchronize import Barrier
from pathlib import Path

import numpy as np
import pytest

from ecg_assets.training.runs.hosts_agreement import HostsAgreement
from ecg_assets.training.runs.run_folder import RunFolder
from ecg_assets.training.runs.stop_point import Sign, StopNamer, StopPoints, read_signs

HOSTS, REPLICAS = 3, 2
LATE_S = 0.6
# Points between two at which all wait for each other.
FREE = 15


class Late(HostsAgreement):
    """Sees the folder as it was a while ago."""

    def _heard(self) -> list[object]:  # type: ignore[override]
        now = time.monotonic()
        self.__dict__.setdefault("_views", []).append((now, super()._heard()))
        views = [view for seen, view in self.__dict__["_views"] if now - seen >= LATE_S]
        return list(views[-1]) if views else []


def be_a_host(folder: str, number: int, together: Barrier, out: str) -> None:
    """A launcher and two replicas, which wait for those of the other hosts now and then, as after a validation."""
    run = RunFolder(Path(folder), number)

    def replica(ordinal: int) -> None:
        rng, points, passed = np.random.default_rng(ordinal), StopPoints(run, ordinal), 0
        while not points.reached():
            time.sleep(float(rng.choice([0.0, 0.001, 0.01])))
            passed += 1
            if passed % FREE == 0:
                together.wait(60)
        (Path(out) / str(ordinal)).write_text(str(passed))

    namer = StopNamer(run, HOSTS)
    if number:
        namer._agreement = Late(run, HOSTS)
    with namer:
        threads = [threading.Thread(target=replica, args=(number * REPLICAS + place,)) for place in range(REPLICAS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()


@pytest.mark.parametrize("asked", [0, 2])
def test_all_hosts_stop_at_the_same_point_whichever_is_asked(asked: int, tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    together, out = context.Barrier(HOSTS * REPLICAS), tmp_path / "out"
    out.mkdir()
    left_behind(tmp_path / "run")
    arguments = [(str(tmp_path / "run"), number, together, str(out)) for number in range(HOSTS)]
    hosts = [context.Process(target=be_a_host, args=each) for each in arguments]
    for host in hosts:
        host.start()
    runs = [RunFolder(tmp_path / "run", number) for number in range(HOSTS)]
    wait_for(lambda: all(sign.point > 20 for run in runs for sign in read_signs(run.heartbeats) or [Sign(0, 0, 0.0)]))
    before = max(sign.point for run in runs for sign in read_signs(run.heartbeats))
    runs[asked].stop_request.touch()
    for host in hosts:
        host.join(60)
    assert [host.exitcode for host in hosts] == [0] * HOSTS
    stopped_after = {int(path.read_text()) for path in out.iterdir()}
    assert len(list(out.iterdir())) == HOSTS * REPLICAS
    assert len(stopped_after) == 1
    # The host that is asked lets its replicas wait at once, and no other one gets far without them.
    assert stopped_after.pop() < before + 4 * FREE


def left_behind(folder: Path) -> None:
    """What a training that was killed while it stopped said."""
    for number in range(HOSTS):
        word = RunFolder(folder, number).stop_agreement
        word.parent.mkdir(parents=True, exist_ok=True)
        word.write_text(f"{77:>12d} {3:>12d} 0\n")


def test_where_a_first_step_is_being_compiled_the_replicas_of_all_hosts_are_ended(tmp_path: Path) -> None:
    runs = [RunFolder(tmp_path, number) for number in range(2)]
    with ExitStack() as stack:
        for run in runs:
            stack.enter_context(StopNamer(run, 2))
        replicas = [compiling(run, stack) for run in runs]
        runs[1].stop_request.touch()
        assert [replica.wait(30) for replica in replicas] == [-9, -9]


def compiling(run: RunFolder, stack: ExitStack) -> "subprocess.Popen[bytes]":
    """A replica that is in its first step."""
    replica = stack.enter_context(subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"]))
    run.heartbeats.mkdir(parents=True, exist_ok=True)
    (run.heartbeats / "0").write_text(f"{replica.pid:>10d} {1:>12d} {0.0:>12.3f}\n")
    return replica


def test_a_host_that_ends_waits_for_nobody_who_is_not_there(tmp_path: Path) -> None:
    run = RunFolder(tmp_path)
    began = time.monotonic()
    with StopNamer(run, 4):
        run.stop_request.touch()
        time.sleep(0.3)
    assert time.monotonic() - began < 3
    assert not run.stop_point.exists()


def wait_for(done: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not done():
        assert time.monotonic() < deadline
        time.sleep(0.02)
