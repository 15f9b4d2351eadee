"""Pools of worker processes: their results and errors, and that nothing is left of them however they end."""

import multiprocessing
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import psutil
import pytest

from ecg_assets.store.compute.pool import map_unordered
from ecg_assets.store.compute.worker_process import WorkerDiedError
from ecg_assets_tests.store.compute.work import FUNCTIONS, be_killed, doubled, drive, raise_odd, refuse_three, square

MARK = "ECG_TEST_POOL"
# Longer than a busy machine takes; a process that hangs does so for ever.
GONE_WITHIN_S = 60.0
SAYS = {
    "a worker raises": "ValueError: three",
    "the disk is full": "OSError: [Errno 28] No space left on device",
    "a worker is killed": "terminated abruptly, by signal 9",
    "a worker is killed while it tells its result": "terminated abruptly, by signal 9",
    "the caller raises": "ValueError: three",
}


def left(mark: str) -> list[list[str]]:
    """Command lines of the processes that inherited the mark."""
    found = []
    for process in psutil.process_iter():
        try:
            counts = "multiprocessing.resource_tracker" in " ".join(process.cmdline())
            if process.environ().get(MARK) == mark and not counts and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process.cmdline())
        except psutil.Error:
            continue
    return found


def fail(how: str, folder: Path, monkeypatch: pytest.MonkeyPatch, cancel_after_s: float | None = None) -> str:
    """A step that fails in a child process of `multiprocessing`; what it raised. Nothing may be left of it."""
    mark, told = uuid.uuid4().hex, folder / "told"
    told.unlink(missing_ok=True)
    monkeypatch.setenv(MARK, mark)
    step = multiprocessing.get_context("spawn").Process(target=drive, args=(how, str(told)))
    step.start()
    monkeypatch.delenv(MARK)
    if cancel_after_s is not None:
        deadline = time.monotonic() + GONE_WITHIN_S
        while not told.exists() and time.monotonic() < deadline:
            time.sleep(0.005)
        time.sleep(cancel_after_s)
        step.terminate()
    try:
        step.join(GONE_WITHIN_S)
        assert step.exitcode == 0, (how, cancel_after_s, step.exitcode, left(mark))
        deadline = time.monotonic() + GONE_WITHIN_S
        while processes := left(mark):
            assert time.monotonic() < deadline, (how, cancel_after_s, processes)
            time.sleep(0.05)
    finally:
        step.kill()
    return told.read_text()


@pytest.mark.parametrize("how", SAYS)
def test_a_step_that_fails_leaves_no_process_and_says_why(
    how: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(2):
        assert SAYS[how] in fail(how, tmp_path, monkeypatch)


@pytest.mark.parametrize("after_s", [0.0, 0.1, 1.0])
def test_a_step_that_is_cancelled_as_its_pool_starts_leaves_no_process(
    after_s: float, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert fail("the run is cancelled", tmp_path, monkeypatch, after_s) == "RunCancelled: "


@pytest.mark.soak
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("how", FUNCTIONS)
def test_fifty_steps_that_fail_leave_no_process(how: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    for _ in range(50):
        after_s = float(rng.uniform(0.0, 1.5)) if how == "the run is cancelled" else None
        assert SAYS.get(how, "RunCancelled") in fail(how, tmp_path, monkeypatch, after_s)


def test_results_and_items_larger_than_a_pipe_holds_come_whole() -> None:
    items = [bytes([number]) * 3_000_000 for number in range(12)]
    results = sorted(map_unordered(doubled, items, workers=2))
    assert results == [item + item for item in items]


def test_an_error_says_where_in_the_worker_it_was_raised() -> None:
    with pytest.raises(ValueError, match="three") as caught:
        list(map_unordered(refuse_three, range(8), workers=2))
    assert "in refuse_three" in str(caught.value.__cause__)


def test_an_error_that_cannot_be_sent_is_told_by_its_name_and_message() -> None:
    with pytest.raises(RuntimeError, match="OddError: odd: 0"):
        list(map_unordered(raise_odd, [0], workers=2))


def test_a_killed_worker_is_told_with_what_helps() -> None:
    with pytest.raises(WorkerDiedError, match=r"by signal 9 \(Killed\); memory may have run out: set ECG_WORKERS"):
        list(map_unordered(be_killed, range(8), workers=2))


def test_work_that_is_not_asked_for_any_more_is_ended() -> None:
    results = map_unordered(square, range(1000), workers=2)
    next(results)
    before = {child.pid for child in psutil.Process().children() if "spawn_main" in " ".join(child.cmdline())}
    results.close()  # type: ignore[attr-defined]
    assert before
    assert not any(psutil.pid_exists(pid) for pid in before)


def test_no_more_items_are_taken_than_are_in_flight() -> None:
    taken: list[int] = []

    def items() -> Iterator[int]:
        for number in range(100):
            taken.append(number)
            yield number

    for done, _ in enumerate(map_unordered(square, items(), workers=2), start=1):
        assert len(taken) <= done + 4
