"""One of several hosts that share a run folder: it knows its number, and only the first one writes for all."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from ecg_assets.store.log import Log
from ecg_assets.training import trainer
from ecg_assets.training.data.batches import TrainBatches
from ecg_assets.training.loop.train_loop import train_replica
from ecg_assets.training.runs.run_folder import RunFolder
from ecg_assets.training.runtime.base import Runtime
from ecg_assets.training.runtime.heartbeat import Heartbeats
from ecg_assets.training.runtime.plain import PlainRuntime
from ecg_assets.training.tpu import pci as topology
from ecg_assets.training.tpu.environment import TpuEnvironmentError
from ecg_assets.training.tpu.host import hosts_together
from ecg_assets_tests.conftest import AdviceGiven
from ecg_assets_tests.training.conftest import Prepare
from ecg_assets_tests.training.tpu.tpu_machines import machine


def be(name: str, worker_id: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PJRT_DEVICE", raising=False)
    monkeypatch.setattr(topology, "_PCI_DEVICES", machine(name).pci(tmp_path / f"{name}-{worker_id}"))
    for variable, value in machine(name).environment(worker_id).items():
        monkeypatch.setenv(variable, value)


def test_each_host_of_a_slice_knows_its_number(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for worker_id in range(4):
        be("v4-32", worker_id, tmp_path, monkeypatch)
        assert hosts_together() == (worker_id, 4)
    be("v3-8", 0, tmp_path, monkeypatch)
    assert hosts_together() == (0, 1)


@pytest.mark.advice("training/tpu/host.py", "on each, set TPU_WORKER_ID, TPU_WORKER_HOSTNAMES and TPU_SKIP_MDS_QUERY=1")
def test_a_host_that_cannot_know_its_number_does_not_train(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, advice: AdviceGiven
) -> None:
    be("v3-32", 1, tmp_path, monkeypatch)
    told = {name: os.environ[name] for name in ("TPU_SKIP_MDS_QUERY", "TPU_WORKER_ID", "TPU_WORKER_HOSTNAMES")}
    for name in told:
        monkeypatch.delenv(name)
    with pytest.raises(TpuEnvironmentError, match="v3-32 has 4 hosts, and TPU_WORKER_ID is not set") as refused:
        hosts_together()
    advice.in_message(refused.value)
    for name, value in told.items():
        assert name in str(refused.value)
        monkeypatch.setenv(name, value)
    assert hosts_together() == (1, 4)


class OfTheThirdHost(PlainRuntime):
    """Replica 8 of 16, four on each host; the others are as if they had seen what it has."""

    ordinal, world_size, host_replicas, is_master = 8, 16, 4, False


def written(run: RunFolder) -> set[str]:
    return {path.relative_to(run.path).as_posix() for path in run.path.rglob("*") if path.is_file()}


def test_a_host_that_is_not_the_first_writes_nothing_but_its_own_events(
    prepare: Prepare, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = prepare(epochs=1, steps_per_epoch=4, log_every=1)
    before, third = written(first), RunFolder(first.path, host=2)
    signs = Heartbeats(third.heartbeats)
    signs.clear()
    train_replica(third, OfTheThirdHost(signs))
    assert written(first) - before == {"hosts/2/heartbeats/8"}

    def torn(self: TrainBatches, number: int, epoch: int, position: int) -> None:
        raise OSError("the shared folder is gone")

    monkeypatch.setattr(TrainBatches, "_drawn", torn)
    with pytest.raises(OSError, match="shared folder is gone"):
        train_replica(third, OfTheThirdHost(signs))
    assert written(first) - before == {"hosts/2/heartbeats/8", "hosts/2/events.jsonl"}


def test_what_people_watch_is_kept_by_the_first_host_alone(
    prepare: Prepare, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = prepare(runtime="xla", epochs=1, steps_per_epoch=4, log_every=1)
    before = written(first)
    be("v4-32", 2, tmp_path, monkeypatch)

    def launch(
        replica: Callable[[Runtime], None], config: object, stop: Path, beats: Path, log: Log, _: object
    ) -> None:
        """No chips are here: the replica is this process."""
        signs = Heartbeats(beats)
        signs.clear()
        log("a note of this host")
        replica(OfTheThirdHost(signs))

    monkeypatch.setattr(trainer, "launch", launch)
    with pytest.raises(trainer.TrainingStopped):  # the first host, which is not here, says when it is finished
        trainer.train(first.path, pictures=True)
    assert {name.partition("/")[0] for name in written(first) - before} == {"hosts"}
