"""Where a training stops: the same point in all replicas of a host, whoever is ahead when the request comes."""

import multiprocessing
import os
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from ecg_assets.training.runs import stop_point
from ecg_assets.training.runs.run_folder import RunFolder
from ecg_assets.training.runs.run_state import is_finished
from ecg_assets.training.runs.stop_point import AHEAD, StopNamer, StopPoints, read_signs, seconds_to_stop
from ecg_assets.training.trainer import TrainingFailedError, train
from ecg_assets_tests.conftest import AdviceGiven
from ecg_assets_tests.training.conftest import Prepare

REPLICAS = 3


def walk(folder: str, ordinal: int, out: str) -> None:
    """A replica that hurries or dawdles; notes the point that it stops at, and how far it was at the request."""
    run, rng = RunFolder(Path(folder)), np.random.default_rng(ordinal)
    points, passed = StopPoints(run, ordinal), 0
    while not points.reached():
        passed += 1
        time.sleep(float(rng.choice([0.0, 0.0001, 0.003])))
    (Path(out) / str(ordinal)).write_text(str(passed + 1))


def test_processes_that_are_not_at_the_same_point_stop_at_the_same_one(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    run, out = RunFolder(tmp_path / "run"), tmp_path / "out"
    run.heartbeats.mkdir(parents=True)
    out.mkdir()
    arguments = [(str(run.path), ordinal, str(out)) for ordinal in range(REPLICAS)]
    replicas = [context.Process(target=walk, args=each) for each in arguments]
    with StopNamer(run) as namer:
        for replica in replicas:
            replica.start()
        deadline = time.monotonic() + 60
        while sum(sign.point > 20 for sign in read_signs(run.heartbeats)) < REPLICAS:
            assert time.monotonic() < deadline
            time.sleep(0.01)
        run.stop_request.touch()
        for replica in replicas:
            replica.join(60)
        assert namer.furthest is not None
        stopped_at = {int(path.read_text()) for path in out.iterdir()}
        assert stopped_at == {namer.furthest + AHEAD}
    assert [replica.exitcode for replica in replicas] == [0] * REPLICAS


@pytest.fixture
def run(tmp_path: Path) -> Iterator[RunFolder]:
    run = RunFolder(tmp_path)
    with StopNamer(run):
        yield run


def test_a_request_before_the_first_point_stops_there(run: RunFolder) -> None:
    run.stop_request.touch()
    while not run.stop_point.exists():
        time.sleep(0.01)
    assert StopPoints(run, 0).reached()


def test_a_replica_goes_on_for_two_more_points_after_the_request(run: RunFolder) -> None:
    points = StopPoints(run, 0)
    assert [points.reached() for _ in range(3)] == [False] * 3
    run.stop_request.touch()
    while not run.stop_point.exists():
        time.sleep(0.01)
    assert [points.reached() for _ in range(2)] == [False, True]


def test_replicas_that_are_there_no_more_do_not_count(tmp_path: Path) -> None:
    """As after a kill, when others start from the first point: they would go on until where those had been."""
    run = RunFolder(tmp_path)
    dead = StopPoints(run, 0)
    for _ in range(500):
        dead.reached()
    with StopNamer(run):
        run.stop_request.touch()
        while not run.stop_point.exists():
            time.sleep(0.01)
        assert StopPoints(run, 0).reached()


@pytest.mark.advice(
    "training/runs/stop_point.py", " s: who launched this training is gone; start it again, and it goes on "
)
def test_a_request_that_nobody_answers_ends_the_training_and_the_next_one_goes_on(
    prepare: Prepare, monkeypatch: pytest.MonkeyPatch, advice: AdviceGiven
) -> None:
    run = prepare(epochs=1, steps_per_epoch=4, validation_steps=1)
    with monkeypatch.context() as patch:
        patch.setattr(stop_point, "_ANSWERED_WITHIN_S", 0.1)
        patch.setattr(StopNamer, "_watch", lambda _: run.stop_request.touch())
        with pytest.raises(TrainingFailedError) as failed:
            train(run.path)
    advice.in_message(failed.value)
    run.stop_request.touch()  # as a launcher leaves it that was killed
    train(run.path)
    assert is_finished(run)


def test_the_time_that_a_stop_may_need_is_that_of_the_slowest_steps_seen(run: RunFolder) -> None:
    points = StopPoints(run, 3)
    assert seconds_to_stop(run.path) == 0.0
    points.reached()
    time.sleep(0.2)
    points.reached()
    points.reached()
    (sign,) = read_signs(run.heartbeats)
    assert (sign.pid, sign.point) == (os.getpid(), 3)
    assert 0.4 <= sign.stop_s == seconds_to_stop(run.path) < 2.0


def test_a_point_costs_microseconds(run: RunFolder) -> None:
    """A step of the smallest network on the fastest device takes milliseconds."""
    points = StopPoints(run, 0)
    began = time.process_time()
    for _ in range(2000):
        points.reached()
    assert (time.process_time() - began) / 2000 < 200e-6
